"""Trees and hedges: branching wood, leaves at the twigs."""

from __future__ import annotations

import numpy as np

from samples.camera import unit
from samples.noise import Array, Dice, fbm, noise, ridges
from samples.things import Branches, Hits, Leaves, Material, Surface, Thing

__all__ = ["bark", "foliage", "hedge", "tree"]


def bark(air: float, warm: float, seed: int) -> Material:
    """Furrowed bark; wood keeps ``warm`` degrees of the day."""

    def material(hits: Hits) -> Surface:
        out = Surface.default(hits, (0.085, 0.065, 0.048), air + warm)
        stretched = hits.p * np.array([26.0, 26.0, 5.0], np.float32)
        rough = ridges(stretched, 3, seed=seed, foot=hits.foot * 26.0)
        out.albedo *= (0.7 + 0.9 * noise(hits.p * 9.0, seed) - 0.45 * rough)[:, None]
        out.temperature += 1.3 * fbm(hits.p * 3.0, 3, seed=seed + 1) - 0.5 * rough
        return out

    return material


def foliage(air: float, tint: tuple[float, float, float], seed: int) -> Material:
    """Leaves that vary in colour from clump to clump; close to the air's temperature."""

    def material(hits: Hits) -> Surface:
        out = Surface.default(hits, tint, air)
        leaf = noise(hits.p * 14.0, seed)
        clump = fbm(hits.p * 1.3, 3, seed=seed + 2)
        out.albedo *= (0.55 + 0.7 * leaf + 0.7 * clump)[:, None]
        out.albedo[:, 0] *= 1.0 + 0.8 * clump
        out.through[:] = 0.45
        out.solar[:] = 0.16
        out.temperature += 0.9 * (leaf - 0.5) + 1.6 * clump
        out.emissivity[:] = 0.97
        return out

    return material


def _grow(dice: Dice, base: Array, height: float, thick: float) -> tuple[Array, Array, Array, Array]:
    """Segments (start, end, radii) of a tree and the tips of its twigs."""
    starts: list[Array] = []
    ends: list[Array] = []
    radii: list[tuple[float, float]] = []
    tips: list[Array] = []

    def sprout(at: Array, way: Array, length: float, radius: float, level: int) -> None:
        steps = 3 if level < 2 else 2
        for step in range(steps):
            bend = 0.10 if level == 0 else 0.28
            way = unit(way + bend * dice.normals(3) * np.array([1.0, 1.0, 0.5]) + np.array([0.0, 0.0, 0.05]))
            end = at + way * length / steps
            taper = radius * (1.0 - 0.3 / steps)
            starts.append(at)
            ends.append(end)
            radii.append((radius, taper))
            at, radius = end, taper
            if level >= 2 or (level == 1 and step > 0):
                tips.append(at)
        if level == 3:
            return
        children = 4 if level == 0 else 3
        turn = dice.uniform(0.0, 6.28)
        for k in range(children):
            angle = turn + 6.283 * (k + dice.uniform(-0.2, 0.2)) / children
            spread = dice.uniform(0.5, 0.95)
            side = np.array([np.cos(angle), np.sin(angle), 0.0]) * spread
            sprout(at, unit(way * 0.8 + side), length * dice.uniform(0.55, 0.8), radius * 0.62, level + 1)

    sprout(base, np.array([0.0, 0.0, 1.0]), height * 0.36, thick, 0)
    return (
        np.array(starts, np.float32),
        np.array(ends, np.float32),
        np.array(radii, np.float32),
        np.array(tips, np.float32),
    )


def tree(
    x: float,
    y: float,
    *,
    height: float,
    air: float,
    seed: int,
    leaves: int = 9000,
    tint: tuple[float, float, float] = (0.06, 0.11, 0.03),
    warm: float = 1.0,
    leaf: float = 0.07,
) -> list[Thing]:
    """A tree at (x, y): its wood and, unless ``leaves`` is 0, its crown."""
    dice = Dice(seed)
    start, end, radii, tips = _grow(dice, np.array([x, y, 0.0]), height, 0.028 * height)
    things: list[Thing] = [Branches(material=bark(air, warm, seed), label="wood", start=start, end=end, thick=radii)]
    if leaves and len(tips):
        owner = np.minimum((dice.uniforms(leaves) * len(tips)).astype(int), len(tips) - 1)
        spread = np.stack([dice.normals(leaves) for _ in range(3)], axis=1)
        places = tips[owner] + spread * np.array([0.055, 0.055, 0.04]) * height
        middle = tips.mean(axis=0)
        outward = unit(places - middle)
        tilt = np.stack([dice.normals(leaves) for _ in range(3)], axis=1)
        things.append(
            Leaves(
                material=foliage(air, tint, seed + 1),
                label="leaves",
                places=places.astype(np.float32),
                normals=unit(outward + 0.7 * tilt + np.array([0.0, 0.0, 0.4])).astype(np.float32),
                size=leaf,
            )
        )
    return things


def hedge(
    low: tuple[float, float],
    high: tuple[float, float],
    top: float,
    *,
    air: float,
    seed: int,
    count: int = 9000,
    tint: tuple[float, float, float] = (0.05, 0.09, 0.03),
    leaf: float = 0.035,
) -> Leaves:
    """Leaves that fill a strip of ground from ``low`` to ``high`` (x, y), about ``top`` metres high."""
    dice = Dice(seed)
    x = dice.uniforms(count, low[0], high[0])
    y = dice.uniforms(count, low[1], high[1])
    ragged = noise(np.stack([x * 1.6, y * 1.6], axis=1), seed)
    z = top * (0.55 + 0.6 * ragged) * dice.uniforms(count) ** 0.6
    tilt = np.stack([dice.normals(count) for _ in range(3)], axis=1)
    return Leaves(
        material=foliage(air, tint, seed + 1),
        label="leaves",
        places=np.stack([x, y, z], axis=1).astype(np.float32),
        normals=unit(tilt + np.array([0.0, -0.5, 0.9])).astype(np.float32),
        size=leaf,
    )

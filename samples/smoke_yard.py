"""A yard at dusk: something burns, smoke hides people from the eye but not from the thermal camera."""

from __future__ import annotations

import numpy as np

from samples.car import Car, car
from samples.facade import Facade
from samples.light import Lamp
from samples.noise import Array, Dice, fbm, smoothstep
from samples.person import person
from samples.scene import Scene
from samples.smoke import Plume
from samples.street import Asphalt, box, lamp_post, paint, sign
from samples.thermal import sky_temperature
from samples.things import Box, Branches, Ground, Hits, Material, Solid, Surface, Thing
from samples.tree import hedge, tree

__all__ = ["smoke_yard"]

AIR = 12.0


def _sky(d: Array) -> Array:
    rise = np.clip(d[:, 2], 0.0, 1.0)[:, None]
    cloud = fbm(d / np.maximum(d[:, 2:3] + 0.15, 0.12) * np.array([0.9, 0.9, 0.0]), 5, seed=12)[:, None]
    low, high = np.array([0.62, 0.50, 0.42]), np.array([0.30, 0.35, 0.44])
    base = low + (high - low) * np.clip(rise * 2.6, 0.0, 1.0) ** 0.7
    return np.asarray(base * (1.0 + 1.1 * cloud))


def _around(d: Array) -> Array:
    up = smoothstep(0.04, 0.16, d[:, 2])[:, None]
    return np.asarray(np.array([0.09, 0.085, 0.08]) * (1.0 - up) + _sky(d) * up)


def _corrugated(colour: tuple[float, float, float], seed: int) -> Material:
    """A steel shipping container: ribs, rust and streaks."""

    def material(hits: Hits) -> Surface:
        out = Surface.default(hits, colour, AIR - 0.5)
        q, m = hits.q, hits.m
        across = np.abs(m[:, 0]) > 0.5
        u = np.where(across, q[:, 1], q[:, 0])
        top = np.abs(m[:, 2]) > 0.5
        wave = np.cos(u * 2 * np.pi / 0.28) * np.clip(1.5 - hits.foot * 8.0, 0.0, 1.0)
        slope = np.sin(u * 2 * np.pi / 0.28) * np.clip(1.5 - hits.foot * 8.0, 0.0, 1.0) * ~top
        bump = np.zeros_like(m)
        bump[:, 1] = np.where(across, slope, 0.0)
        bump[:, 0] = np.where(across, 0.0, slope)
        out.normal = m + 0.55 * bump
        at = np.stack([u, q[:, 2]], axis=1)
        rust = smoothstep(0.16, 0.34, fbm(at * np.array([1.1, 0.7]), 5, seed=seed) + 0.16 * np.exp(-q[:, 2] / 0.3))
        streak = np.clip(fbm(at * np.array([9.0, 0.5]), 3, seed=seed + 1), 0.0, 1.0)
        out.albedo *= (1.0 - 0.5 * streak + 0.10 * wave)[:, None]
        out.albedo += (np.array([0.13, 0.055, 0.025]) - out.albedo) * (0.85 * rust)[:, None]
        out.temperature += 0.45 * wave + 1.0 * rust + 0.8 * fbm(at * 0.7, 3, seed=seed + 2)
        out.gloss[:], out.shine[:] = 0.04, 20.0
        out.emissivity[:] = 0.86 + 0.08 * rust
        frame = (q[:, 2] < 0.12) | (q[:, 2] > 2.47)
        out.albedo[frame] *= 0.6
        return out

    return material


def _barrel(p: Array) -> Array:
    r = np.hypot(p[:, 0], p[:, 1])
    wall = np.maximum(np.abs(r - 0.29) - 0.012, np.abs(p[:, 2] - 0.44) - 0.44)
    ring = np.minimum(np.hypot(r - 0.30, p[:, 2] - 0.3), np.hypot(r - 0.30, p[:, 2] - 0.6)) - 0.018
    coal = np.maximum(r - 0.28, np.abs(p[:, 2] - 0.66) - 0.05) - 0.03 * np.sin(p[:, 0] * 40.0) * np.sin(p[:, 1] * 37.0)
    return np.stack([np.minimum(wall, ring) * 0.8, coal * 0.6], axis=1)


def _burning(hits: Hits) -> Surface:
    out = Surface.default(hits, (0.16, 0.07, 0.035), AIR)
    z = hits.q[:, 2]
    soot = fbm(hits.q * 5.0, 4, seed=8)
    out.albedo *= (0.7 + 0.8 * soot)[:, None]
    out.temperature = AIR + 26.0 + 60.0 * np.exp(-(((z - 0.62) / 0.22) ** 2)) + 12.0 * soot
    coal = hits.part == 1
    ember = smoothstep(-0.1, 0.25, fbm(hits.q * 16.0, 3, seed=9))
    out.emission[coal] = (ember[coal, None] + 0.1) * np.array([3.2, 0.75, 0.10], np.float32)
    out.temperature[coal] = 150.0 + 150.0 * ember[coal]
    return out


def _rubble(dice: Dice, x: float, y: float) -> list[Thing]:
    """Planks and blocks about the fire."""
    wood = paint((0.17, 0.12, 0.075), AIR + 2.0, seed=5)
    stone = paint((0.30, 0.28, 0.26), AIR + 1.0, seed=6)
    out: list[Thing] = []
    for _ in range(7):
        angle, far = dice.uniform(0.0, 6.28), dice.uniform(0.5, 1.7)
        long = dice.uniform(0.5, 1.1)
        place = (x + far * float(np.cos(angle)), y + far * float(np.sin(angle)), 0.0)
        yaw = dice.uniform(0.0, 3.1)
        out.append(
            Box(
                wood,
                "rubble",
                place,
                yaw,
                low=(-long, -0.07, 0.0),
                high=(long, 0.07, dice.uniform(0.05, 0.16)),
            )
        )
    for _ in range(6):
        place = (x + dice.uniform(-2.0, 2.0), y + dice.uniform(-1.5, 1.5), 0.0)
        size = dice.uniform(0.08, 0.2)
        out.append(
            Box(
                stone,
                "rubble",
                place,
                dice.uniform(0.0, 3.0),
                low=(-size, -size, 0.0),
                high=(size, 0.8 * size, size),
            )
        )
    return out


def smoke_yard(seed: int = 0) -> Scene:
    """The scene; ``seed`` 0 is the committed picture."""
    dice = Dice(seed * 6007 + 23)
    jitter = 0.0 if seed == 0 else 1.0

    def near(value: float, by: float) -> float:
        return value + jitter * dice.uniform(-by, by)

    fire = (near(-1.4, 1.2), near(7.6, 0.6))
    ground = Asphalt(
        air=AIR,
        warm=1.2,
        seed=seed + 77,
        marks=False,
        tracks=0.15,
        wet=0.15,
        heat=((fire[0], fire[1], 1.0, 9.0),),
    )
    things: list[Thing] = [Ground(material=ground, label="ground")]
    hall = Facade(
        wall=(0.27, 0.125, 0.085),
        pattern="brick",
        air=AIR,
        warm=2.0,
        lit=0.06,
        seed=seed + 15,
        blind_sides=False,
        cell=(3.4, 3.6),
        window=(1.9, 2.0),
        ground_floor=3.4,
    )
    things.append(box((-15.0, 21.0, 0.0), (7.0, 33.0, 7.8), hall, "house"))
    ledge = paint((0.20, 0.19, 0.18), AIR + 0.5, seed=2)
    things.append(box((-15.2, 20.8, 7.8), (7.2, 33.0, 8.15), ledge, "ledge"))
    annex = Facade(
        wall=(0.36, 0.35, 0.32),
        pattern="panel",
        air=AIR,
        warm=1.4,
        lit=0.1,
        seed=seed + 16,
        blind_sides=False,
    )
    things.append(box((7.0, 24.0, 0.0), (26.0, 36.0, 6.9), annex, "house"))
    things.append(box((7.2, 23.8, 6.9), (26.0, 36.0, 7.15), ledge, "ledge"))
    reds = [(0.30, 0.055, 0.035), (0.04, 0.12, 0.22), (0.30, 0.22, 0.05), (0.08, 0.17, 0.11)]
    for k, (x, y, yaw, lift) in enumerate(
        ((-8.9, 12.5, 0.10, 0.0), (-9.2, 12.7, 0.06, 2.62), (8.1, 14.6, -0.22, 0.0), (-13.5, 18.0, 0.0, 0.0))
    ):
        colour = reds[(k + (int(dice.uniform(0.0, 4.0)) if seed else 0)) % 4]
        skin = _corrugated(colour, seed + 30 + k)
        things.append(Box(skin, "container", (x, y, lift), yaw, low=(-3.05, -1.22, 0.0), high=(3.05, 1.22, 2.59)))
    things.append(
        Solid(
            material=_burning,
            label="fire",
            at=(fire[0], fire[1], 0.0),
            parts=_barrel,
            low=(-0.33, -0.33, 0.0),
            high=(0.33, 0.33, 0.9),
        )
    )
    things += _rubble(Dice(seed + 3), fire[0], fire[1])
    people = (
        (-0.1, 10.6, -1.9),
        (-2.3, 11.4, -1.2),
        (0.95, 12.4, 2.6),
        (2.9, 9.2, 2.9),
        (5.3, 17.5, -2.2),
    )
    for k, (x, y, yaw) in enumerate(people):
        things.append(
            person(
                near(x, 0.5),
                near(y, 0.6),
                yaw=near(yaw, 0.6),
                air=AIR,
                seed=seed * 53 + 61 + k,
                standing=k % 2 == 0,
                bright=k == 3,
                label="hidden-person" if k < 3 else "person",
            )
        )
    things.append(
        car(
            near(5.2, 0.3),
            near(12.0, 0.5),
            yaw=near(-2.5, 0.15),
            look=Car(paint=(0.42, 0.43, 0.44), air=AIR, running=0.6, seed=8),
        )
    )
    post, _ = lamp_post(3.4, 19.0, -1.0, air=AIR, glow=0.0, height=6.5)
    things += post
    things += sign(-4.25, 9.9, "NO EXIT", air=AIR, kind="plate")
    cable = [(-3.4 - 7.0 + 1.4 * k, 19.0, 6.6 - 0.9 * (1.0 - ((k - 5) / 5.0) ** 2)) for k in range(11)]
    line = np.array(cable, np.float32)
    things.append(
        Branches(
            material=paint((0.02, 0.02, 0.02), AIR),
            label="cable",
            start=line[:-1],
            end=line[1:],
            thick=np.full((10, 2), 0.02, np.float32),
            casts=False,
        )
    )
    things += tree(13.5, 20.0, height=8.5, air=AIR, seed=seed + 41, leaves=11000, tint=(0.10, 0.10, 0.03))
    things += tree(-11.5, 19.5, height=8.0, air=AIR, seed=seed + 42, leaves=9000, tint=(0.09, 0.11, 0.03))
    things.append(hedge((9.0, 11.5), (22.0, 13.0), 0.55, air=AIR, seed=seed + 43, count=9000, tint=(0.12, 0.12, 0.05)))
    things.append(hedge((-14.0, 9.6), (-5.6, 10.7), 0.35, air=AIR, seed=seed + 44, count=7000, tint=(0.12, 0.13, 0.05)))
    plume = Plume(
        source=(fire[0], fire[1] + 0.1, 0.75),
        lean=near(0.55, 0.2),
        spread=0.24,
        thick=1.9,
        light=(0.52, 0.50, 0.49),
        fire=(1.6, 0.5, 0.10),
        air=AIR,
        seed=seed + 90,
        low=(-6.5, 5.6, 0.0),
        high=(10.0, 13.5, 9.5),
    )
    return Scene(
        name="smoke-yard",
        things=things,
        eye=(0.3, 0.0, 1.75),
        target=(0.1, 20.0, 2.9),
        field_of_view=58.0,
        sky=_sky,
        around=_around,
        ambient=np.array([0.44, 0.45, 0.50], np.float32),
        bounce=np.array([0.16, 0.145, 0.13], np.float32),
        air=AIR,
        heaven=lambda d: sky_temperature(d[:, 2], AIR, 0.35),
        haze=np.array([0.45, 0.42, 0.40], np.float32),
        haze_density=0.003,
        lamps=[Lamp(at=(fire[0], fire[1], 1.05), colour=np.array([2.6, 0.95, 0.22], np.float32))],
        medium=plume,
        exposure=0.85,
        bloom=0.02,
        equalise=0.45,
        thermal_range=(0.3, 98.9),
    )

"""A bright day on a suburban road: hot asphalt, cold sky, shadows that both cameras see, each its own way."""

from __future__ import annotations

import numpy as np

from samples.camera import unit
from samples.car import Car, car
from samples.facade import Facade
from samples.light import Sun
from samples.noise import Array, Dice, fbm, noise, smoothstep
from samples.person import person
from samples.scene import Scene
from samples.street import Asphalt, box, lamp_post, paint, paving, sign
from samples.thermal import sky_temperature
from samples.things import Ground, Hits, Material, Surface, Thing
from samples.tree import hedge, tree

__all__ = ["day_road"]

AIR = 25.0


def _cloud(d: Array) -> tuple[Array, Array]:
    """Cover (0..1) and shade (0..0.5) of the fair-weather clouds in directions ``d``."""
    at = (d / np.maximum(d[:, 2:3] + 0.10, 0.08))[:, :2] * 0.95
    puff, shade = fbm(at + 1.2, 6, seed=21), fbm(at + np.array([1.35, 1.1]), 5, seed=21)
    cover = smoothstep(-0.06, 0.16, puff) * smoothstep(0.02, 0.10, np.clip(d[:, 2], 0.0, 1.0))
    return np.asarray(cover), np.clip(shade, 0.0, 0.5)


def _sky(d: Array) -> Array:
    rise = np.clip(d[:, 2], 0.0, 1.0)[:, None]
    near, high = np.array([0.78, 0.88, 1.0]), np.array([0.17, 0.34, 0.74])
    base = high + (near - high) * np.exp(-rise * 5.0)
    cover, shade = (part[:, None] for part in _cloud(d))
    return np.asarray(base * (1.0 - 0.85 * cover) + (1.05 - 0.9 * shade) * 0.85 * cover)


def _heaven(d: Array) -> Array:
    """Apparent temperature of the sky: clouds are warmer than the clear air between them."""
    clear = sky_temperature(d[:, 2], AIR, 0.85)
    cover, _ = _cloud(d)
    return np.asarray(clear + 0.7 * cover * (AIR - 14.0 - clear))


def _around(d: Array) -> Array:
    up = smoothstep(0.05, 0.20, d[:, 2])[:, None]
    trees = np.array([0.09, 0.11, 0.06]) * (0.6 + 0.8 * noise(d * 9.0, 5)[:, None])
    ground = np.array([0.20, 0.20, 0.19])
    low = np.where(d[:, 2:3] < 0.0, ground, trees)
    return np.asarray(low * (1.0 - up) + _sky(d) * up)


def _grass(seed: int) -> Material:
    """A verge: blades, and patches that are dry and so warm up."""

    def material(hits: Hits) -> Surface:
        out = Surface.default(hits, (0.085, 0.125, 0.035), AIR - 1.0)
        at = hits.p[:, :2]
        blade = fbm(at * np.array([30.0, 16.0]), 3, seed=seed, foot=hits.foot * 30.0, gain=0.8)
        patch = fbm(at * 0.5, 4, seed=seed + 1)
        dry = smoothstep(0.05, 0.3, patch)[:, None]
        out.albedo = (out.albedo * (1.0 - dry) + np.array([0.20, 0.17, 0.075]) * dry).astype(np.float32)
        out.albedo *= (1.0 + 0.9 * blade + 0.4 * patch)[:, None]
        out.temperature += 2.0 * patch + 1.2 * blade
        out.solar = 0.28 + 0.3 * dry[:, 0]
        out.through[:] = 0.1
        return out

    return material


def _roof(hits: Hits) -> Surface:
    """Clay tiles in rows."""
    out = Surface.default(hits, (0.27, 0.10, 0.06), AIR + 3.0)
    row = hits.q[:, 1] * 4.0 + hits.q[:, 2] * 4.0
    out.albedo *= (0.8 + 0.35 * (row % 1.0) + 0.6 * fbm(hits.p * 2.0, 3, seed=3))[:, None]
    out.solar[:] = 1.1
    return out


def day_road(seed: int = 0) -> Scene:
    """The scene; ``seed`` 0 is the committed picture."""
    dice = Dice(seed * 4409 + 37)
    jitter = 0.0 if seed == 0 else 1.0

    def near(value: float, by: float) -> float:
        return value + jitter * dice.uniform(-by, by)

    ahead, oncoming = (near(1.85, 0.15), near(12.5, 2.0)), (near(-1.8, 0.15), near(22.0, 4.0))
    road = Asphalt(
        air=AIR,
        warm=6.0,
        seed=seed + 52,
        tracks=1.2,
        manholes=((1.0, 6.4),),
        heat=((ahead[0], ahead[1], 1.5, 3.0), (oncoming[0], oncoming[1], 1.5, 3.0)),
        zebra=(29.0, 32.0),
    )
    things: list[Thing] = [Ground(material=road, label="road")]
    walk, grass = paving(AIR, 3.0, seed + 5), _grass(seed + 6)
    for side in (-1.0, 1.0):
        for near_edge, far_edge, end, top, material, label in (
            (3.6, 5.6, 120.0, 0.13, walk, "pavement"),
            (5.6, 60.0, 140.0, 0.14, grass, "grass"),
        ):
            low, high = sorted((side * near_edge, side * far_edge))
            things.append(box((low, -5.0, 0.0), (high, end, top), material, label))
    walls = [((0.62, 0.57, 0.47), "plaster"), ((0.36, 0.17, 0.11), "brick"), ((0.55, 0.54, 0.52), "plaster")]
    walls += [((0.50, 0.36, 0.22), "plaster"), ((0.30, 0.15, 0.11), "brick")]
    for k, (x, y, wide, long) in enumerate(
        (
            (-19.0, 16.0, 9.0, 10.0),
            (-19.5, 31.0, 9.0, 11.0),
            (-18.5, 47.0, 9.0, 12.0),
            (10.5, 24.0, 9.0, 11.0),
            (10.0, 41.0, 9.0, 12.0),
            (10.5, 58.0, 10.0, 12.0),
            (-18.5, 64.0, 10.0, 12.0),
        )
    ):
        wall, pattern = walls[(k + (int(dice.uniform(0.0, 5.0)) if seed else 0)) % len(walls)]
        facade = Facade(
            wall=wall,
            pattern=pattern,
            air=AIR,
            warm=1.0,
            lit=0.0,
            seed=seed * 11 + 60 + k,
            blind_sides=False,
            ground_floor=2.9,
            cell=(2.6, 2.9),
            window=(1.2, 1.4),
        )
        things.append(box((x, y, 0.0), (x + wide, y + long, 6.2), facade, "house"))
        for step in range(7):
            inset = step * 0.62 - 0.5
            z = 6.2 + step * 0.42
            things.append(box((x + inset, y - 0.3, z), (x + wide - inset, y + long + 0.3, z + 0.43), _roof, "roof"))
    for k, (x, y, height) in enumerate(
        (
            (-7.4, 3.6, 7.0),
            (-7.6, 12.0, 7.5),
            (-7.2, 20.5, 8.0),
            (7.6, 17.0, 7.2),
            (-7.4, 30.0, 8.0),
            (7.4, 36.0, 8.0),
            (-7.6, 41.0, 8.5),
            (7.6, 50.0, 8.5),
            (-7.8, 56.0, 9.0),
            (7.8, 66.0, 9.0),
            (-3.0, 96.0, 11.0),
            (5.0, 98.0, 12.0),
            (-12.0, 95.0, 12.0),
            (13.0, 94.0, 12.0),
        )
    ):
        things += tree(
            near(x, 0.5),
            near(y, 1.2),
            height=height * (1.0 + 0.1 * jitter * dice.uniform(-1.0, 1.0)),
            air=AIR - 0.5,
            seed=seed * 3 + 70 + k,
            leaves=14000 if y < 8 else 9000 if y < 35 else 5000,
            tint=(0.075, 0.125, 0.028),
            warm=0.5,
            leaf=0.055 if y < 8 else 0.075 if y < 35 else 0.12,
        )
    things.append(hedge((5.7, 9.0), (6.5, 22.0), 1.15, air=AIR - 0.5, seed=seed + 91, count=30000, leaf=0.04))
    things.append(hedge((-6.5, 24.0), (-5.8, 44.0), 1.1, air=AIR - 0.5, seed=seed + 92, count=14000, leaf=0.06))
    things.append(
        hedge(
            (-9.0, 6.5),
            (-5.65, 16.0),
            0.30,
            air=AIR - 0.5,
            seed=seed + 93,
            count=16000,
            leaf=0.03,
            tint=(0.10, 0.13, 0.04),
        )
    )
    paints = [
        (0.45, 0.025, 0.02),
        (0.05, 0.11, 0.34),
        (0.60, 0.60, 0.58),
        (0.05, 0.052, 0.055),
        (0.28, 0.30, 0.30),
    ]
    shift = int(dice.uniform(0.0, 5.0)) if seed else 0
    for k, (x, y, yaw, run) in enumerate(
        ((*ahead, np.pi / 2, 1.0), (*oncoming, -np.pi / 2, 1.0), (-2.75 - 1.9, 15.5, np.pi / 2, 0.0))
    ):
        if k == 2:
            x = -2.55
        things.append(
            car(
                x,
                y,
                yaw=yaw,
                look=Car(paint=paints[(k + shift) % 5], air=AIR + 2.0, running=run, seed=k, tail=0.03),
            )
        )
    people = (
        (4.6, 9.6, -1.5),
        (-4.6, 10.4, 1.5),
        (4.3, 18.0, 1.6),
        (0.6, 30.3, 0.1),
        (-1.4, 30.9, 3.1),
        (-4.7, 26.0, 1.5),
    )
    for k, (x, y, yaw) in enumerate(people):
        raised = 0.13 if abs(x) > 3.6 else 0.0
        things.append(
            person(
                near(x, 0.4),
                near(y, 0.8),
                yaw=near(yaw, 0.3),
                air=AIR,
                seed=seed * 59 + 140 + k,
                ground=raised,
                bright=True,
            )
        )
    things += sign(3.95, 10.8, "30", air=AIR, ground=0.13, kind="speed")
    things += sign(-4.2, 17.5, "CITY", air=AIR, ground=0.13, kind="plate")
    for x, y, side in ((4.2, 14.0, -1.0), (-4.2, 27.0, 1.0), (4.2, 42.0, -1.0)):
        post, _ = lamp_post(x, y, side, air=AIR, glow=0.0, height=6.8)
        for part in post:
            part.casts = True
        things += post
    bin_paint = paint((0.03, 0.12, 0.06), AIR, gloss=0.05)
    things.append(box((4.9, 12.4, 0.13), (5.45, 12.9, 1.15), bin_paint, "bin"))
    angle = near(0.0, 0.35)
    towards = unit(np.array([-0.72 + angle, -0.30, 0.72], np.float32))
    earlier = unit(np.array([-0.98 + angle, -0.05, 0.62], np.float32))
    return Scene(
        name="day-road",
        things=things,
        eye=(0.5, 0.0, 1.6),
        target=(0.25, 20.0, 2.3),
        field_of_view=60.0,
        sky=_sky,
        around=_around,
        ambient=np.array([0.21, 0.27, 0.40], np.float32),
        bounce=np.array([0.17, 0.16, 0.14], np.float32),
        air=AIR,
        heaven=_heaven,
        sun=Sun(towards=towards, earlier=earlier, colour=np.array([3.3, 3.0, 2.55], np.float32)),
        haze=np.array([0.62, 0.72, 0.85], np.float32),
        haze_density=0.0022,
        sun_heat=27.0,
        exposure=0.72,
        bloom=0.012,
        grain=0.7,
        equalise=0.55,
        thermal_range=(0.5, 99.9),
    )

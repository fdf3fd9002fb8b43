"""A street at night: lamps, lit windows, an oncoming car that dazzles, people in the dark."""

from __future__ import annotations

import numpy as np

from samples.car import Car, car
from samples.facade import Facade
from samples.light import Lamp
from samples.noise import Array, Dice, fbm, noise, smoothstep
from samples.person import person
from samples.scene import Scene
from samples.street import Asphalt, box, lamp_post, paint, paving, sign
from samples.thermal import sky_temperature
from samples.things import Ground, Thing
from samples.tree import tree

__all__ = ["night_street"]

_WALLS = [
    ((0.26, 0.115, 0.075), "brick"),
    ((0.36, 0.31, 0.24), "plaster"),
    ((0.20, 0.095, 0.07), "brick"),
    ((0.30, 0.29, 0.28), "panel"),
    ((0.33, 0.25, 0.19), "plaster"),
    ((0.24, 0.17, 0.12), "brick"),
]
_NAMES = ["CAFE", "HOTEL", "BOOKS", "BAR", "MARKET", "TEA"]
_PAINTS = [
    (0.03, 0.055, 0.19),
    (0.30, 0.31, 0.32),
    (0.30, 0.02, 0.02),
    (0.05, 0.055, 0.05),
    (0.5, 0.48, 0.44),
]
AIR = 7.0


def _sky(d: Array) -> Array:
    rise = np.clip(d[:, 2], 0.0, 1.0)[:, None]
    cloud = fbm(d / np.maximum(d[:, 2:3] + 0.12, 0.1) * 1.3, 4, seed=3)[:, None]
    glow = np.array([0.030, 0.021, 0.016]) * np.exp(-rise / 0.16)
    return np.asarray(np.array([0.0035, 0.0048, 0.0095]) + glow * (1.0 + 0.9 * cloud) + 0.003 * np.maximum(cloud, 0.0))


def _around(d: Array) -> Array:
    """Mirrored in paint and glass: the sky, and below it dark houses with a few windows and lamps."""
    town = np.array([0.010, 0.009, 0.009])
    azimuth = np.arctan2(d[:, 0], d[:, 1])
    at = np.stack([azimuth * 7.0, d[:, 2] * 9.0], axis=1)
    window = smoothstep(0.74, 0.80, noise(at, 77))[:, None] * np.array([0.55, 0.36, 0.16])
    lamp = smoothstep(0.80, 0.85, noise(at * 0.8 + 40.0, 78))[:, None] * np.array([2.4, 1.8, 1.0])
    low = (d[:, 2:3] < 0.55) & (d[:, 2:3] > 0.03)
    return np.asarray(np.where(low, town + window + lamp * (d[:, 2:3] > 0.25), _sky(d) + 0.004))


def _houses(dice: Dice, things: list[Thing]) -> None:
    styles = list(_WALLS)
    ledge = paint((0.17, 0.16, 0.15), AIR + 0.6, seed=3)
    for side in (-1.0, 1.0):
        y = -4.0
        count = 0
        while y < 70.0:
            long = dice.uniform(8.0, 12.0)
            if side > 0 and count == 1:
                # The gap in the right row: a yard, then a gable without light.
                y = 19.5
            wall, pattern = styles[(count * 2 + (side > 0) * 3 + int(dice.uniform(0.0, 2.0))) % len(styles)]
            facade = Facade(
                wall=wall,
                pattern=pattern,
                air=AIR,
                warm=dice.uniform(1.3, 2.6),
                lit=dice.uniform(0.18, 0.42),
                seed=int(dice.uniform(1.0, 9e5)),
                night=True,
                cell=(dice.uniform(2.2, 2.8), dice.uniform(2.9, 3.3)),
                window=(dice.uniform(1.0, 1.3), dice.uniform(1.4, 1.75)),
                shop=dice.pick(_NAMES) if dice.uniform() < 0.55 else "",
                shop_glow=dice.pick([0.0, 0.5, 0.9]),
                pipes=True,
            )
            end = min(y + long, 13.0) if side > 0 and count == 0 else y + long
            top = facade.ground_floor + facade.cell[1] * int(dice.uniform(2.0, 4.99)) + 0.7
            near, far = 6.4, 17.0
            low, high = (near, far) if side > 0 else (-far, -near)
            things.append(box((low, y, 0.0), (high, end, top), facade, "house"))
            reach = (low - 0.18, high) if side > 0 else (low, high + 0.18)
            things.append(box((reach[0], y, top - 0.3), (reach[1], end, top), ledge, "ledge"))
            if side > 0 and count == 1:
                blank = Facade(
                    wall=(0.21, 0.10, 0.075),
                    pattern="brick",
                    air=AIR,
                    warm=2.2,
                    lit=0.0,
                    seed=facade.seed + 5,
                    night=True,
                    pipes=True,
                )
                things.append(box((near + 0.05, y - 0.12, 0.0), (far, y, top - 0.2), blank, "gable"))
            y = end
            count += 1
    across = Facade(
        wall=(0.25, 0.2, 0.16),
        pattern="plaster",
        air=AIR,
        warm=2.5,
        lit=0.3,
        seed=99,
        night=True,
        blind_sides=False,
    )
    things.append(box((-30.0, 74.0, 0.0), (30.0, 84.0, 15.0), across, "house"))


def night_street(seed: int = 0) -> Scene:
    """The scene; ``seed`` 0 is the committed picture, others move people, cars, trees and light."""
    dice = Dice(seed * 7919 + 11)
    jitter = 0.0 if seed == 0 else 1.0

    def near(value: float, by: float) -> float:
        return value + jitter * dice.uniform(-by, by)

    oncoming = (near(-1.75, 0.2), near(21.5, 3.0))
    leaving = (near(1.95, 0.2), near(9.2, 1.2))
    parked = (-2.75, near(11.5, 1.0))
    road = Asphalt(
        air=AIR,
        warm=2.6,
        seed=seed * 31 + 2,
        zebra=(13.4, 16.6),
        wet=0.55,
        heat=(
            (leaving[0], leaving[1] - 2.9, 0.5, 3.5),
            (leaving[0], leaving[1], 1.1, 2.2),
            (oncoming[0], oncoming[1], 1.4, 4.0),
        ),
        manholes=((-0.75, 7.4),),
    )
    things: list[Thing] = [Ground(material=road, label="road")]
    walk = paving(AIR, 1.7, seed + 5)
    things.append(box((3.6, -5.0, 0.0), (6.5, 76.0, 0.14), walk, "pavement"))
    things.append(box((-6.5, -5.0, 0.0), (-3.6, 76.0, 0.14), walk, "pavement"))
    yard = paving(AIR, 1.0, seed + 6, slab=0.8)
    things.append(box((6.4, 10.0, 0.0), (20.0, 20.0, 0.15), yard, "pavement"))
    _houses(dice, things)

    lamps: list[Lamp] = []
    warm_light = np.array([1.0, 0.70, 0.38], np.float32)
    for x, y, side, power in (
        (-4.15, 5.2, 1.0, 42.0),
        (4.15, 25.0, -1.0, 95.0),
        (-4.15, 37.0, 1.0, 95.0),
        (4.15, 52.0, -1.0, 95.0),
    ):
        power = power * (1.0 + 0.3 * jitter * dice.uniform(-1.0, 1.0))
        post, at = lamp_post(x, y, side, air=AIR, glow=26.0)
        things += post
        lamps.append(Lamp(at=at, colour=power * warm_light, inner=0.75, outer=0.12, casts=y < 30.0, size=700))
    things.append(
        car(
            *oncoming,
            yaw=-np.pi / 2,
            look=Car(paint=(0.30, 0.31, 0.32), air=AIR, running=1.0, headlights=160.0, seed=4),
        )
    )
    first = 0 if seed == 0 else int(dice.uniform(0.0, 5.0))
    colour = _PAINTS[first]
    things.append(
        car(
            *leaving,
            yaw=np.pi / 2,
            look=Car(paint=colour, air=AIR, running=1.0, tail=1.6, headlights=9.0, seed=5),
        )
    )
    things.append(
        car(
            *parked,
            yaw=np.pi / 2 + 0.01,
            scale=0.97,
            look=Car(paint=_PAINTS[(first + 1) % 5], air=AIR, running=0.0, seed=6),
        )
    )
    beam = np.array([1.0, 0.94, 0.82], np.float32)
    for offset in (-0.63, 0.63):
        lamps.append(
            Lamp(
                at=(oncoming[0] + offset, oncoming[1] - 2.3, 0.68),
                colour=beam * 150.0,
                towards=(0.03, -1.0, -0.025),
                inner=0.985,
                outer=0.80,
                casts=offset > 0,
                size=600,
            )
        )
        lamps.append(
            Lamp(
                at=(leaving[0] + offset, leaving[1] + 2.3, 0.68),
                colour=beam * 120.0,
                towards=(0.0, 1.0, -0.06),
                inner=0.985,
                outer=0.80,
                casts=offset > 0,
                size=600,
            )
        )
        lamps.append(
            Lamp(
                at=(leaving[0] + offset, leaving[1] - 2.35, 0.82),
                colour=np.array([1.1, 0.03, 0.02], np.float32),
                towards=(0.0, -1.0, -0.1),
                inner=0.7,
                outer=0.0,
            )
        )
    for k, (x, y, yaw) in enumerate(
        (
            (-4.75, 9.4, -1.5),
            (-0.35, 14.3, 0.15),
            (-2.0, 15.2, 3.0),
            (5.0, 12.4, 1.45),
            (9.2, 16.2, -2.2),
            (-5.1, 23.5, 1.6),
            (5.3, 30.0, -1.5),
            (-4.6, 33.0, -1.6),
        )
    ):
        raised = 0.14 if abs(x) > 3.6 else 0.0
        things.append(
            person(
                near(x, 0.7),
                near(y, 0.7),
                yaw=near(yaw, 0.4),
                air=AIR,
                seed=seed * 101 + 40 + k,
                ground=raised,
            )
        )
    crowns: tuple[tuple[float, float, float, int], ...] = (
        (near(8.6, 0.6), near(17.6, 0.5), 7.5, 9000),
        (-4.3, near(18.0, 1.0), 7.0, 7000),
    )
    crowns += ((-4.3, near(29.0, 1.0), 7.5, 6000), (4.4, near(38.0, 1.0), 7.5, 5000))
    for k, (x, y, height, leaves) in enumerate(crowns):
        things += tree(
            x,
            y,
            height=height,
            air=AIR,
            seed=seed + 21 + k,
            leaves=leaves,
            tint=(0.055, 0.075, 0.02),
            warm=1.8,
        )
    things += sign(3.95, 11.6, "STOP", air=AIR, ground=0.14)
    return Scene(
        name="night-street",
        things=things,
        eye=(0.35, 0.0, 1.6),
        target=(0.2, 20.0, 1.95),
        field_of_view=60.0,
        sky=_sky,
        around=_around,
        ambient=np.array([0.010, 0.011, 0.016], np.float32),
        bounce=np.array([0.008, 0.006, 0.004], np.float32),
        air=AIR,
        heaven=lambda d: sky_temperature(d[:, 2], AIR, 0.75),
        lamps=lamps,
        haze=np.array([0.03, 0.022, 0.015], np.float32),
        haze_density=0.0012,
        exposure=1.35,
        bloom=0.085,
        grain=1.0,
        equalise=0.35,
    )

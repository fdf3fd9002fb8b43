"""Walking people: a body of tapered limbs, its clothes, and the warmth that shows through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.noise import Array, Dice, fbm, smoothstep
from samples.things import Hits, Solid, Surface

__all__ = ["Person", "person"]

SKIN, JACKET, TROUSERS, SHOES, HAIR, BAG = range(6)


def _limb(p: Array, a: Array, b: Array, ra: float, rb: float, flat: float = 1.0) -> Array:
    """Distance to a tapered capsule, flattened front to back by ``flat``."""
    squash = np.array([1.0 / flat, 1.0, 1.0], np.float32)
    v, axis = (p - a) * squash, (b - a) * squash
    h = np.clip((v @ axis) / (axis @ axis), 0.0, 1.0)
    return np.asarray((np.linalg.norm(v - h[:, None] * axis, axis=1) - (ra + (rb - ra) * h)) * min(flat, 1.0))


def _ball(p: Array, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Array:
    r = np.array(radii, np.float32)
    k = np.linalg.norm((p - np.array(centre, np.float32)) / r, axis=1)
    return np.asarray((k - 1.0) * min(radii))


def _melt(a: Array, b: Array, k: float) -> Array:
    """Smooth minimum with a seam of width ``k``."""
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    return np.asarray(np.minimum(a, b) - h * h * k * 0.25)


@dataclass(frozen=True)
class Person:
    """Pose and clothes; the body faces +x, 1.75 m tall before scaling."""

    stride: float
    """Half angle of the legs, radians."""
    swing: float
    jacket: tuple[float, float, float]
    trousers: tuple[float, float, float]
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    coat: bool
    """A coat to the knees instead of a jacket."""
    bag: bool
    hood: bool
    bend: float
    """Elbow angle, radians."""

    def joints(self) -> dict[str, Array]:
        """Places of the joints, metres."""

        def at(x: float, y: float, z: float) -> Array:
            return np.array([x, y, z], np.float32)

        out: dict[str, Array] = {}
        for side, sign in (("l", 1.0), ("r", -1.0)):
            a = self.stride * sign
            hip = at(0.0, 0.092 * sign, 0.93)
            knee = hip + 0.43 * at(np.sin(a), 0.0, -np.cos(a))
            fold = a - (0.55 if a < 0 else 0.06) * min(abs(self.stride) * 2.0, 1.0)
            ankle = knee + 0.42 * at(np.sin(fold), 0.0, -np.cos(fold))
            tilt = min(fold, 0.0) * 0.9
            toe = ankle + 0.17 * at(np.cos(tilt), 0.02 * sign, np.sin(tilt) - 0.18)
            out |= {f"hip_{side}": hip, f"knee_{side}": knee, f"ankle_{side}": ankle, f"toe_{side}": toe}
            b = -self.swing * sign
            shoulder = at(0.0, 0.185 * sign, 1.405)
            elbow = shoulder + 0.28 * at(np.sin(b), 0.14 * sign, -np.cos(b))
            fore = b + self.bend
            wrist = elbow + 0.25 * at(np.sin(fore), 0.02 * sign, -np.cos(fore))
            out |= {f"shoulder_{side}": shoulder, f"elbow_{side}": elbow, f"wrist_{side}": wrist}
        lowest = min(float(out[f"ankle_{s}"][2]) for s in "lr")
        for key in out:
            out[key] = out[key] + at(0.0, 0.0, 0.085 - lowest)
        return out

    def parts(self, p: Array) -> Array:
        """Signed distances [N, 6]: skin, jacket, trousers, shoes, hair, bag."""
        j = self.joints()
        lift = float(j["hip_l"][2]) - 0.93

        def at(x: float, y: float, z: float) -> Array:
            return np.array([x, y, z + lift], np.float32)

        p = p.astype(np.float32)
        head = _ball(p, (0.02, 0.0, 1.625 + lift), (0.098, 0.078, 0.118))
        head = _melt(head, _ball(p, (0.045, 0.0, 1.565 + lift), (0.062, 0.055, 0.06)), 0.04)
        skin = np.minimum(head, _limb(p, at(0.0, 0.0, 1.42), at(0.01, 0.0, 1.55), 0.06, 0.052))
        hair = _ball(p, (-0.008, 0.0, 1.652 + lift), (0.108, 0.088, 0.108))
        if self.hood:
            hair = np.minimum(hair, _ball(p, (-0.02, 0.0, 1.61 + lift), (0.125, 0.115, 0.15)))
        # Hair ends above the brow: cut by a tilted plane in front.
        hair = np.maximum(hair, (p[:, 0] - 0.055) * 0.8 - (p[:, 2] - lift - 1.665) * 0.6)
        chest = _limb(p, at(0.0, 0.0, 1.05), at(0.0, 0.0, 1.30), 0.150, 0.178, 0.68)
        body = _melt(chest, _limb(p, at(-0.005, -0.13, 1.395), at(-0.005, 0.13, 1.395), 0.078, 0.078), 0.09)
        trousers = _limb(p, at(0.0, -0.06, 0.955), at(0.0, 0.06, 0.955), 0.125, 0.125, 0.85)
        shoes = np.full(p.shape[0], 9.0, np.float32)
        for s in "lr":
            sleeve = _limb(p, j[f"shoulder_{s}"], j[f"elbow_{s}"], 0.064, 0.054)
            sleeve = _melt(sleeve, _limb(p, j[f"elbow_{s}"], j[f"wrist_{s}"], 0.054, 0.042), 0.03)
            body = _melt(body, sleeve, 0.05)
            hand = j[f"wrist_{s}"] + 0.35 * (j[f"wrist_{s}"] - j[f"elbow_{s}"])
            skin = np.minimum(skin, _limb(p, j[f"wrist_{s}"], hand, 0.034, 0.030))
            leg = _limb(p, j[f"hip_{s}"], j[f"knee_{s}"], 0.096, 0.070)
            leg = _melt(leg, _limb(p, j[f"knee_{s}"], j[f"ankle_{s}"], 0.070, 0.056), 0.03)
            trousers = _melt(trousers, leg, 0.05)
            shoes = np.minimum(shoes, _limb(p, j[f"ankle_{s}"], j[f"toe_{s}"], 0.052, 0.042))
        if self.coat:
            skirt = _limb(p, at(0.0, 0.0, 1.02), at(0.0, 0.0, 0.60), 0.155, 0.225, 0.8)
            body = _melt(body, np.maximum(skirt, 0.60 + lift - p[:, 2]), 0.04)
        bag = np.full(p.shape[0], 9.0, np.float32)
        if self.bag:
            q = np.abs(p - at(-0.17, 0.0, 1.22)) - np.array([0.07, 0.13, 0.19], np.float32)
            bag = np.linalg.norm(np.maximum(q, 0.0), axis=1) - 0.045
        # Folds in the cloth, a few millimetres deep.
        fold = 0.012 * np.sin(p[:, 2] * 34.0 + 5.0 * np.sin(p[:, 1] * 17.0 + p[:, 0] * 11.0))
        return np.stack([skin, body + 0.4 * fold, trousers + 0.3 * fold, shoes, hair, bag], axis=1)

    def material(self, air: float, seed: int) -> _Clothes:
        return _Clothes(self, air, seed)


@dataclass(frozen=True)
class _Clothes:
    """Colours and temperatures of a person's parts."""

    who: Person
    air: float
    seed: int

    def __call__(self, hits: Hits) -> Surface:
        who, q, part = self.who, hits.q, hits.part
        out = Surface.default(hits, (0.1, 0.1, 0.1), self.air)
        colours = np.array(
            [who.skin, who.jacket, who.trousers, (0.05, 0.045, 0.04), who.hair, (0.16, 0.06, 0.05)],
            np.float32,
        )
        if who.hood:
            colours[HAIR] = np.array(who.jacket) * 0.8
        weave = 1.0 + 0.35 * fbm(q * 22.0, 3, seed=self.seed, foot=hits.foot * 22.0)
        out.albedo = colours[part] * weave[:, None]
        out.gloss[:] = np.array([0.03, 0.015, 0.015, 0.04, 0.03, 0.04], np.float32)[part]
        z = q[:, 2]
        # Zip, belt and pocket seams; eyes and mouth as shade.
        front = (hits.m[:, 0] > 0.3) & (part == JACKET)
        out.albedo[front & (np.abs(q[:, 1]) < 0.012)] *= 0.45
        out.albedo[(part == TROUSERS) & (np.abs(z - 1.03) < 0.02)] *= 0.5
        face = (part == SKIN) & (z > 1.5) & (hits.m[:, 0] > 0.3)
        eyes = face & (np.abs(z - 1.64) < 0.014) & (np.abs(np.abs(q[:, 1]) - 0.032) < 0.017)
        mouth = face & (np.abs(z - 1.572) < 0.008) & (np.abs(q[:, 1]) < 0.025)
        out.albedo[eyes | mouth] *= 0.35
        # Heat leaks where the cloth is thin, tight or open: neck, armpits, inner legs, hands.
        core = 33.5 - self.air
        share = np.array([0.92, 0.34, 0.40, 0.22, 0.62, 0.10], np.float32)[part]
        if who.hood:
            share[part == HAIR] = 0.36
        cloth = (part == JACKET) | (part == TROUSERS)
        loose = fbm(q * np.array([7.0, 7.0, 4.5], np.float32), 3, seed=self.seed + 5)
        share = share + cloth * 0.22 * loose
        share = share + (part == JACKET) * 0.26 * np.exp(-(((z - 1.47) / 0.06) ** 2))
        share = share + (part == TROUSERS) * 0.10 * np.exp(-(((z - 0.5) / 0.12) ** 2))
        share = share - (part == SKIN) * (z < 1.3) * 0.16
        nose = face * np.exp(-((q[:, 1] / 0.02) ** 2) - ((z - 1.605) / 0.02) ** 2)
        hair_line = (part == HAIR) * smoothstep(1.66, 1.76, z) * 0.14
        out.temperature = self.air + core * np.clip(share - 0.16 * nose - hair_line, 0.04, 1.0)
        out.emissivity[:] = np.where(part == SKIN, 0.98, 0.92)
        out.through[:] = 0.02
        out.solar[:] = np.where(part == SKIN, 0.06, 0.35)
        return out


_CLOTH = [
    (0.030, 0.034, 0.045),
    (0.055, 0.050, 0.045),
    (0.10, 0.030, 0.028),
    (0.045, 0.065, 0.11),
    (0.16, 0.14, 0.11),
    (0.035, 0.055, 0.040),
    (0.34, 0.33, 0.31),
    (0.30, 0.12, 0.03),
]
_SKIN = [(0.48, 0.30, 0.22), (0.36, 0.21, 0.14), (0.20, 0.11, 0.07), (0.55, 0.37, 0.28)]
_HAIR = [(0.02, 0.016, 0.012), (0.06, 0.035, 0.02), (0.16, 0.10, 0.05), (0.25, 0.24, 0.22)]


def person(
    x: float,
    y: float,
    *,
    yaw: float,
    air: float,
    seed: int,
    ground: float = 0.0,
    standing: bool = False,
    bright: bool = False,
    label: str = "person",
) -> Solid:
    """A passer-by at (x, y) who faces ``yaw`` (radians from +x)."""
    dice = Dice(seed)
    cloth = _CLOTH if bright else _CLOTH[:6]
    stride = 0.05 if standing else dice.uniform(0.26, 0.42)
    who = Person(
        stride=stride * dice.sign(),
        swing=0.06 if standing else dice.uniform(0.25, 0.45),
        jacket=dice.pick(cloth),
        trousers=dice.pick(cloth[:6]),
        skin=dice.pick(_SKIN),
        hair=dice.pick(_HAIR),
        coat=dice.uniform() < 0.3,
        bag=dice.uniform() < 0.35,
        hood=dice.uniform() < 0.2,
        bend=dice.uniform(0.15, 0.6),
    )
    return Solid(
        material=who.material(air, seed),
        label=label,
        at=(x, y, ground),
        yaw=yaw,
        scale=dice.uniform(0.94, 1.06),
        parts=who.parts,
        low=(-0.62, -0.42, -0.02),
        high=(0.62, 0.42, 1.84),
    )

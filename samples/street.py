"""What lies and stands in a street: asphalt with marks, paving, lamps, signs, poles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.lettering import lettering
from samples.noise import Array, fbm, hash01, noise, ridges, smoothstep, voronoi
from samples.things import Box, Branches, Hits, Material, Solid, Surface, Thing

__all__ = ["Asphalt", "box", "lamp_post", "paint", "paving", "sign"]


@dataclass(frozen=True)
class Asphalt:
    """The road; x across, y along, metres."""

    air: float
    warm: float
    """Degrees by which the road stands above the air (in the shade)."""
    seed: int
    half: float = 3.6
    zebra: tuple[float, float] | None = None
    """Start and end of a crossing along y."""
    heat: tuple[tuple[float, float, float, float], ...] = ()
    """Warm patches (x, y, radius, degrees): under engines, behind exhausts."""
    manholes: tuple[tuple[float, float], ...] = ()
    marks: bool = True
    wet: float = 0.0
    tracks: float = 0.5

    def __call__(self, hits: Hits) -> Surface:
        x, y = hits.p[:, 0], hits.p[:, 1]
        at = hits.p[:, :2]
        out = Surface.default(hits, (0.080, 0.079, 0.078), self.air + self.warm)
        grain = fbm(at * 38.0, 3, seed=self.seed, foot=hits.foot * 38.0, gain=0.8)
        stone, _ = voronoi(at * 55.0, self.seed + 1)
        stone = (0.5 - stone) * np.clip(1.5 - hits.foot * 80.0, 0.0, 1.0)
        broad = fbm(at * np.array([0.5, 0.22]), 4, seed=self.seed + 2)
        track = np.exp(-(((np.abs(x - np.sign(x) * self.half / 2) - 0.75) / 0.22) ** 2))
        out.albedo *= (1.0 + 0.8 * grain + 0.55 * stone + 0.45 * broad - 0.14 * track)[:, None]
        out.temperature += 0.6 * broad + 0.25 * grain + self.tracks * track
        crack = ridges(at * 0.45 + 0.12 * fbm(at * 3.0, 2, seed=5)[:, None], 4, seed=self.seed + 4)
        crack = smoothstep(0.93, 0.99, crack) * smoothstep(0.5, 0.62, noise(at * 0.25, self.seed + 6))
        out.albedo *= (1.0 - 0.55 * crack)[:, None]
        out.temperature += 0.35 * crack
        # A trench that was filled in later, darker and smoother.
        patch = (np.abs(x - 1.7) < 0.65) & (np.abs(y - 7.6) < 1.5) | (np.abs(x + 2.5) < 0.5) & (np.abs(y - 17.0) < 2.6)
        out.albedo[patch] *= 0.66
        out.temperature[patch] += 0.7
        white = self._marks(x, y) if self.marks else np.zeros(x.shape, np.float32)
        worn = np.clip(0.95 + 1.5 * fbm(at * 5.0, 4, seed=self.seed + 9, foot=hits.foot * 5.0), 0.35, 1.0)
        white = white * worn * (1.0 - 0.6 * crack)
        out.albedo += (0.52 - out.albedo) * white[:, None]
        out.temperature -= 0.25 * white
        out.solar = 1.15 - 0.42 * white
        for mx, my in self.manholes:
            r = np.hypot(x - mx, y - my)
            lid = r < 0.36
            cells = np.sin((x - mx) * 75.0) * np.sin((y - my) * 75.0)
            out.albedo[lid] = (0.055 + 0.03 * (cells > 0.2))[lid, None]
            out.albedo[(r > 0.32) & (r < 0.39)] *= 0.45
            out.temperature += (0.7 * self.tracks + 2.6) * smoothstep(0.75, 0.3, r)
        for hx, hy, radius, degrees in self.heat:
            out.temperature += degrees * np.exp(-(((x - hx) ** 2 + (y - hy) ** 2) / radius**2))
        # Bumps tilt the mirror of the surface; puddles lie where it is low and flat.
        puddle = smoothstep(0.08, 0.5, fbm(at * np.array([0.8, 0.35]), 3, seed=self.seed + 12)) * self.wet
        bump = np.stack(
            [fbm(at * 14.0, 2, seed=self.seed + k, foot=hits.foot * 14.0) for k in (20, 21)]
            + [np.zeros(x.shape, np.float32)],
            axis=1,
        )
        out.normal = hits.m + 0.10 * bump * (1.0 - 0.9 * puddle)[:, None]
        out.gloss = 0.03 + 0.015 * self.wet + 0.02 * puddle
        out.shine = 12.0 + 14.0 * self.wet + 26.0 * puddle
        out.albedo *= (1.0 - 0.45 * puddle)[:, None]
        out.temperature -= 0.6 * puddle
        return out

    def _marks(self, x: Array, y: Array) -> Array:
        """White paint, 0..1."""
        edge = np.abs(np.abs(x) - (self.half - 0.28)) < 0.065
        dash = (np.abs(x) < 0.07) & (y % 6.0 < 3.0)
        out = edge | dash
        if self.zebra is not None:
            low, high = self.zebra
            out &= (y < low - 1.2) | (y > high + 1.2)
            out |= (y > low) & (y < high) & (np.abs(x) < self.half - 0.1) & ((x + 20.0) % 1.0 < 0.5)
            out |= (np.abs(y - (low - 0.9)) < 0.15) & (x > 0.1) & (x < self.half - 0.2)
        return out.astype(np.float32)


def paving(air: float, warm: float, seed: int, slab: float = 0.42) -> Material:
    """Concrete slabs with joints, and a kerb stone along the edge."""

    def material(hits: Hits) -> Surface:
        out = Surface.default(hits, (0.20, 0.19, 0.175), air + warm)
        at = hits.p[:, :2]
        row = np.floor(at[:, 1] / slab)
        column = np.floor(at[:, 0] / slab + 0.5 * (row % 2))
        fx = np.abs(at[:, 0] / slab + 0.5 * (row % 2) - column - 0.5)
        fy = np.abs(at[:, 1] / slab - row - 0.5)
        clear = np.clip(1.5 - hits.foot * 22.0, 0.0, 1.0)
        joint = smoothstep(0.475, 0.49, np.maximum(fx, fy)) * clear
        grain = fbm(at * 30.0, 3, seed=seed, foot=hits.foot * 30.0, gain=0.7)
        dirt = fbm(at * 0.8, 4, seed=seed + 1)
        tone = hash01(column, row, seed=seed + 2) - 0.5
        out.albedo *= (1.0 + 0.35 * tone + 0.5 * grain + 0.6 * dirt - 0.6 * joint)[:, None]
        out.temperature += 0.6 * tone + 0.8 * dirt - 0.5 * joint + 0.2 * grain
        upright = np.abs(hits.n[:, 2]) < 0.5
        stones = np.abs((hits.p[:, 1] / 0.9) % 1.0 - 0.5) > 0.488
        out.albedo[upright] = np.array([0.27, 0.26, 0.25], np.float32) * (1.0 + 0.5 * grain[upright, None])
        out.albedo[upright & stones] *= 0.5
        out.temperature[upright] -= 0.4
        return out

    return material


def paint(
    colour: tuple[float, float, float],
    temperature: float,
    *,
    gloss: float = 0.04,
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0),
    emissivity: float = 0.92,
    seed: int = 0,
) -> Material:
    """Plain painted metal or plastic, a little dirty."""

    def material(hits: Hits) -> Surface:
        out = Surface.default(hits, colour, temperature)
        dirt = fbm(hits.p * 3.0, 3, seed=seed)
        out.albedo *= (1.0 + 0.4 * dirt)[:, None]
        out.emission[:] = np.array(emission, np.float32)
        out.gloss[:], out.shine[:] = gloss, 40.0
        out.emissivity[:] = emissivity
        out.temperature += 0.5 * dirt
        return out

    return material


def _head(p: Array) -> Array:
    """Lamp head [N, 2]: housing above, glowing lens below."""
    q = np.abs(p - np.array([0.0, 0.0, 0.06], np.float32)) - np.array([0.30, 0.11, 0.035], np.float32)
    housing = np.linalg.norm(np.maximum(q, 0.0), axis=1) - 0.03
    r = np.linalg.norm(p / np.array([0.24, 0.10, 0.07], np.float32), axis=1)
    return np.stack([housing, (r - 1.0) * 0.07], axis=1)


def lamp_post(
    x: float, y: float, side: float, *, air: float, glow: float, height: float = 6.2
) -> tuple[list[Thing], tuple[float, float, float]]:
    """A street lamp whose arm reaches ``side`` metres along x; also the place of its light."""
    bend = np.array(
        [
            (x, y, 0.0),
            (x, y, 0.9),
            (x, y, height - 0.6),
            (x + side * 0.25, y, height),
            (x + side, y, height + 0.12),
        ],
        np.float32,
    )
    thick = np.array([(0.085, 0.085), (0.06, 0.045), (0.045, 0.04), (0.04, 0.035)], np.float32)
    post = Branches(
        material=paint((0.10, 0.11, 0.11), air - 0.5, gloss=0.06),
        label="post",
        start=bend[:-1],
        end=bend[1:],
        thick=thick,
        casts=False,
    )
    metal, lens = paint((0.12, 0.12, 0.12), air + 1.0), paint((0.7, 0.7, 0.65), air + 16.0)

    def material(hits: Hits) -> Surface:
        a, b = metal(hits), lens(hits)
        low = hits.part == 1
        a.albedo[low], a.temperature[low] = b.albedo[low], air + (16.0 if glow > 0 else 0.0)
        a.emission[low] = glow * np.array([1.0, 0.74, 0.42], np.float32)
        a.temperature[~low] += 5.0 if glow > 0 else 0.0
        return a

    place = (x + side * 1.15, y, height + 0.08)
    head = Solid(
        material=material,
        label="lamp",
        at=place,
        parts=_head,
        low=(-0.36, -0.2, -0.1),
        high=(0.36, 0.2, 0.16),
        casts=False,
    )
    return [post, head], (place[0], place[1], place[2] - 0.1)


def sign(
    x: float, y: float, text: str, *, air: float, ground: float = 0.0, kind: str = "stop", yaw: float = 0.0
) -> list[Thing]:
    """A traffic sign on a pole that faces -y: an octagon (stop), a disc (speed) or a blue plate."""
    pole = Branches(
        material=paint((0.25, 0.25, 0.26), air - 0.3, gloss=0.08),
        label="post",
        start=np.array([(x, y + 0.03, ground)], np.float32),
        end=np.array([(x, y + 0.03, ground + 2.75)], np.float32),
        thick=np.array([(0.032, 0.032)], np.float32),
    )
    wide = 0.34 if kind != "plate" else 0.62

    def parts(p: Array) -> Array:
        a, b = np.abs(p[:, 0]), np.abs(p[:, 2])
        if kind == "stop":
            flat = np.maximum(np.maximum(a, b), (a + b) * 0.7071) - 0.33
        elif kind == "speed":
            flat = np.hypot(a, b) - 0.33
        else:
            flat = np.maximum(a - 0.60, b - 0.22)
        return np.maximum(flat, np.abs(p[:, 1]) - 0.012)[:, None]

    def material(hits: Hits) -> Surface:
        q = hits.q
        out = Surface.default(hits, (0.5, 0.5, 0.5), air - 0.4)
        front = hits.m[:, 1] < -0.5
        u, v, r = q[:, 0], q[:, 2], np.hypot(q[:, 0], q[:, 2])
        if kind == "stop":
            a, b = np.abs(u), np.abs(v)
            rim = np.maximum(np.maximum(a, b), (a + b) * 0.7071) > 0.30
            colour = np.where(rim[:, None], 0.72, np.array([0.50, 0.02, 0.025]))
            ink = lettering(text, (u + 0.24) / 0.48, (v + 0.09) / 0.18)
            colour = np.where(ink[:, None], 0.75, colour)
        elif kind == "speed":
            colour = np.where((r > 0.25)[:, None], np.array([0.50, 0.02, 0.025]), 0.75)
            ink = lettering(text, (u + 0.15) / 0.30, (v + 0.12) / 0.24)
            colour = np.where(ink[:, None], 0.02, colour)
        else:
            colour = np.tile(np.array([0.02, 0.09, 0.30]), (u.size, 1))
            frame = (np.abs(u) > 0.57) | (np.abs(v) > 0.19)
            ink = lettering(text, (u + 0.5) / 1.0, (v + 0.11) / 0.22)
            colour = np.where((ink | frame)[:, None], 0.72, colour)
        out.albedo = np.where(front[:, None], colour, 0.3).astype(np.float32)
        out.gloss[:], out.shine[:] = 0.05, 30.0
        return out

    plate = Solid(
        material=material,
        label="sign",
        at=(x, y, ground + 2.45),
        yaw=yaw,
        parts=parts,
        low=(-wide - 0.02, -0.03, -0.36),
        high=(wide + 0.02, 0.03, 0.36),
    )
    return [pole, plate]


def box(low: tuple[float, float, float], high: tuple[float, float, float], material: Material, label: str) -> Box:
    """A box between two corners in the world."""
    return Box(material=material, label=label, low=low, high=high)

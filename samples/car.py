"""Cars: a rolled profile with arches, wheels and a tapered cabin; paint, glass and lights by place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.noise import Array, fbm, smoothstep
from samples.things import Hits, Solid, Surface

__all__ = ["Car", "car"]

PAINT, TYRE, MIRROR = range(3)

_BODY = np.array(
    [
        (-2.08, 0.24),
        (-2.16, 0.48),
        (-2.13, 0.80),
        (-2.02, 0.97),
        (-1.5, 1.00),
        (0.95, 0.96),
        (1.30, 0.93),
        (1.95, 0.80),
        (2.13, 0.66),
        (2.18, 0.46),
        (2.10, 0.24),
    ],
    np.float32,
)
_CABIN = np.array([(-1.98, 0.93), (-1.52, 1.34), (-1.0, 1.435), (-0.2, 1.45), (0.28, 1.39), (1.16, 0.90)], np.float32)
_AXLES = (1.33, -1.30)
_WHEEL = 0.325


def _polygon(x: Array, z: Array, corners: Array) -> Array:
    """Signed distance to a polygon in the x-z plane."""
    best = np.full(x.shape, 1e9, np.float32)
    inside = np.zeros(x.shape, bool)
    for (ax, az), (bx, bz) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        ex, ez = bx - ax, bz - az
        wx, wz = x - ax, z - az
        h = np.clip((wx * ex + wz * ez) / (ex * ex + ez * ez), 0.0, 1.0)
        best = np.minimum(best, (wx - h * ex) ** 2 + (wz - h * ez) ** 2)
        crosses = (az > z) != (bz > z)
        side = ex * (z - az) / (ez if abs(ez) > 1e-9 else 1e-9) + ax
        inside ^= crosses & (x < side)
    return np.asarray(np.where(inside, -1.0, 1.0) * np.sqrt(best))


def _cut(a: Array, b: Array, r: float) -> Array:
    """Intersection with its edge rounded by ``r``."""
    u, v = np.maximum(a + r, 0.0), np.maximum(b + r, 0.0)
    return np.asarray(np.minimum(np.maximum(a, b), -r) + np.hypot(u, v))


def _parts(p: Array) -> Array:
    """Signed distances [N, 3] of a car that faces +x: paint (with glass and lights), tyres, mirrors."""
    x, y, z = p[:, 0], np.abs(p[:, 1]), p[:, 2]
    ends = np.maximum(np.abs(x + 0.02) - 1.25, 0.0)
    width = 0.885 - 0.17 * ends**2 - 0.05 * np.maximum(z - 0.62, 0.0) - 0.10 * np.maximum(0.42 - z, 0.0)
    body = _cut(_polygon(x, z, _BODY), y - width, 0.10)
    lean = 0.80 - 0.42 * (z - 0.93) - 0.03 * np.maximum(np.abs(x + 0.3) - 0.6, 0.0)
    cabin = _cut(_polygon(x, z, _CABIN), (y - lean) * 0.92, 0.09)
    h = np.maximum(0.05 - np.abs(body - cabin), 0.0) / 0.05
    shell = np.minimum(body, cabin) - h * h * 0.0125
    tyres = np.full(x.shape, 9.0, np.float32)
    for axle in _AXLES:
        r = np.hypot(x - axle, z - _WHEEL)
        shell = np.maximum(shell, -np.maximum(r - 0.375, 0.55 - y))
        tyres = np.minimum(tyres, _cut(r - _WHEEL, np.abs(y - 0.755) - 0.105, 0.04))
    q = (p * np.array([1.0, 0.0, 1.0], np.float32) + y[:, None] * np.array([0.0, 1.0, 0.0], np.float32)) - np.array(
        [0.72, 0.95, 1.0], np.float32
    )
    mirror = (np.linalg.norm(q / np.array([0.07, 0.11, 0.07], np.float32), axis=1) - 1.0) * 0.07
    return np.stack([shell, tyres, mirror], axis=1)


@dataclass(frozen=True)
class Car:
    """Paint, lights and heat of a car."""

    paint: tuple[float, float, float]
    air: float
    running: float
    """0 cold, 1 just driven."""
    headlights: float = 0.0
    """Emitted light at the lens, linear."""
    tail: float = 0.0
    seed: int = 1

    def __call__(self, hits: Hits) -> Surface:
        q, m, part = hits.q, hits.m, hits.part
        x, y, z = q[:, 0], np.abs(q[:, 1]), q[:, 2]
        out = Surface.default(hits, self.paint, self.air)
        shell = part == PAINT
        out.gloss[shell], out.shine[shell] = 0.05, 90.0
        out.emissivity[shell] = 0.92
        out.solar[:] = 0.9 - 0.75 * float(np.mean(self.paint))
        run = self.running
        out.temperature = self.air - 0.6 * np.maximum(m[:, 2], 0.0) + 0.4 * fbm(q * 1.7, 3, seed=self.seed)
        # Engine heat through the hood and out of the grille and wheel arches.
        out.temperature += np.where(z > 0.34, 2.2 * run, 0.0)
        engine = np.exp(-(((x - 1.45) / 0.55) ** 2) - (y / 0.55) ** 2)
        out.temperature += run * engine * (11.0 + 5.0 * fbm(q * 3.0, 2, seed=self.seed + 3)) * (z > 0.6)
        front, rear = shell & (m[:, 0] > 0.35), shell & (m[:, 0] < -0.35)
        grille = front & (x > 1.9) & (y < 0.46) & (z > 0.34) & (z < 0.62)
        slat = np.sin(z * 110.0) > 0.2
        out.albedo[grille] = 0.02
        out.albedo[grille & slat] = 0.10
        out.temperature[grille] += run * (20.0 + 4.0 * slat[grille])
        out.albedo[shell & (z < 0.33)] = 0.035
        out.temperature[shell & (z < 0.30)] += run * 7.0
        self._glass(out, q, m, shell)
        self._lights(out, q, front, rear)
        self._wheels(out, q, part == TYRE)
        plate = (front & (z > 0.36) & (z < 0.47) & (x > 2.0)) | (rear & (z > 0.58) & (z < 0.70))
        plate &= y < 0.26
        out.albedo[plate], out.gloss[plate] = 0.62, 0.03
        glyph = plate & (np.sin(q[:, 1] * 92.0) * np.sin(q[:, 1] * 37.0 + 2.0) > 0.1) & (np.sin(z * 60.0) > -0.95)
        out.albedo[glyph] = 0.05
        pipe = rear & (np.hypot(q[:, 1] - 0.5, (z - 0.30) * 1.3) < 0.075)
        out.albedo[pipe] = 0.015
        plume = np.exp(-(((q[:, 1] - 0.5) / 0.17) ** 2) - ((z - 0.29) / 0.12) ** 2)
        out.temperature[rear] += run * 34.0 * plume[rear]
        seams = (np.abs(x - 0.78) < 0.008) | (np.abs(x + 0.22) < 0.008) | (np.abs(x + 1.12) < 0.007)
        seams = shell & seams & (np.abs(m[:, 1]) > 0.6) & (z > 0.36) & (z < 1.0)
        handle = shell & (np.abs(z - 0.84) < 0.018) & (np.abs(m[:, 1]) > 0.6)
        handle &= (np.abs(x + 0.05) < 0.09) | (np.abs(x + 0.96) < 0.09)
        hood_line = shell & (z > 0.7) & (m[:, 2] > 0.5) & (np.abs(y - 0.66) < 0.01) & (x > 0.95)
        out.albedo[seams | handle | hood_line] *= 0.25
        out.albedo[part == MIRROR] = np.array(self.paint, np.float32) * 0.8
        return out

    def _glass(self, out: Surface, q: Array, m: Array, shell: Array) -> None:
        x, z, y = q[:, 0], q[:, 2], np.abs(q[:, 1])
        lean = 0.80 - 0.42 * (z - 0.93)
        inset = _polygon(x, z, _CABIN)
        pillar = (np.abs(x + 0.22) < 0.035) | (x < -1.55) | (np.abs(x + 1.12) < 0.025)
        side = (np.abs(m[:, 1]) > 0.55) & (inset < -0.055) & (z > 0.99) & ~pillar & (x < 0.92)
        ahead = (m[:, 0] > 0.3) & (z > 0.985) & (x > 0.2) & (y < lean - 0.06) & (z < 1.37)
        behind = (m[:, 0] < -0.25) & (z > 1.03) & (x < -1.0) & (y < lean - 0.07) & (z < 1.37)
        glass = shell & (side | ahead | behind)
        # Seats and wheel as dim shapes behind the glass.
        seat = (np.abs(np.abs(q[:, 1]) - 0.36) < 0.19) & (z < 1.24) | (np.abs(np.abs(q[:, 1]) - 0.36) < 0.09) & (
            z < 1.33
        )
        inside = np.where(seat & (np.abs(m[:, 0]) > 0.25), 0.008, 0.022)
        out.albedo[glass] = inside[glass, None] * np.array([0.9, 1.0, 1.0], np.float32)
        out.gloss[glass], out.shine[glass] = 0.09, 160.0
        out.solar[glass] = 0.25
        out.emissivity[glass] = 0.84
        out.temperature[glass] = self.air + self.running * 3.5 * smoothstep(1.5, 0.95, z[glass])
        rim = shell & (side ^ ((np.abs(m[:, 1]) > 0.55) & (inset < -0.035) & (z > 0.97) & (x < 0.95)))
        out.albedo[rim & ~glass] *= 0.3

    def _lights(self, out: Surface, q: Array, front: Array, rear: Array) -> None:
        y, z, x = np.abs(q[:, 1]), q[:, 2], q[:, 0]
        lens = front & (z > 0.60) & (z < 0.755) & (y > 0.44) & (y < 0.82) & (x > 1.55)
        out.albedo[lens], out.gloss[lens], out.shine[lens] = 0.5, 0.10, 120.0
        bulb = np.exp(-(((y - 0.63) / 0.085) ** 2) - ((z - 0.68) / 0.055) ** 2)
        glow = self.headlights * (0.04 + bulb)[:, None] * np.array([1.0, 0.95, 0.84], np.float32)
        out.emission[lens] += glow[lens]
        out.albedo[lens] *= 0.5 + 0.5 * np.cos(y[lens] * 70.0)[:, None] ** 2
        out.temperature[lens] += (14.0 * bulb * min(self.headlights, 1.0))[lens]
        back = rear & (z > 0.70) & (z < 0.93) & (y > 0.50)
        out.albedo[back] = np.array([0.20, 0.006, 0.008], np.float32) * (
            0.6 + 0.5 * (np.abs(z[back, None] - 0.82) < 0.05)
        )
        out.gloss[back], out.shine[back] = 0.08, 100.0
        stripe = 0.35 + 0.65 * (np.abs(z - 0.82) < 0.055)
        out.emission[back] += (self.tail * stripe[back])[:, None] * np.array([1.0, 0.035, 0.02], np.float32)
        out.temperature[back] += 4.0 * min(self.tail, 1.0)

    def _wheels(self, out: Surface, q: Array, tyre: Array) -> None:
        x, z = q[:, 0], q[:, 2]
        axle = np.where(x > 0, _AXLES[0], _AXLES[1])
        r = np.hypot(x - axle, z - _WHEEL)
        angle = np.arctan2(z - _WHEEL, x - axle)
        out.albedo[tyre] = 0.028
        rim = tyre & (r < 0.215)
        spoke = rim & ((np.cos(angle * 5.0) > -0.25) | (r < 0.06) | (r > 0.185))
        out.albedo[rim] = 0.02
        out.albedo[spoke] = 0.42
        out.gloss[spoke], out.shine[spoke] = 0.25, 50.0
        warm = self.running * np.where(rim, 13.0 - 20.0 * r, 7.0 + 26.0 * smoothstep(0.26, 0.325, r))
        out.temperature[tyre] = self.air + 0.3 + warm[tyre]
        out.emissivity[spoke] = 0.7


def car(
    x: float,
    y: float,
    *,
    yaw: float,
    look: Car,
    label: str = "car",
    scale: float = 1.0,
) -> Solid:
    """A car whose middle stands at (x, y), facing ``yaw``."""
    return Solid(
        material=look,
        label=label,
        at=(x, y, 0.0),
        yaw=yaw,
        scale=scale,
        parts=_parts,
        low=(-2.24, -1.08, -0.01),
        high=(2.26, 1.08, 1.5),
    )

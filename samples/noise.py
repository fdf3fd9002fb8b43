"""Chance without a random generator: hashed lattices, so that a seed gives the same picture everywhere.

NumPy may change the streams of its generators between versions; an integer
hash written out here cannot change, so committed pictures can be rendered again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["Array", "Dice", "fbm", "gauss_field", "hash01", "noise", "ridges", "smoothstep", "voronoi"]

_PRIMES = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)


def _mix(h: Array) -> Array:
    h = h ^ (h >> np.uint32(15))
    h = h * np.uint32(0x2C1B3C6D)
    h = h ^ (h >> np.uint32(12))
    h = h * np.uint32(0x297A2D39)
    return np.asarray(h ^ (h >> np.uint32(15)))


def hash01(*cells: Array, seed: int = 0) -> Array:
    """Uniform [0, 1) float32 for integer lattice coordinates (one to three arrays of one shape)."""
    h = np.array([(seed * 0x27D4EB2F + 0x165667B1) & 0xFFFFFFFF], np.uint32)
    for cell, prime in zip(cells, _PRIMES, strict=False):
        h = _mix(np.asarray(cell).astype(np.int64).astype(np.uint32) * np.uint32(prime) ^ h)
    return np.asarray((h >> np.uint32(8)).astype(np.float32) * np.float32(1.0 / (1 << 24)))


class Dice:
    """A counted stream of hashed numbers."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.count = 0

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        self.count += 1
        return low + (high - low) * float(hash01(np.array([self.count]), seed=self.seed)[0])

    def uniforms(self, size: int, low: float = 0.0, high: float = 1.0) -> Array:
        cells = np.arange(self.count + 1, self.count + 1 + size)
        self.count += size
        return low + (high - low) * hash01(cells, seed=self.seed)

    def normals(self, size: int) -> Array:
        radius = np.sqrt(-2.0 * np.log(1.0 - self.uniforms(size)))
        return radius * np.cos(2.0 * np.pi * self.uniforms(size))

    def sign(self) -> float:
        return 1.0 if self.uniform() < 0.5 else -1.0

    def pick(self, items: list[Any]) -> Any:
        return items[min(int(self.uniform() * len(items)), len(items) - 1)]


def gauss_field(shape: tuple[int, ...], seed: int) -> Array:
    """Standard normal field of ``shape``, float32."""
    return Dice(seed).normals(int(np.prod(shape))).reshape(shape).astype(np.float32)


def smoothstep(low: float | Array, high: float | Array, x: Array) -> Array:
    """0 below ``low``, 1 above ``high``, cubic between."""
    t = np.clip((x - low) / (np.asarray(high) - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def noise(p: Array, seed: int = 0) -> Array:
    """Value noise in [0, 1] at points ``p`` [N, 2] or [N, 3], lattice spacing 1."""
    cell = np.floor(p)
    frac = (p - cell).astype(np.float32)
    weight = frac * frac * frac * (frac * (frac * 6.0 - 15.0) + 10.0)
    cell = cell.astype(np.int64)
    dims = p.shape[1]
    total = np.zeros(p.shape[0], np.float32)
    for corner in range(1 << dims):
        bits = [(corner >> k) & 1 for k in range(dims)]
        share = np.ones(p.shape[0], np.float32)
        for k, bit in enumerate(bits):
            share *= weight[:, k] if bit else 1.0 - weight[:, k]
        total += share * hash01(*[cell[:, k] + bits[k] for k in range(dims)], seed=seed)
    return total


def fbm(p: Array, octaves: int = 4, *, seed: int = 0, foot: Array | None = None, gain: float = 0.5) -> Array:
    """Fractal noise centred on 0, about -0.5..0.5; octaves finer than the footprint ``foot`` fade out."""
    total = np.zeros(p.shape[0], np.float32)
    amplitude, norm, scale = 1.0, 0.0, 1.0
    for octave in range(octaves):
        value = noise(p * scale, seed=seed + 101 * octave) - 0.5
        if foot is not None:
            value = value * np.clip(1.5 - 2.0 * foot * scale, 0.0, 1.0)
        total += amplitude * value
        norm += amplitude
        amplitude *= gain
        scale *= 2.03
    return total / norm * 1.6


def ridges(p: Array, octaves: int = 4, *, seed: int = 0, foot: Array | None = None) -> Array:
    """Thin bright crests on 0, in [0, 1]: cracks, creases, bark."""
    value = fbm(p, octaves, seed=seed, foot=foot)
    return np.clip(1.0 - np.abs(value) * 8.0, 0.0, 1.0)


def voronoi(p: Array, seed: int = 0) -> tuple[Array, Array]:
    """Distance to the nearest of one jittered point per cell, and that point's hash, for ``p`` [N, 2]."""
    cell = np.floor(p).astype(np.int64)
    best = np.full(p.shape[0], 9.0, np.float32)
    name = np.zeros(p.shape[0], np.float32)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            cx, cy = cell[:, 0] + dx, cell[:, 1] + dy
            jx, jy = hash01(cx, cy, seed=seed), hash01(cx, cy, seed=seed + 7)
            dist = np.hypot(cx + jx - p[:, 0], cy + jy - p[:, 1]).astype(np.float32)
            near = dist < best
            best[near] = dist[near]
            name[near] = hash01(cx, cy, seed=seed + 13)[near]
    return best, name

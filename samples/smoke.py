"""Smoke as a medium: opaque to the eye, thin to long waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from samples.noise import Array, fbm, smoothstep
from samples.thermal import band_radiance

__all__ = ["Plume"]


@dataclass(frozen=True)
class Plume:
    """A plume that rises from ``source`` and leans with the wind along x; cooled smoke creeps below."""

    source: tuple[float, float, float]
    lean: float
    """Metres of drift for each metre of rise at first."""
    spread: float
    thick: float
    """Extinction of visible light per metre in the core."""
    light: tuple[float, float, float]
    """Colour of the light that thin, open smoke scatters."""
    fire: tuple[float, float, float]
    """Colour added near the source."""
    air: float
    seed: int
    low: tuple[float, float, float]
    """Corner of the box that holds the smoke, metres."""
    high: tuple[float, float, float]
    creep: tuple[float, float, float] = (1.6, 2.6, 4.2)
    """Middle (x from the source, y from the source) and half width of the layer near the ground."""
    cell: float = 0.11
    steps: int = 44
    window: float = 0.06
    """Thermal extinction over visible extinction: soot particles are small against long waves."""

    def _density(self, p: Array) -> tuple[Array, Array]:
        """Extinction per metre [N] and closeness to the source 0..1 [N]."""
        x, y, z = (p[:, k] - self.source[k] for k in range(3))
        rise = np.maximum(z, 0.0)
        sway = 0.35 * np.sin(rise * 1.3 + self.seed) * np.minimum(rise, 1.5)
        drift = self.lean * rise**0.9 * 1.7 + sway
        wide = 0.30 + self.spread * rise
        column = np.exp(-(((x - drift) / wide) ** 2) - ((y - 0.10 * rise) / wide) ** 2)
        cx, cy, reach = self.creep
        creep = np.exp(-(np.abs((x - cx) / reach) ** 3) - ((y - cy) / 1.7) ** 2)
        creep = creep * smoothstep(3.5, 1.1, p[:, 2]) * 0.66
        swirl = p * np.array([0.75, 0.75, 0.60], np.float32)
        warp = np.stack([fbm(swirl * 1.1 + 9.0 * k, 2, seed=self.seed + k) for k in range(3)], axis=1)
        billow = fbm(swirl + 1.1 * warp, 5, seed=self.seed + 3, gain=0.58)
        shape = np.maximum(column, creep)
        body = smoothstep(0.10, 0.62, shape + 1.35 * billow * np.sqrt(shape) - 0.04)
        return np.asarray(self.thick * body / (1.0 + 0.16 * rise)), np.asarray(column * np.exp(-rise / 0.45))

    def _grids(self) -> tuple[Array, Array, Array]:
        """Extinction, brightness under the sky, and heat on a grid of cells."""
        low, high = np.array(self.low), np.array(self.high)
        shape = tuple(int(n) for n in np.ceil((high - low) / self.cell))
        axes = [low[k] + (np.arange(shape[k]) + 0.5) * self.cell for k in range(3)]
        p = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1).astype(np.float32)
        thick, hot = (part.reshape(shape) for part in self._density(p))
        # Daylight comes from above and from the left; what is left of it after the smoke on its way.
        above = np.cumsum(thick[:, :, ::-1], axis=2)[:, :, ::-1] * self.cell
        beside = np.cumsum(thick, axis=0) * self.cell
        bright = 0.24 + 0.50 * np.exp(-0.55 * above) + 0.26 * np.exp(-0.7 * beside)
        return thick, ndimage.gaussian_filter(bright, 0.8), hot

    def __call__(self, eye: Array, d: Array, depth: Array) -> tuple[Array, Array, Array, Array]:
        """Visible transmission [N], in-scatter [N, 3], thermal transmission [N] and emission [N]."""
        count = d.shape[0]
        clear, glow = np.ones(count, np.float32), np.zeros((count, 3), np.float32)
        clear_t, glow_t = np.ones(count, np.float32), np.zeros(count, np.float32)
        safe = np.where(np.abs(d) < 1e-9, 1e-9, d)
        low = np.array(self.low)
        a, b = (low - eye) / safe, (np.array(self.high) - eye) / safe
        near = np.maximum(np.minimum(a, b).max(axis=1), 0.0)
        far = np.minimum(np.maximum(a, b).min(axis=1), depth)
        at = np.flatnonzero(near < far)
        step = ((far - near) / self.steps)[at]
        length = step * np.linalg.norm(d[at], axis=1)
        # A start that differs from ray to ray turns banding into grain, which averaging removes.
        start = near[at] + step * ((at * 0.6180339887) % 1.0)
        v, s = np.ones(at.size, np.float32), np.zeros((at.size, 3), np.float32)
        vt, st = np.ones(at.size, np.float32), np.zeros(at.size, np.float32)
        colour, fire = np.array(self.light, np.float32), np.array(self.fire, np.float32)
        grids = self._grids()
        for k in range(self.steps):
            p = eye + (start + k * step)[:, None] * d[at]
            cell = ((p - low) / self.cell - 0.5).T
            thick, bright, hot = (ndimage.map_coordinates(g, cell, order=1, mode="nearest") for g in grids)
            here = 1.0 - np.exp(-thick * length)
            s += (v * here)[:, None] * (colour * bright[:, None] + fire * hot[:, None])
            v *= 1.0 - here
            here_t = 1.0 - np.exp(-thick * self.window * length)
            st += vt * here_t * band_radiance(self.air + 1.0 + 60.0 * hot)
            vt *= 1.0 - here_t
        clear[at], glow[at], clear_t[at], glow_t[at] = v, s, vt, st
        return clear, glow, clear_t, glow_t

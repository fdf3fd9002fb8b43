"""Sun, lamps, their shadows, and how open a point is to the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.camera import Buffer, Camera, look, unit
from samples.noise import Array, smoothstep

__all__ = ["Lamp", "Sun", "occlusion", "shadow_share"]

_TAPS = [(np.cos(2.4 * k) * np.sqrt((k + 0.5) / 8), np.sin(2.4 * k) * np.sqrt((k + 0.5) / 8)) for k in range(8)]
"""Eight points of a sunflower spiral in the unit disc."""


@dataclass
class Sun:
    """Parallel light over a square of ground."""

    towards: Array
    """Unit vector to the sun."""
    earlier: Array
    """The same about an hour ago: thermal shadows lag behind."""
    colour: Array
    centre: tuple[float, float, float] = (0.0, 22.0, 0.0)
    reach: float = 34.0
    """Half the side of the square, metres."""
    size: int = 1400

    def camera(self, towards: Array, detail: float = 1.0) -> Camera:
        """The view from the sun; ``detail`` scales the number of texels a side."""
        size = int(self.size * detail)
        eye = np.array(self.centre) + towards * 120.0
        return look(
            (float(eye[0]), float(eye[1]), float(eye[2])),
            self.centre,
            width=size,
            height=size,
            focal=size / (2.0 * self.reach),
            parallel=True,
        )


@dataclass
class Lamp:
    """A small lamp with an optional cone."""

    at: tuple[float, float, float]
    colour: Array
    """Linear intensity [3]; arriving light is this over distance squared."""
    towards: tuple[float, float, float] = (0.0, 0.0, -1.0)
    inner: float = -1.0
    """Cosine inside which the cone has full strength."""
    outer: float = -1.0
    """Cosine outside which nothing arrives; -1 shines all around."""
    casts: bool = False
    size: int = 512

    def camera(self, detail: float = 1.0) -> Camera:
        """The view from the lamp, for its shadow map."""
        size = int(self.size * detail)
        half = np.arccos(max(self.outer, 0.35))
        target = tuple(float(a + b) for a, b in zip(self.at, self.towards, strict=True))
        return look(
            self.at,
            (target[0], target[1], target[2]),
            width=size,
            height=size,
            focal=float(size / 2 / np.tan(half)),
        )

    def arriving(self, p: Array) -> tuple[Array, Array]:
        """Unit directions to the lamp [N, 3] and light that arrives there before the cosine [N, 3]."""
        v = np.array(self.at, np.float32) - p
        square = np.maximum((v * v).sum(axis=1), 0.05)
        towards = v / np.sqrt(square)[:, None]
        strength = 1.0 / square
        if self.outer > -1.0:
            cosine = -(towards @ unit(np.array(self.towards, np.float32)))
            strength = strength * smoothstep(self.outer, self.inner, cosine)
        return towards, strength[:, None] * self.colour


def shadow_share(depth_map: Buffer, p: Array, n: Array, spread: float) -> Array:
    """Share of a lamp seen from points ``p`` [N], by eight comparisons over ``spread`` texels."""
    cam = depth_map.camera
    x, y, depth = cam.project(p + n * np.float32(0.03))
    slack = 0.04 + 1.2 * spread / cam.focal * (1.0 if cam.parallel else np.maximum(depth, 0.0))
    share = np.zeros(p.shape[0], np.float32)
    for dx, dy in _TAPS:
        ix = np.floor(x + dx * spread).astype(np.int64)
        iy = np.floor(y + dy * spread).astype(np.int64)
        inside = (ix >= 0) & (ix < cam.width) & (iy >= 0) & (iy < cam.height) & (depth > 0)
        seen = depth_map.depth[np.where(inside, iy * cam.width + ix, 0)]
        share += ~inside | (depth - slack < seen)
    return share / len(_TAPS)


def occlusion(buffer: Buffer, d: Array, reach: float = 0.7) -> Array:
    """Openness to the sky in 0..1 for each sample point, from depths nearby on the picture."""
    cam = buffer.camera
    solid = np.flatnonzero(np.isfinite(buffer.depth))
    depth = buffer.depth[solid]
    p = cam.eye + depth[:, None] * d[solid]
    n = buffer.normal[solid]
    radius = np.clip(reach * cam.focal / depth, 2.0, cam.width / 10)
    row, column = solid // cam.width, solid % cam.width
    # A different turn of the spiral on every point of a 4 x 4 tile hides banding after averaging.
    turn = ((column % 4) * 4 + row % 4) * np.float32(2 * np.pi / 16)
    blocked = np.zeros(solid.size, np.float32)
    taps = 10
    for k in range(taps):
        angle = 2.4 * k + turn
        far = radius * np.sqrt((k + 0.5) / taps)
        ix = np.clip(column + far * np.cos(angle), 0, cam.width - 1).astype(np.int64)
        iy = np.clip(row + far * np.sin(angle), 0, cam.height - 1).astype(np.int64)
        other = iy * cam.width + ix
        z = buffer.depth[other]
        v = cam.eye + np.where(np.isfinite(z), z, 1e4)[:, None] * d[other] - p
        gap = np.linalg.norm(v, axis=1)
        rise = (v * n).sum(axis=1) / np.maximum(gap, 1e-3)
        blocked += np.clip(rise - 0.08, 0.0, 1.0) * np.clip(1.5 - gap / reach, 0.0, 1.0)
    out = np.ones(buffer.depth.size, np.float32)
    out[solid] = np.clip(1.0 - 1.5 * blocked / taps, 0.15, 1.0)
    return out

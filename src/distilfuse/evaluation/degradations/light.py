"""The visible picture gets too little light, too much of it, or that of a lamp that shines into the lens."""

from __future__ import annotations

import numpy as np

from distilfuse.evaluation.degradations.degradation import Image, Pair, at
from distilfuse.evaluation.degradations.radiance import from_light, to_light

_LAMP = np.array([1.0, 0.97, 0.88], np.float32)
"""Warm white of a headlight, RGB."""


def low_light(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The visible picture gets a share of its light."""
    return visible * np.float32(at(severity, (0.7, 0.5, 0.35, 0.22, 0.12))), infrared


def over_exposure(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The visible picture gets too much light and clips."""
    return visible * np.float32(at(severity, (1.3, 1.6, 1.9, 2.4, 3.0))), infrared


def glare(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Two headlights shine into the lens: full cores, halos, a streak across the picture, and a veil around them.

    Halo and veil fall off as powers of the distance, like the stray light of real lenses; the streak is what a
    smeared windscreen or a scratched filter draws, most often nearly level. Place, distance of the two lamps and
    tilt are drawn at random; sizes go with the picture's diagonal. All light is added as light, not to stored values.
    """
    height, width = visible.shape[:2]
    diagonal = float(np.hypot(height, width))
    row, column = rng.uniform(0.40, 0.70) * height, rng.uniform(0.15, 0.85) * width
    apart, tilt = rng.uniform(0.05, 0.09) * diagonal, np.deg2rad(rng.uniform(-12, 12))
    strength = at(severity, (0.3, 0.6, 1.1, 1.8, 2.8))
    core = diagonal * at(severity, (0.003, 0.004, 0.0055, 0.0075, 0.010))

    light = np.zeros((height, width), np.float32)
    for side in (-0.5, 0.5):
        y = np.arange(height, dtype=np.float32)[:, None] - np.float32(row)
        x = np.arange(width, dtype=np.float32)[None, :] - np.float32(column + side * apart)
        light += np.float32(strength) * _lamp(x, y, core, 0.1 * diagonal, float(tilt))
    if visible.ndim == 3:
        return from_light(to_light(visible) + light[..., None] * _LAMP), infrared
    return from_light(to_light(visible) + light), infrared


def _lamp(x: Image, y: Image, core: float, far: float, tilt: float) -> Image:
    """Light of one lamp at ``x``, ``y`` pixels from it; ``core`` and ``far`` are the radii of disc and veil."""
    radius2 = x * x + y * y
    disc = 6 * np.exp(-radius2 / np.float32(core**2))
    halo = np.float32(0.8) / (1 + radius2 / np.float32((2 * core) ** 2)) ** np.float32(1.3)
    veil = np.float32(0.05) / (1 + radius2 / np.float32(far**2))
    along = np.abs(x * np.float32(np.cos(tilt)) + y * np.float32(np.sin(tilt)))
    across = y * np.float32(np.cos(tilt)) - x * np.float32(np.sin(tilt))
    streak = np.float32(0.35) * np.exp(-along / np.float32(2 * far)) * np.exp(-((across / np.float32(0.5 * core)) ** 2))
    light: Image = disc + halo + veil + streak
    return light

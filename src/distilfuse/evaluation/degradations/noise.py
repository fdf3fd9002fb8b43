"""Noise of the sensors, Gaussian and independent from pixel to pixel."""

from __future__ import annotations

import numpy as np

from distilfuse.evaluation.degradations.degradation import Image, Pair, at
from distilfuse.evaluation.degradations.light import low_light

_SIGMAS = (8.0, 16.0, 25.0, 36.0, 50.0)
"""Standard deviations in grey levels of 255."""


def visible_noise(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Gaussian noise on each visible channel."""
    return _noise(visible, at(severity, _SIGMAS), rng), infrared


def ir_noise(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Gaussian noise on the infrared picture."""
    return visible, _noise(infrared, at(severity, _SIGMAS), rng)


def low_light_ir_noise(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Both at once: little light and a noisy infrared picture."""
    return ir_noise(*low_light(visible, infrared, severity, rng), severity, rng)


def _noise(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    noise: Image = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(sigma / 255)
    return image + noise

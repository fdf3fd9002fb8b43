"""Between stored values and light: where lights add up, they add up as light."""

from __future__ import annotations

import numpy as np

from distilfuse.evaluation.degradations.degradation import Image

_GAMMA = np.float32(2.2)
"""Near enough to the sRGB curve; no camera's own tone curve is known."""


def to_light(image: Image) -> Image:
    """Stored values in 0..1 to linear light in 0..1."""
    light: Image = np.power(np.clip(image, 0, 1), _GAMMA)
    return light


def from_light(light: Image) -> Image:
    """Linear light (clipped at 1, where a sensor is full) to stored values in 0..1."""
    image: Image = np.power(np.clip(light, 0, 1), 1 / _GAMMA)
    return image

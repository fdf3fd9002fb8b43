"""Pictures that several tests of metrics share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

Textured = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def textured() -> Textured:
    """Random bytes, correlated over a few pixels, so that coarse scales hold something too."""

    def make(seed: int, shape: tuple[int, ...] = (48, 57), *, low: float = 20, high: float = 235) -> np.ndarray:
        noise = np.random.default_rng(seed).uniform(0, 1, shape)
        smooth = ndimage.gaussian_filter(noise, [1.5, 1.5, *[0.5] * (len(shape) - 2)])
        smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
        return np.round((low + (high - low) * smooth).clip(0, 255)).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def scene(textured: Textured) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Visible (colour), infrared (grey) and fused picture (colour), each with burnt out, black and equal places."""
    visible, infrared = textured(1, (61, 70, 3), low=-40, high=300), textured(2, (61, 70), low=10, high=255)
    visible[40:52, 8:24] = (254, 255, 255)
    infrared[:9, 30:60] = 0
    weight = np.linspace(0, 1, 70)[:, None]
    fused = np.round(weight * visible + (1 - weight) * infrared[..., None]).astype(np.uint8)
    fused[:, :20] = visible[:, :20]
    fused[:, 55:] = infrared[:, 55:, None]
    return visible, infrared, fused

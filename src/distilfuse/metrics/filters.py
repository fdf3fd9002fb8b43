"""Separable filters in numpy, shared by the metrics that need a window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gaussian_taps(size: int, sigma: float) -> Array:
    """One-dimensional Gaussian of ``size`` taps that sums to one."""
    offset = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(offset**2) / (2 * sigma**2))
    return np.asarray(taps / taps.sum())


def filter_valid(image: Array, taps: Array) -> Array:
    """Filter ``H x W`` with ``taps`` along both axes; only positions where the window fits are kept.

    Exact sums in float64: the variances of VIF are differences of large numbers, float32 loses them
    on flat pictures.
    """
    for axis in (0, 1):
        size = image.shape[axis] - len(taps) + 1
        half = len(taps) // 2
        # The taps are symmetric: add the two mirrored pictures first, multiply once.
        out = _slice(image, axis, half, size) * taps[half]
        for k in range(half):
            pair = _slice(image, axis, k, size) + _slice(image, axis, len(taps) - 1 - k, size)
            pair *= taps[k]
            out += pair
        image = out
    return image


def _slice(image: Array, axis: int, start: int, size: int) -> Array:
    return image[start : start + size] if axis == 0 else image[:, start : start + size]

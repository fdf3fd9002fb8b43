"""Separable filters in numpy, shared by the metrics that need a window."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Outputs that one matrix product computes, down the columns and across the rows. More of them waste work on zeros of
# the band, fewer leave products too small; these are also too small for BLAS to spread them over threads.
_DOWN = 8
_ACROSS = 24


def gaussian_taps(size: int, sigma: float) -> Array:
    """One-dimensional Gaussian of ``size`` taps that sums to one."""
    offset = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(offset**2) / (2 * sigma**2))
    return np.asarray(taps / taps.sum())


def filter_valid(image: NDArray[Any], taps: Array, *, step: int = 1) -> Array:
    """Filter along both axes; only positions where the window fits are kept.

    Each axis is a product with a banded matrix, block by block: BLAS does the multiplications with zero faster than
    numpy adds up shifted copies. Exact sums in float64: the variances of VIF are differences of large numbers, float32
    loses them on flat pictures.

    Args:
        image: ``... x H x W`` of any real type, no side shorter than the window.
        taps: symmetric, N of them.
        step: keep every so many positions along each axis.

    Returns:
        ``... x H' x W'`` with H' = (H - N) // step + 1.
    """
    *stack, height, width = image.shape
    rows, columns = ((side - len(taps)) // step + 1 for side in (height, width))
    band = _band(taps.tobytes(), step, _DOWN)
    down: Array = np.empty((*stack, rows, width))
    for first in range(0, rows, _DOWN):
        count = min(_DOWN, rows - first)
        reach = (count - 1) * step + len(taps)
        source = image[..., first * step : first * step + reach, :].astype(np.float64, copy=False)
        np.matmul(band[:count, :reach], source, out=down[..., first : first + count, :])
    band = np.ascontiguousarray(_band(taps.tobytes(), step, _ACROSS).T)
    lines = down.reshape(-1, width)
    across: Array = np.empty((lines.shape[0], columns))
    for first in range(0, columns, _ACROSS):
        count = min(_ACROSS, columns - first)
        reach = (count - 1) * step + len(taps)
        source = lines[:, first * step : first * step + reach]
        np.matmul(source, band[:reach, :count], out=across[:, first : first + count])
    return across.reshape(*stack, rows, columns)


@lru_cache(maxsize=64)
def _band(taps: bytes, step: int, count: int) -> Array:
    """Row k of ``count`` holds the taps from column k * step on; the taps come as bytes, which can be a key."""
    values = np.frombuffer(taps)
    matrix = np.zeros((count, (count - 1) * step + len(values)))
    for row in range(count):
        matrix[row, row * step : row * step + len(values)] = values
    matrix.flags.writeable = False  # shared by all callers
    return matrix

"""Histograms of 256 grey levels, of one picture and of two at once, and their entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 256


def grey_levels(plane: NDArray[Any], data_range: float) -> NDArray[np.uint8]:
    """The nearest of the 256 grey levels of 0..``data_range``; bytes of 0..255 stay as they are."""
    if plane.dtype == np.uint8 and data_range == 255:
        return plane
    return np.rint(plane * (255 / data_range)).astype(np.uint8)


def counts(levels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """How often each of the 256 levels occurs."""
    return np.bincount(levels.ravel(), minlength=LEVELS)


def joint_counts(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.intp]:
    """How often each pair of levels occurs, ``256 x 256``; ``a`` decides the row."""
    codes = a.astype(np.intp)
    codes *= LEVELS
    codes += b
    return np.bincount(codes.ravel(), minlength=LEVELS**2).reshape(LEVELS, LEVELS)


def entropy_of(occurrences: NDArray[np.intp], *, base: float = 2.0) -> float:
    """-sum p log p of the counts, whatever their shape; base 2 gives bits, base e nats."""
    seen = occurrences[occurrences > 0]
    total = int(seen.sum())
    # sum p log p = sum n log n / N - log N; + 0.0 because a minus before 0 would be shown.
    return (math.log(total) - float(seen @ np.log(seen)) / total) / math.log(base) + 0.0

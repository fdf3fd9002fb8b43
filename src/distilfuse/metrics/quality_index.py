"""Q0, the quality index of Wang and Bovik (2002), in every window; Piella's and Yang's metrics build on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from distilfuse.metrics.filters import Array

# Variances below this share of data_range^2 are rounding. One grey level of 256, in the corner of a Gaussian window of
# 7 x 7, makes 2e-8; sums in float64 leave some 1e-15.
_FLAT = 1e-10


class Windows(NamedTuple):
    """A picture with its mean and variance in every window."""

    image: Array
    mean: Array
    variance: Array


def windows(image: Array, average: Callable[[Array], Array], *, data_range: float) -> Windows:
    """Mean and variance in every window; rounding in flat windows counts as no variance.

    Args:
        image: ``H x W`` float64.
        average: from a picture to the (weighted) means of its windows.
        data_range: largest possible value.
    """
    mean = average(image)
    variance = average(image * image) - mean * mean
    variance[variance < _FLAT * data_range**2] = 0
    return Windows(image, mean, variance)


def quality_index(a: Windows, b: Windows, average: Callable[[Array], Array]) -> Array:
    """4 cov mean_a mean_b / ((var_a + var_b) (mean_a^2 + mean_b^2)) in every window, -1 .. 1.

    Where both pictures are flat only the brightness is compared, and black equals black; where one is flat the index
    is 0.
    """
    covariance = average(a.image * b.image) - a.mean * b.mean
    variances, squares = a.variance + b.variance, a.mean * a.mean + b.mean * b.mean
    structure = np.divide(2 * covariance, variances, out=np.ones_like(variances), where=variances > 0)
    structure[(variances > 0) & ((a.variance == 0) | (b.variance == 0))] = 0
    brightness = np.divide(2 * a.mean * b.mean, squares, out=np.ones_like(squares), where=squares > 0)
    return np.asarray(structure * brightness)


def variance_share(a: Windows, b: Windows) -> Array:
    """var_a / (var_a + var_b) in every window, 1/2 where both are flat."""
    both = a.variance + b.variance
    return np.divide(a.variance, both, out=np.full_like(both, 0.5), where=both > 0)

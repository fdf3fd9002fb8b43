"""Means, variances and covariances in every window, of sources and the fused picture at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.filters import Array, filter_valid

# Rows computed at once: few enough for the intermediate planes to stay in the processor's cache.
_ROWS = 16


class Moments(NamedTuple):
    """What a strip of windows holds; S sources, ``rows x columns`` windows."""

    source_means: Array  # S x rows x columns
    fused_means: Array  # rows x columns
    source_variances: Array  # S x rows x columns; rounding leaves values slightly below 0
    fused_variances: Array  # rows x columns; likewise
    covariances: Array  # S x rows x columns, of each source and the fused picture


def local_moments(
    stack: NDArray[Any], taps: Array, *, scale: float = 1.0, product_limit: float | None = None
) -> Iterator[Moments]:
    """Go through the picture in strips; the fused picture's share of the work is done once for all sources.

    Args:
        stack: ``(S + 1) x H x W`` of any real type, the fused picture last; a strip at a time becomes float64.
        taps: of the window, along both axes, summing to 1; symmetric.
        scale: pictures are multiplied by it first.
        product_limit: larger products of two pixels are cut to this value, as bytes do that overflow.

    Yields:
        Moments of up to 16 rows of windows, top to bottom.
    """
    count, height, width = stack.shape
    sources = count - 1
    planes = np.empty((2 * count + sources, _ROWS + len(taps) - 1, width))
    for top in range(0, height - len(taps) + 1, _ROWS):
        strip = stack[:, top : top + _ROWS + len(taps) - 1]
        filled = planes[:, : strip.shape[1]]
        pictures, squares, mixed = filled[:count], filled[count : 2 * count], filled[2 * count :]
        np.multiply(strip, scale, out=pictures)
        np.multiply(pictures, pictures, out=squares)
        np.multiply(pictures[:sources], pictures[sources], out=mixed)
        if product_limit is not None:
            np.minimum(filled[count:], product_limit, out=filled[count:])
        averages = filter_valid(filled, taps)
        means, variances, covariances = averages[:count], averages[count : 2 * count], averages[2 * count :]
        covariances -= means[:sources] * means[sources]
        variances -= means * means
        yield Moments(means[:sources], means[sources], variances[:sources], variances[sources], covariances)

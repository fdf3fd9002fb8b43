"""MS-SSIM: structural similarity over five scales (Wang, Simoncelli and Bovik, 2003)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array, gaussian_taps
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.moments import local_moments

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_TAPS = gaussian_taps(11, 1.5)
# Smallest side for which the coarsest scale, rounded up at each halving, still holds one window.
MIN_SIDE = (len(_TAPS) - 1) * 2 ** (len(WEIGHTS) - 1) + 1


def ms_ssim(reference: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Product over five scales of contrast and structure, each to its weight, and of the luminance at the coarsest.

    prod_j mean(cs_j)^w_j * mean(l cs)_5^w_5, with the Gaussian 11 x 11 window, sigma 1.5, K1 = .01, K2 = .03 and the
    weights .0448, .2856, .3001, .2363, .1333; from scale to scale 2 x 2 pixels become their mean.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``.
        fused: fused picture, same shape.
        data_range: largest possible value.

    Returns:
        0 (at some scale unlike or a negative) .. 1 (identical); no unit, higher is better.

    Raises:
        InputError: a side is shorter than 161 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    stack = np.stack(as_planes(reference, fused, data_range=data_range, smallest=MIN_SIDE))
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        if scale > 0:
            stack = _halve(stack)
        similarity = _similarity(stack, data_range, with_luminance=scale == len(WEIGHTS) - 1)
        # A negative mean has no fractional power: unlike at this scale is unlike as a whole.
        product *= max(similarity, 0.0) ** weight
    return product


def _similarity(stack: Array, data_range: float, *, with_luminance: bool) -> float:
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    total, count = 0.0, 0
    for (mean,), fused_mean, (variance,), fused_variance, (covariance,) in local_moments(stack, _TAPS):
        similarity = (2 * covariance + c2) / (variance + fused_variance + c2)
        if with_luminance:
            similarity *= (2 * mean * fused_mean + c1) / (mean * mean + fused_mean * fused_mean + c1)
        total += float(similarity.sum())
        count += similarity.size
    return total / count


def _halve(stack: Array) -> Array:
    """Means of 2 x 2 pixels; a last odd row or column counts twice, as in Wang's code."""
    _, height, width = stack.shape
    stack = np.pad(stack, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    rows = stack[:, ::2] + stack[:, 1::2]
    return np.asarray((rows[..., ::2] + rows[..., 1::2]) / 4)


CARD = Metric(
    name="MS-SSIM",
    title="multi-scale structural similarity",
    inputs="each",
    higher_is_better=True,
    unit="",
    range="0 .. 1 (identical)",
    measures="SSIM's contrast and structure terms at five scales, weighted by the eye's sensitivity, times the "
    "luminance at the coarsest. The middle scales decide, so fine texture and noise weigh less than in SSIM.",
    gamed_by="Averaging, as for SSIM: a dull mean of the sources is like both. Sum or mean over the sources hides "
    "that one of the two may be nearly lost.",
    in_the_wild="Mean or sum over the sources: twice as large. A much used MATLAB code reports MEF-MS-SSIM (Ma, Zeng "
    "and Wang, 2015), another metric, under this name. With the range left at 255 for pictures of 0..1 everything "
    "looks alike: 0.9997 for 0.73, 0.9995 for 0.42. Wang's code takes at least 176 pixels a side, where the windows "
    "fit from 161 on.",
    source="Wang, Simoncelli and Bovik, Multiscale structural similarity for image quality assessment (Asilomar 2003).",
)

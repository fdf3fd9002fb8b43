"""VIFF: visual information fidelity for fusion (Han et al., 2013)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import filter_valid, gaussian_taps
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.moments import Moments, local_moments

_SCALE_WEIGHTS = tuple(weight / 2.15 for weight in (1.0, 0.0, 0.15, 1.0))
_NOISE = 0.005 * 255**2  # variance of the noise in the eye
_CONSTANT = 1e-7
_EPS = 1e-10
# Smallest side for which the coarsest scale still holds one window.
MIN_SIDE = 41


def viff(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Visual information kept of the source that has more of it, place by place, over four scales.

    At every place of a scale, g_X = cov(X, F) / var(X) is the gain from source X to the fused picture. The source of
    the smaller gain counts there (the one with more contrast; the infrared picture where both are equal), with

        kept = log10(1 + g^2 var(X) / (s_v^2 + s_n^2)),   present = log10(1 + var(X) / s_n^2),

    where s_v^2 is the variance of the fused picture that the gain does not explain and s_n^2 = .005 data_range^2. A
    scale's value is sum(kept + 1e-7) / sum(present + 1e-7); from fine to coarse the scales weigh 1, 0, .15 and 1, over
    2.15.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value.

    Returns:
        0 (nothing kept) .. 1 (all three identical, or constant sources); above 1 when contrast was added. No unit,
        higher is better, but without bound under sharpening.

    Raises:
        InputError: a side is shorter than 41 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    stack = np.stack(as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE))
    stack *= 255 / data_range  # the thresholds below are made for 0..255
    value = 0.0
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        size = 2 ** (len(_SCALE_WEIGHTS) - scale) + 1
        taps = gaussian_taps(size, size / 5)
        if scale > 0:
            stack = filter_valid(stack, taps, step=2)
        if weight > 0:
            strips = [_information(moments) for moments in local_moments(stack, taps)]
            kept, present = (float(sum(part)) for part in zip(*strips, strict=True))
            value += weight * kept / present
    return value


def _information(moments: Moments) -> tuple[float, float]:
    """Information kept and present in a strip of windows, in units of log10."""
    variance, covariance, fused_variance = moments.source_variances, moments.covariances, moments.fused_variances
    variance[variance < _EPS] = 0
    # Without gain nothing is kept, and what is then counted as residual does not matter.
    covariance[(covariance < 0) | (variance == 0) | (fused_variance < _EPS)] = 0
    gain = covariance / (variance + _EPS)
    residual = np.maximum(fused_variance - gain * covariance, _EPS)
    kept = np.log10(1 + gain * gain * variance / (residual + _NOISE))
    present = np.log10(1 + variance / _NOISE)
    from_visible = gain[0] < gain[1]
    constant = _CONSTANT * from_visible.size
    return (
        float(np.where(from_visible, kept[0], kept[1]).sum()) + constant,
        float(np.where(from_visible, present[0], present[1]).sum()) + constant,
    )


CARD = Metric(
    name="VIFF",
    title="visual information fidelity for fusion",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="0 (nothing kept) .. 1 (identical); above 1 when contrast was added, without bound",
    measures="How much of the visible detail of the sources is kept, in the model of VIF, but at every place only for "
    "the source that has more contrast there: a fused picture need not keep both.",
    gamed_by="Sharpening and stretching contrast, as for VIF: the gain counts squared. A rise beyond 1, or with a "
    "falling Qabf, is over-sharpening.",
    in_the_wild="On pictures of 0..1 with the constants for 0..255 the noise of the eye drowns them: 0.61 for 0.51, "
    "and 0.67 for 0.46 on CT-MRI. The authors' code compares the L of CIELAB of colour pictures; here every metric "
    "gets the grey planes that the protocol makes.",
    source="Han, Cai, Cao and Xu, A new image fusion performance metric based on visual information fidelity "
    "(Information Fusion 14, 2013).",
)

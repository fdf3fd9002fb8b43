"""SSIM: structural similarity of the fused picture and one source (Wang et al., 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.filters import gaussian_taps
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.moments import local_moments

_UNIFORM = 7
_WINDOWS = {"gaussian": gaussian_taps(11, 1.5), "uniform": np.full(_UNIFORM, 1 / _UNIFORM)}
# Of all pixels of the window; with it a variance is that of a sample, as scikit-image computes it by default.
_SAMPLE = {"gaussian": 1.0, "uniform": _UNIFORM**2 / (_UNIFORM**2 - 1)}


def ssim(
    reference: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    window: str = "gaussian",
    dynamic_range: float | None = None,
) -> float:
    """Mean over all windows of (2 m_r m_f + C1) (2 cov + C2) / ((m_r^2 + m_f^2 + C1) (v_r + v_f + C2)).

    C1 = (.01 L)^2 and C2 = (.03 L)^2; only windows within the picture count.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``.
        fused: fused picture, same shape.
        data_range: largest possible value.
        window: ``gaussian``, 11 x 11 with sigma 1.5 (Wang et al.), or ``uniform``, 7 x 7 with sample variances
            (scikit-image's default).
        dynamic_range: L, ``data_range`` unless given; for protocols that repeat a code which left the range out.

    Returns:
        -1 .. 1 (identical); no unit, higher is better.

    Raises:
        InputError: a side is shorter than the window, an unknown window, or a dynamic range that is not positive; see
            also :func:`distilfuse.metrics.checks.check_planes`.
    """
    return ssim_each((reference,), fused, data_range=data_range, window=window, dynamic_range=dynamic_range)[0]


def ssim_each(
    references: Sequence[NDArray[Any]],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    window: str = "gaussian",
    dynamic_range: float | None = None,
) -> tuple[float, ...]:
    """:func:`ssim` of several sources, sharing what concerns the fused picture alone."""
    if window not in _WINDOWS:
        raise InputError(f"SSIM knows no window {window!r}: choose from {', '.join(_WINDOWS)}.")
    taps, sample = _WINDOWS[window], _SAMPLE[window]
    check_planes(*references, fused, data_range=data_range, smallest=len(taps))
    length = data_range if dynamic_range is None else dynamic_range
    if not length > 0:
        raise InputError(f"dynamic_range must be positive, not {length}: it is that of the pictures, usually.")
    c1, c2 = (0.01 * length) ** 2, (0.03 * length) ** 2
    stack = np.stack([*references, fused])
    total = np.zeros(len(references))
    windows = 0
    for means, fused_means, variances, fused_variances, covariances in local_moments(stack, taps):
        if sample != 1:
            covariances *= sample
            variances *= sample
            fused_variances *= sample
        luminance = means * fused_means
        luminance *= 2
        luminance += c1
        covariances *= 2
        covariances += c2
        luminance *= covariances
        means *= means
        means += fused_means * fused_means + c1
        variances += fused_variances + c2
        means *= variances
        luminance /= means
        total += luminance.sum(axis=(1, 2))
        windows += fused_means.size
    return tuple((total / windows).tolist())


CARD = Metric(
    name="SSIM",
    title="structural similarity",
    inputs="each",
    higher_is_better=True,
    unit="",
    range="-1 .. 1 (identical) a source; twice that as a sum over both",
    measures="Brightness, contrast and structure of fused picture and source, compared in every window of 11 x 11: "
    "(2 m_r m_f + C1) (2 cov + C2) / ((m_r^2 + m_f^2 + C1) (v_r + v_f + C2)) from local means and variances.",
    gamed_by="Averaging: the dull mean of the sources is like both and beats every sharper picture.",
    in_the_wild="As a sum over the sources 1.39, with scikit-image's window of 7 x 7 1.34, and where the range is left "
    "out 0.96, which rewards other pictures; with a range of 255 on pictures of 0..1 1.98 for anything. MATLAB tables "
    "of the field often print MEF-SSIM instead: 0.80 (all: max() of ten RoadScene pairs). Some report the mean: half.",
    source="Wang, Bovik, Sheikh and Simoncelli, Image quality assessment: from error visibility to structural "
    "similarity (IEEE Transactions on Image Processing 13, 2004).",
)

"""VIF: visual information fidelity in the pixel domain (Sheikh and Bovik, 2006)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.filters import Array, filter_valid, gaussian_taps
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.moments import Moments, local_moments

_SCALES = 4
_EPS = 1e-10
# Factors below 1e4 or so are multiplied in groups of this size before the logarithm is taken.
_GROUP = 16
# Smallest side for which the coarsest scale still holds one window.
MIN_SIDE = 41


def vif(
    reference: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    noise_variance: float = 2.0,
    byte_products: bool = False,
    constant_reference: float = math.nan,
) -> float:
    """Pixel-domain VIF of one source, four scales (``vifp_mscale``).

    sum log10(1 + g^2 s_ref^2 / (s_v^2 + s_n^2)) / sum log10(1 + s_ref^2 / s_n^2), where g and s_v^2 are
    gain and residual variance of a local linear fit of the fused picture to the reference.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``.
        fused: fused picture, same shape.
        data_range: largest possible value; pictures are brought to 0..255 first.
        noise_variance: s_n^2 on the 0..255 scale.
        byte_products: repeat what MATLAB's ``vifp_mscale`` does to pictures of type uint8: at the finest scale products
            of two pixels are cut at 255.
        constant_reference: what to return for a reference without information, where the definition is 0 / 0.

    Returns:
        0 (nothing kept) .. 1 (identical); above 1 when contrast was added. No unit, higher is better,
        but without bound under sharpening.

    Raises:
        InputError: a side is shorter than 41 pixels, or ``noise_variance`` is not positive; see also
            :func:`distilfuse.metrics.checks.check_planes`.
    """
    return vif_each(
        (reference,),
        fused,
        data_range=data_range,
        noise_variance=noise_variance,
        byte_products=byte_products,
        constant_reference=constant_reference,
    )[0]


def vif_each(
    references: Sequence[NDArray[Any]],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    noise_variance: float = 2.0,
    byte_products: bool = False,
    constant_reference: float = math.nan,
) -> tuple[float, ...]:
    """:func:`vif` of several sources, sharing what concerns the fused picture alone."""
    if not noise_variance > 0:
        raise InputError(f"noise_variance must be positive, not {noise_variance}: VIF's usual value is 2.")
    check_planes(*references, fused, data_range=data_range, smallest=MIN_SIDE)
    stack: NDArray[Any] = np.stack([*references, fused])
    kept, present = np.zeros(len(references)), np.zeros(len(references))
    for scale in range(_SCALES):
        size = 2 ** (_SCALES - scale) + 1
        taps = gaussian_taps(size, size / 5)
        if scale > 0:
            stack = filter_valid(stack, taps, step=2)
        limit = 255.0 if byte_products and scale == 0 else None
        for moments in local_moments(stack, taps, scale=255 / data_range, product_limit=limit):
            strip_kept, strip_present = _information(moments, noise_variance)
            kept += strip_kept
            present += strip_present
    return tuple(float(k / p) if p > 0 else constant_reference for k, p in zip(kept, present, strict=True))


def _information(moments: Moments, noise: float) -> tuple[Array, Array]:
    """Information kept and present, one value a source, in nats."""
    variance, covariance, fused_variance = moments.source_variances, moments.covariances, moments.fused_variances
    # Without gain nothing is kept: flat source, flat result, or a result that falls where the source rises. What is
    # then counted as residual does not matter. (Products with truth values are far cheaper in numpy than masks.)
    textured = variance >= _EPS
    variance *= textured
    textured &= fused_variance >= _EPS
    textured &= covariance > 0
    covariance *= textured
    gain = covariance / (variance + _EPS)
    residual = fused_variance - gain * covariance
    np.maximum(residual, _EPS, out=residual)
    residual += noise
    gain *= gain
    gain *= variance
    gain /= residual
    gain += 1
    variance *= 1 / noise
    variance += 1
    return _sum_of_logs(gain), _sum_of_logs(variance)


def _sum_of_logs(factors: Array) -> Array:
    """Sum of log over all but the first axis; logarithms of products, as multiplying is far cheaper."""
    flat = factors.reshape(factors.shape[0], -1)
    whole = flat.shape[1] // _GROUP * _GROUP
    products = flat[:, :whole].reshape(len(flat), _GROUP, -1).prod(axis=1)
    return np.asarray(np.log(products).sum(axis=1) + np.log(flat[:, whole:]).sum(axis=1))


CARD = Metric(
    name="VIF",
    title="visual information fidelity",
    inputs="each",
    higher_is_better=True,
    unit="",
    range="0 (nothing kept) .. 1 (identical) a source; above 1 when contrast was added, without bound",
    measures="How much of what an eye with noise could see in a source can still be seen in the fused picture, over "
    "four scales in the pixel domain: sum log(1 + g^2 v_r / (v_e + 2)) / sum log(1 + v_r / 2), g and v_e being gain "
    "and residual of a local fit.",
    gamed_by="Contrast and sharpening: the gain counts squared and has no bound. A high VIF with a falling Qabf is "
    "over-sharpening.",
    in_the_wild="The noise variance of 2 is meant for 0..255: there the sum over the sources is 0.84, on pictures of "
    "0..1 1.13, on real results up to three times as much (0.58 v 1.47). MATLAB codes that pass bytes cut squares at "
    "255: 0.93 (max() of ten RoadScene pairs). Some report the mean: half.",
    source="Sheikh and Bovik, Image information and visual quality (IEEE Transactions on Image Processing 15, 2006), "
    "in the pixel-domain form of their code vifp_mscale.",
)

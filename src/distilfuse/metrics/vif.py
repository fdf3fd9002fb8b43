"""VIF: visual information fidelity in the pixel domain (Sheikh and Bovik, 2006)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.filters import Array, filter_valid, gaussian_taps
from distilfuse.metrics.grey import check_same_size

_SCALES = 4
_EPS = 1e-10
# Smallest side for which the coarsest scale still holds one window.
MIN_SIDE = 41


def vif(reference: NDArray[np.uint8], fused: NDArray[np.uint8], *, noise_variance: float = 2.0) -> float:
    """Pixel-domain VIF of one source, four scales (``vifp_mscale``).

    sum log10(1 + g^2 s_ref^2 / (s_v^2 + s_n^2)) / sum log10(1 + s_ref^2 / s_n^2), where g and s_v^2 are
    gain and residual variance of a local linear fit of the fused picture to the reference.

    Args:
        reference: source, grey ``H x W`` uint8 (0..255).
        fused: fused picture, same shape.
        noise_variance: s_n^2 on the 0..255 scale.

    Returns:
        0 (nothing kept) .. 1 (identical); above 1 when contrast was added. No unit, higher is better,
        but without bound under sharpening.

    Raises:
        InputError: shapes or types differ, or a side is shorter than 41 pixels.
    """
    check_same_size(reference, fused)
    if min(reference.shape) < MIN_SIDE:
        raise InputError(f"VIF needs sides of at least {MIN_SIDE} pixels, not {reference.shape} (HxW).")
    ref, dist = reference.astype(np.float64), fused.astype(np.float64)
    numerator = denominator = 0.0
    for scale in range(1, _SCALES + 1):
        size = 2 ** (_SCALES - scale + 1) + 1
        taps = gaussian_taps(size, size / 5)
        if scale > 1:
            ref, dist = filter_valid(ref, taps)[::2, ::2], filter_valid(dist, taps)[::2, ::2]
        kept, present = _information(ref, dist, taps, noise_variance)
        numerator += kept
        denominator += present
    # A constant reference holds no information: nothing was there to lose.
    return numerator / denominator if denominator > 0 else 1.0


def _information(ref: Array, dist: Array, taps: Array, noise: float) -> tuple[float, float]:
    mu_ref, mu_dist = filter_valid(ref, taps), filter_valid(dist, taps)
    var_ref = np.maximum(filter_valid(ref * ref, taps) - mu_ref * mu_ref, 0)
    var_dist = np.maximum(filter_valid(dist * dist, taps) - mu_dist * mu_dist, 0)
    cov = filter_valid(ref * dist, taps) - mu_ref * mu_dist

    gain = cov / (var_ref + _EPS)
    residual = var_dist - gain * cov
    flat_ref = var_ref < _EPS
    gain[flat_ref] = 0
    residual[flat_ref] = var_dist[flat_ref]
    var_ref[flat_ref] = 0
    flat_dist = var_dist < _EPS
    gain[flat_dist] = 0
    residual[flat_dist] = 0
    negative = gain < 0
    residual[negative] = var_dist[negative]
    gain[negative] = 0
    residual = np.maximum(residual, _EPS)

    kept = np.log10(1 + gain * gain * var_ref / (residual + noise)).sum()
    present = np.log10(1 + var_ref / noise).sum()
    return float(kept), float(present)

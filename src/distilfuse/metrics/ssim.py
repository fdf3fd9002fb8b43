"""SSIM: structural similarity of the fused picture and one source (Wang et al., 2004)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.filters import filter_valid, gaussian_taps
from distilfuse.metrics.grey import check_same_size

_TAPS = gaussian_taps(11, 1.5)


def ssim(reference: NDArray[np.uint8], fused: NDArray[np.uint8], *, data_range: float = 255.0) -> float:
    """Mean SSIM with the Gaussian 11 x 11 window, sigma 1.5, K1 = .01, K2 = .03.

    Args:
        reference: grey ``H x W`` uint8.
        fused: grey, same shape.
        data_range: difference of the largest and smallest possible value.

    Returns:
        -1 .. 1 (identical); no unit, higher is better.

    Raises:
        InputError: shapes or types differ, a side is shorter than 11 pixels, or the range is not positive.
    """
    check_same_size(reference, fused)
    if min(reference.shape) < len(_TAPS):
        raise InputError(f"SSIM needs sides of at least {len(_TAPS)} pixels, not {reference.shape} (HxW).")
    if not data_range > 0:
        raise InputError(f"data_range must be positive, not {data_range}.")
    a, b = reference.astype(np.float64), fused.astype(np.float64)
    mu_a, mu_b = filter_valid(a, _TAPS), filter_valid(b, _TAPS)
    var_a = filter_valid(a * a, _TAPS) - mu_a * mu_a
    var_b = filter_valid(b * b, _TAPS) - mu_b * mu_b
    cov = filter_valid(a * b, _TAPS) - mu_a * mu_b
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * mu_a * mu_b + c1) * (2 * cov + c2) / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))
    return float(similarity.mean())

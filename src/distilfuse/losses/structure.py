"""Structure: SSIM of the fused picture with each source (paper, L_ssim)."""

from __future__ import annotations

import torch
from torch import Tensor

from distilfuse.losses.windows import blur_valid, gaussian
from distilfuse.nets.luminance import grey

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean SSIM of ``B x C x H x W`` pictures in 0..1, Gaussian 11 x 11 window, sigma 1.5; a scalar.

    The twin of :func:`distilfuse.metrics.ssim` with data range 1. Sides need at least 11 pixels.
    """
    channels = first.shape[1]
    taps = gaussian(_WINDOW, _SIGMA, first)
    stacked = torch.cat([first, second, first * first, second * second, first * second], dim=1)
    mu_a, mu_b, aa, bb, ab = blur_valid(stacked, taps).split(channels, dim=1)
    var_a, var_b, cov = aa - mu_a * mu_a, bb - mu_b * mu_b, ab - mu_a * mu_b
    similarity = (2 * mu_a * mu_b + _C1) * (2 * cov + _C2) / ((mu_a**2 + mu_b**2 + _C1) * (var_a + var_b + _C2))
    mean: Tensor = similarity.mean()
    return mean


def structure_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """(1 - SSIM(V, F)) + (1 - SSIM(I, grey F)).

    Args:
        fused: ``B x C x H x W``, C = 1 or 3, 0..1, sides of at least 11.
        visible: same shape.
        infrared: ``B x 1 x H x W``.

    Returns:
        Scalar, 0 .. 4.
    """
    return (1 - ssim(visible, fused)) + (1 - ssim(infrared, grey(fused)))

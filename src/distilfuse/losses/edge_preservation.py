"""Edge preservation: 1 - Qabf, differentiable."""

from __future__ import annotations

import torch
from torch import Tensor

from distilfuse.losses.sobel import sobel
from distilfuse.metrics.qabf import CONSTANTS
from distilfuse.nets.luminance import grey

_EPS = 1e-6


def edge_preservation_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """1 - Qabf (Xydeas and Petrovic, 2000), the twin of :func:`distilfuse.metrics.qabf`.

    Two departures make it smooth: the strength ratio of two flat spots is 1 (the published code's quirk is
    not repeated), and the angle between edges is taken modulo pi, so that nearly vertical edges do not jump.

    Args:
        fused: ``B x C x H x W``, C = 1 or 3, 0..1.
        visible: same shape.
        infrared: ``B x 1 x H x W``.

    Returns:
        Scalar, about 0.025 (identical) .. 1.
    """
    c = CONSTANTS
    fx, fy = sobel(grey(fused))
    # Inside the root a floor of a tenth of a grey level: the root's slope is unbounded at zero.
    fused_strength = torch.sqrt(fx * fx + fy * fy + _EPS * 0.15)
    kept = total = fused.new_zeros(())
    for source in (grey(visible), infrared):
        sx, sy = sobel(source)
        squared = sx * sx + sy * sy
        strength = torch.sqrt(squared)
        floored = torch.sqrt(squared + _EPS * 0.15)
        ratio = torch.minimum(floored, fused_strength) / torch.maximum(floored, fused_strength)
        cross = (sx * fy - sy * fx).abs()
        dot = (sx * fx + sy * fy).abs()
        alignment = 1 - torch.atan2(cross, dot + _EPS) / (torch.pi / 2)
        quality = torch.sigmoid(-c.kappa_g * (ratio - c.delta_g)) * torch.sigmoid(-c.kappa_a * (alignment - c.delta_a))
        kept = kept + c.gamma_g * c.gamma_a * (quality * strength).sum()
        total = total + strength.sum()
    return 1 - kept / (total + _EPS)

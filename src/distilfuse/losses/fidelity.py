"""Fidelity: how much information of each source the fused picture lacks (1 - VIF), differentiable."""

from __future__ import annotations

import torch
from torch import Tensor

from distilfuse.losses.windows import blur_valid, gaussian
from distilfuse.nets.luminance import grey

_EPS = 1e-10


def fidelity_loss(
    fused: Tensor,
    visible: Tensor,
    infrared: Tensor,
    *,
    scales: int = 4,
    first_scale: int = 1,
    cap: float = 1.0,
) -> Tensor:
    """Information of each source that is missing, summed over both: sum of (1 - min(VIF, cap)).

    The twin of :func:`distilfuse.metrics.vif`, a place's gain capped: VIF grows without bound with contrast,
    so a place that keeps all of a source's information earns nothing more by being sharpened.

    Args:
        fused: ``B x C x H x W``, C = 1 or 3, 0..1; sides of at least 41 for four scales.
        visible: same shape.
        infrared: ``B x 1 x H x W``.
        scales: number of dyadic scales.
        first_scale: 1 uses all of them; 2 leaves out the finest (its 17-tap window is half of the cost).
        cap: largest share of its information that a place may contribute.

    Returns:
        Scalar, 0 .. 2 for ``cap`` 1.
    """
    sources = torch.cat([grey(visible), infrared], dim=1) * 255
    fused_255 = grey(fused) * 255
    kept = present = fused.new_zeros(2)
    for scale in range(1, scales + 1):
        size = 2 ** (scales - scale + 1) + 1
        taps = gaussian(size, size / 5, fused)
        if scale > 1:
            sources = blur_valid(sources, taps, stride=2)
            fused_255 = blur_valid(fused_255, taps, stride=2)
        if scale < first_scale:
            continue
        scale_kept, scale_present = _information(sources, fused_255, taps, cap)
        kept, present = kept + scale_kept, present + scale_present
    return (1 - kept / (present + _EPS)).sum()


def _information(ref: Tensor, dist: Tensor, taps: Tensor, cap: float) -> tuple[Tensor, Tensor]:
    moments = torch.cat([ref, ref * ref, dist, dist * dist, ref * dist], dim=1)
    mu_ref, rr, mu_dist, dd, rd = blur_valid(moments, taps).split([2, 2, 1, 1, 2], dim=1)
    var_ref = (rr - mu_ref * mu_ref).clamp(min=0)
    var_dist = (dd - mu_dist * mu_dist).clamp(min=0)
    cov = rd - mu_ref * mu_dist
    gain = (cov / (var_ref + 1e-3)).clamp(min=0)
    residual = (var_dist - gain * cov).clamp(min=0)
    # log1p in natural logarithm: the base cancels in the ratio.
    kept = torch.log1p(gain * gain * var_ref / (residual + 2.0))
    present = torch.log1p(var_ref / 2.0)
    kept = torch.minimum(kept, cap * present)
    return kept.sum((0, 2, 3)), present.sum((0, 2, 3))

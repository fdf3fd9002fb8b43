"""Colour: the fused picture keeps the visible chroma (paper, L_color)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from distilfuse.nets.luminance import grey


def chroma(image: Tensor) -> tuple[Tensor, Tensor]:
    """Cb and Cr of ``B x 3 x H x W`` RGB in 0..1, full-range BT.601, centred at 0: ``B x 1 x H x W`` each."""
    luminance = grey(image)
    return (image[:, 2:3] - luminance) / 1.772, (image[:, 0:1] - luminance) / 1.402


def colour_loss(fused: Tensor, visible: Tensor) -> Tensor:
    """L1 of Cb plus L1 of Cr between ``B x 3 x H x W`` pictures in 0..1; a scalar."""
    fused_cb, fused_cr = chroma(fused)
    visible_cb, visible_cr = chroma(visible)
    return functional.l1_loss(fused_cb, visible_cb) + functional.l1_loss(fused_cr, visible_cr)

"""Intensity terms: the brighter source (L_int) and consistency with both."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from distilfuse.nets.luminance import grey


def intensity_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """L1 to the picture that takes, pixel by pixel, whichever source is brighter in grey (paper, L_int).

    Args:
        fused: ``B x C x H x W``, C = 1 or 3, 0..1.
        visible: same shape.
        infrared: ``B x 1 x H x W``.

    Returns:
        Scalar, 0 (equal to the brighter source) .. 1.
    """
    brighter = torch.where(grey(visible) >= infrared, visible, infrared.expand_as(visible))
    return functional.l1_loss(fused, brighter)


def consistency_loss(fused: Tensor, visible: Tensor, infrared: Tensor, *, ir_compose: float = 1.0) -> Tensor:
    """Mean of L1(grey V, grey F) and ``ir_compose`` times L1(I, grey F).

    Shapes and ranges as in :func:`intensity_loss`; returns a scalar.
    """
    luminance = grey(fused)
    to_visible = functional.l1_loss(luminance, grey(visible))
    to_infrared = functional.l1_loss(luminance, infrared)
    return (to_visible + ir_compose * to_infrared) / 2

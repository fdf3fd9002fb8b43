"""Intensity terms: the brighter source (L_int), pixel by pixel and cell by cell, and consistency with both."""

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
    return functional.l1_loss(fused, _brighter(visible, infrared))


def tone_loss(fused: Tensor, visible: Tensor, infrared: Tensor, *, cell: int = 8) -> Tensor:
    """As :func:`intensity_loss`, of means over cells of ``cell x cell`` pixels.

    Detail averages out, so this says nothing of edges and texture; it forbids that parts of a surface (the sky around a
    tree) take their brightness from one source and parts from the other. Sides need at least ``cell`` pixels.
    """
    pooled = functional.avg_pool2d(fused - _brighter(visible, infrared), cell)
    return pooled.abs().mean()


def consistency_loss(fused: Tensor, visible: Tensor, infrared: Tensor, *, ir_compose: float = 1.0) -> Tensor:
    """Mean of L1(grey V, grey F) and ``ir_compose`` times L1(I, grey F).

    Shapes and ranges as in :func:`intensity_loss`; returns a scalar.
    """
    luminance = grey(fused)
    to_visible = functional.l1_loss(luminance, grey(visible))
    to_infrared = functional.l1_loss(luminance, infrared)
    return (to_visible + ir_compose * to_infrared) / 2


def _brighter(visible: Tensor, infrared: Tensor) -> Tensor:
    return torch.where(grey(visible) >= infrared, visible, infrared.expand_as(visible))

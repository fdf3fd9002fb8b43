"""Gradient terms: the fused picture takes the stronger edge of the two sources."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from distilfuse.losses.sobel import larger_signed, sobel
from distilfuse.nets.luminance import grey


def gradient_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """L1 between |Sobel| of grey F and the larger |Sobel| of the sources, x and y apart, summed (paper).

    Args:
        fused: ``B x C x H x W``, C = 1 or 3, 0..1.
        visible: same shape.
        infrared: ``B x 1 x H x W``.

    Returns:
        Scalar from 0 up.
    """
    terms = [
        functional.l1_loss(f.abs(), torch.maximum(v.abs(), i.abs()))
        for f, v, i in zip(sobel(grey(fused)), sobel(grey(visible)), sobel(infrared), strict=True)
    ]
    return terms[0] + terms[1]


def signed_gradient_loss(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """As :func:`gradient_loss`, with signs: an edge may not turn over from dark-bright to bright-dark.

    The target is the source derivative of larger magnitude, with its sign.
    """
    terms = [
        functional.l1_loss(f, larger_signed(v, i))
        for f, v, i in zip(sobel(grey(fused)), sobel(grey(visible)), sobel(infrared), strict=True)
    ]
    return terms[0] + terms[1]

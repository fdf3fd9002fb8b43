"""Steadiness: two takes of one scene, which differ by their grain alone, shall look the same when they are fused."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from distilfuse.nets.luminance import grey


def steadiness_loss(fused: Tensor, visible: Tensor, infrared: Tensor, *, cell: int = 16) -> Tensor:
    """By how much the brightness of regions changes more from take to take in the fused picture than in both sources.

    What :func:`distilfuse.metrics.flicker.flicker` measures over a video, of two frames and differentiable. A change
    that a source has itself costs nothing, so contrast is not punished.

    Args:
        fused: ``2K x C x H x W``, C = 1 or 3, 0..1: K scenes, and the same K in the same order once more. Sides need at
            least ``cell`` pixels.
        visible: what was fused, same shape.
        infrared: likewise, ``2K x 1 x H x W``.
        cell: pixels a side of a region.

    Returns:
        Scalar, 0 (no region changes more than the source that changes more) .. 1.
    """
    after, *before = (_change(takes, cell) for takes in (fused, visible, infrared))
    return functional.relu(after - before[0].maximum(before[1])).mean()


def _change(takes: Tensor, cell: int) -> Tensor:
    first, second = functional.avg_pool2d(grey(takes), cell).chunk(2)
    return (first - second).abs()

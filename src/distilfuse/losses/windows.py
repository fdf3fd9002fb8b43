"""Gaussian windows for the differentiable twins of SSIM and VIF."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian(size: int, sigma: float, like: Tensor) -> Tensor:
    """``size`` taps that sum to one, with the type and device of ``like``."""
    offset = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    taps = torch.exp(-(offset**2) / (2 * sigma**2))
    return taps / taps.sum()


def blur_valid(image: Tensor, taps: Tensor, *, stride: int = 1) -> Tensor:
    """Separable filter of ``B x C x H x W``; kept are positions where the window fits, every ``stride``-th.

    Written as products with banded matrices: on training crops that is a hundred times faster on CPUs than
    one-channel convolutions, forward and backward, and no slower on GPUs.
    """
    height, width = image.shape[-2:]
    return _banded(height, taps, stride) @ image @ _banded(width, taps, stride).T


def _banded(size: int, taps: Tensor, stride: int) -> Tensor:
    """``(size - len(taps)) // stride + 1`` by ``size``: a row a window position."""
    length = len(taps)
    rows = torch.arange(0, size - length + 1, stride, device=taps.device)
    matrix = taps.new_zeros(len(rows), size)
    columns = rows[:, None] + torch.arange(length, device=taps.device)
    return matrix.scatter(1, columns, taps.expand(len(rows), length))

"""The small layers everything is built from: 1x1 convolution, depth-wise 3x3, norm over channels, residual.

Feature maps are [B, C, H, W] in shape and channels-last in memory: on a CPU the
norm then reads each pixel once, and depth-wise convolutions and window cuts
move whole pixels (two to four times faster than channel planes, measured).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distilfuse.nets.config import NormPlacement
from distilfuse.nets.tracing import exporting

__all__ = ["ChannelNorm", "Residual", "conv3x3", "depthwise3x3", "pointwise", "pointwise_depthwise"]


_EPSILON = 1e-5
"""Added to variances."""


def pointwise(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 1x1 convolution without bias: [B, channels_in, H, W] -> [B, channels_out, H, W]."""
    return nn.Conv2d(channels_in, channels_out, 1, bias=False)


def conv3x3(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 3x3 convolution without bias that keeps height and width."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)


def depthwise3x3(channels: int) -> nn.Conv2d:
    """A 3x3 convolution of each channel by itself, without bias."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def pointwise_depthwise(x: Tensor, point: nn.Conv2d, depth: nn.Conv2d, parts: int) -> list[Tensor]:
    """``depth(point(x))`` in ``parts`` equal groups of channels.

    In an exported graph each group has convolutions of its own: a split of their output would be a copy of the widest
    features there are, out of the blocked order that convolutions keep between each other.
    """
    if not exporting():
        return list(depth(point(x)).chunk(parts, dim=1))
    width = point.out_channels // parts
    groups = [slice(first, first + width) for first in range(0, point.out_channels, width)]
    return [F.conv2d(F.conv2d(x, point.weight[g]), depth.weight[g], padding=1, groups=width) for g in groups]


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel, with scale and bias."""

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H, W] -> [B, channels, H, W]."""
        if exporting():
            return self._by_convolutions(x)
        pixels = x.permute(0, 2, 3, 1)  # [B, H, W, C], the order in memory
        return F.layer_norm(pixels, self.weight.shape, self.weight, self.bias, _EPSILON).permute(0, 3, 1, 2)

    def _by_convolutions(self, x: Tensor) -> Tensor:
        """The same, with means over channels as 1x1 convolutions.

        A layer norm wants a pixel's channels side by side, its neighbours are convolutions that keep an order of their
        own: engines copy to and fro (and OpenVINO is then half as fast). A mean over channels they compute slowly.
        """
        width = len(self.weight)
        mean = torch.full((1, width, 1, 1), 1 / width, dtype=x.dtype, device=x.device)
        centred = F.conv2d(x, torch.eye(width, dtype=x.dtype, device=x.device)[:, :, None, None] - mean)
        scale = torch.rsqrt(F.conv2d(centred.square(), mean) + _EPSILON)
        return centred * scale * self.weight[:, None, None] + self.bias[:, None, None]


class Residual(nn.Module):
    """A part and a way past it: x + f(LN(x)) ('pre') or x + LN(f(x)) ('post', eqs. 4 and 5)."""

    def __init__(self, *, body: nn.Module, channels: int, norm: NormPlacement) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels=channels)
        self.body = body
        self.placement = norm

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        if self.placement == "pre":
            change: Tensor = self.body(self.norm(x))
        else:
            change = self.norm(self.body(x))
        return x + change

"""Gated depth-wise feed-forward part (Restormer's, Zamir et al., CVPR 2022, section 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distilfuse.nets.layers import depthwise3x3, pointwise, pointwise_depthwise
from distilfuse.nets.tracing import exporting, may_loop

__all__ = ["FeedForward"]

_PIXELS_AT_ONCE = 2**15
"""Pixels that inference widens at a time, so that the wide features never exist for the whole picture."""


class FeedForward(nn.Module):
    """1x1 to twice the hidden width, 3x3 depth-wise, GELU of one half times the other, 1x1 back."""

    def __init__(self, *, channels: int, expansion: float) -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.widen = pointwise(channels, 2 * hidden)
        self.depthwise = depthwise3x3(2 * hidden)
        self.narrow = pointwise(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        if not may_loop():
            return self._whole(x)
        height, width = x.shape[-2:]
        step = max(8, _PIXELS_AT_ONCE // (x.shape[0] * width))
        strips = []
        for top in range(0, height, step):
            # One row more on either side for the 3x3 convolution; at the border it pads by itself.
            first, last = max(top - 1, 0), min(top + step + 1, height)
            strip = self._whole(x[:, :, first:last])
            strips.append(strip[:, :, top - first : top - first + step])
        return torch.cat(strips, dim=2)

    def _whole(self, x: Tensor) -> Tensor:
        gate, content = pointwise_depthwise(x, self.widen, self.depthwise, 2)
        activated = _gelu(gate) if exporting() else F.gelu(gate)
        narrowed: Tensor = self.narrow(activated * content)
        return narrowed


def _gelu(x: Tensor) -> Tensor:
    """GELU in the one order of factors that ONNX Runtime recognises and computes in one pass."""
    return x * (torch.erf(x / 2**0.5) + 1) * 0.5

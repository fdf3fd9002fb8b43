"""Four other ways to fuse two modalities, which the paper compares with its own (Table 5).

Each takes visible and infrared features [B, C, H, W] and gives fused ones of the
same shape. The paper only names them; what stands here is the published form that
goes by the name.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distilfuse.nets.layers import conv3x3, pointwise

__all__ = ["ConcatenationFusion", "DynamicWeightFusion", "MultiscaleFusion", "UnlearnedWeightFusion"]


class ConcatenationFusion(nn.Module):
    """'Cat & 1x1 conv'."""

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.join = pointwise(2 * channels, channels)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two [B, C, H, W] -> [B, C, H, W]."""
        fused: Tensor = self.join(torch.cat([visible, infrared], dim=1))
        return fused


class UnlearnedWeightFusion(nn.Module):
    """'Unlearn weight atten': pixel weights from activity alone, nothing to learn.

    Activity is the mean absolute value over channels, averaged over 3x3 pixels (the
    l1-norm strategy of DenseFuse, Li and Wu, IEEE TIP 2019); a modality's weight is its share of it.
    """

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two [B, C, H, W] -> [B, C, H, W]."""
        visible_activity, infrared_activity = _activity(visible), _activity(infrared)
        share = visible_activity / (visible_activity + infrared_activity).clamp_min(1e-6)
        return infrared + share * (visible - infrared)


class DynamicWeightFusion(nn.Module):
    """'Dynamic weight conv': a 1x1 convolution whose kernel is mixed anew for each picture.

    It is mixed from several learned kernels by a softmax of the picture's mean features (CondConv, Yang et
    al., NeurIPS 2019; dynamic convolution, Chen et al., CVPR 2020).
    """

    def __init__(self, *, channels: int, kernels: int = 4) -> None:
        super().__init__()
        self.route = pointwise(2 * channels, kernels)
        bank = [pointwise(2 * channels, channels).weight.detach().flatten(1) for _ in range(kernels)]
        self.kernels = nn.Parameter(torch.stack(bank))  # [kernels, C, 2C]

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two [B, C, H, W] -> [B, C, H, W]."""
        both = torch.cat([visible, infrared], dim=1)
        shares = torch.softmax(self.route(both.mean((2, 3), keepdim=True)).flatten(1), dim=1)  # [B, kernels]
        kernel = torch.einsum("bk,koi->bio", shares, self.kernels.to(shares.dtype))  # [B, 2C, C]
        tokens = both.permute(0, 2, 3, 1).flatten(1, 2)  # [B, H*W, 2C]
        fused: Tensor = torch.matmul(tokens, kernel).unflatten(1, both.shape[2:])
        return fused.permute(0, 3, 1, 2)


class MultiscaleFusion(nn.Module):
    """'Multiscale conv': the sum of a 1x1, a 3x3 and a dilated 3x3 (5x5 pixels wide) convolution of both."""

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.point = pointwise(2 * channels, channels)
        self.near = conv3x3(2 * channels, channels)
        self.far = nn.Conv2d(2 * channels, channels, 3, padding=2, dilation=2, bias=False)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two [B, C, H, W] -> [B, C, H, W]."""
        both = torch.cat([visible, infrared], dim=1)
        fused: Tensor = self.point(both) + self.near(both) + self.far(both)
        return fused


def _activity(features: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, 1, H, W], 0 or more."""
    magnitude = features.abs().mean(1, keepdim=True)
    return F.avg_pool2d(magnitude, 3, stride=1, padding=1, count_include_pad=False)

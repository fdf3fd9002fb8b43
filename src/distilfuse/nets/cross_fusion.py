"""Spatial-channel cross fusion (SCFM): two modalities become one, level by level (eqs. 6-8).

The paper's own module is here, the four it is compared with (Table 5) are in
:mod:`distilfuse.nets.fusion_variants`. Each takes visible and infrared features
[B, C, H, W] and gives fused ones of the same shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from distilfuse.nets.blocks import ChannelPart, SpatialPart
from distilfuse.nets.config import FusionConfig
from distilfuse.nets.feed_forward import FeedForward
from distilfuse.nets.fusion_variants import (
    ConcatenationFusion,
    DynamicWeightFusion,
    MultiscaleFusion,
    UnlearnedWeightFusion,
)
from distilfuse.nets.layers import Residual, conv3x3, pointwise

__all__ = ["CrossAttentionFusion", "WeightedFusion", "cross_fusion"]


class CrossAttentionFusion(nn.Module):
    """The lowest level: each modality's spatial attention meets the OTHER's channel attention (eqs. 6-8).

    As after every attention of the network, a feed-forward part follows the sum; the paper does not
    print it, its parameter counts leave room for it.
    """

    def __init__(self, *, config: FusionConfig, channels: int, level: int) -> None:
        super().__init__()
        self.visible_spatial = SpatialPart(config=config, channels=channels, level=level)
        self.visible_channel = ChannelPart(config=config, channels=channels, level=level)
        self.infrared_spatial = SpatialPart(config=config, channels=channels, level=level)
        self.infrared_channel = ChannelPart(config=config, channels=channels, level=level)
        self.visible_join = pointwise(2 * channels, channels)
        self.infrared_join = pointwise(2 * channels, channels)
        feed_forward = FeedForward(channels=channels, expansion=config.expansion)
        self.feed_forward = Residual(body=feed_forward, channels=channels, norm=config.norm)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two [B, C, H, W] -> [B, C, H, W]."""
        crossed_visible = torch.cat([self.visible_spatial(visible), self.infrared_channel(infrared)], dim=1)
        crossed_infrared = torch.cat([self.infrared_spatial(infrared), self.visible_channel(visible)], dim=1)
        summed = self.visible_join(crossed_visible) + self.infrared_join(crossed_infrared)
        fused: Tensor = self.feed_forward(summed)
        return fused


class WeightedFusion(nn.Module):
    """The upper levels: both streams side by side, weighted a channel and a pixel, then one convolution.

    The channel weights come from the picture's mean of every channel, the pixel
    weights (one a modality) from each pixel's surroundings.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.channel_weights = nn.Sequential(
            pointwise(2 * channels, channels), nn.GELU(), pointwise(channels, 2 * channels), nn.Sigmoid()
        )
        self.pixel_weights = nn.Sequential(conv3x3(2 * channels, 2), nn.Sigmoid())
        self.join = conv3x3(2 * channels, channels)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two [B, C, H, W] -> [B, C, H, W]."""
        both = torch.cat([visible, infrared], dim=1)
        by_channel = self.channel_weights(both.mean((2, 3), keepdim=True)).chunk(2, dim=1)  # [B, C, 1, 1] each
        by_pixel = self.pixel_weights(both).chunk(2, dim=1)  # [B, 1, H, W] each
        weighted = [visible * (by_channel[0] + by_pixel[0]), infrared * (by_channel[1] + by_pixel[1])]
        fused: Tensor = self.join(torch.cat(weighted, dim=1))
        return fused


def cross_fusion(*, config: FusionConfig, level: int) -> nn.Module:
    """The fusion of one level that the configuration names."""
    channels = config.widths[level]
    if config.cross_fusion == "concatenation":
        return ConcatenationFusion(channels=channels)
    if config.cross_fusion == "unlearned":
        return UnlearnedWeightFusion()
    if config.cross_fusion == "dynamic":
        return DynamicWeightFusion(channels=channels)
    if config.cross_fusion == "multiscale":
        return MultiscaleFusion(channels=channels)
    if level == config.levels - 1:
        return CrossAttentionFusion(config=config, channels=channels, level=level)
    return WeightedFusion(channels=channels)

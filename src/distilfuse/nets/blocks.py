"""The spatial-channel block: TSAB then SSAB, each followed by a feed-forward part."""

from __future__ import annotations

from torch import Tensor, nn

from distilfuse.nets.channel_attention import ChannelAttention
from distilfuse.nets.config import FusionConfig
from distilfuse.nets.feed_forward import FeedForward
from distilfuse.nets.layers import Residual
from distilfuse.nets.spatial_attention import SpatialAttention

__all__ = ["ChannelPart", "SpatialChannelBlock", "SpatialPart", "stage"]


class ChannelPart(nn.Module):
    """TSAB (eq. 5) and its feed-forward part, with the heads of ``level``."""

    def __init__(self, *, config: FusionConfig, channels: int, level: int) -> None:
        super().__init__()
        attention = ChannelAttention(channels=channels, heads=config.channel_heads[level])
        self.attention = Residual(body=attention, channels=channels, norm=config.norm)
        feed_forward = FeedForward(channels=channels, expansion=config.expansion)
        self.feed_forward = Residual(body=feed_forward, channels=channels, norm=config.norm)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H, W] -> [B, channels, H, W]."""
        attended: Tensor = self.feed_forward(self.attention(x))
        return attended


class SpatialPart(nn.Module):
    """SSAB (eq. 4) and its feed-forward part, with the heads of ``level``."""

    def __init__(self, *, config: FusionConfig, channels: int, level: int) -> None:
        super().__init__()
        attention = SpatialAttention(
            channels=channels,
            heads=config.spatial_heads[level],
            head_dim=config.head_dim,
            window=config.window,
            overlap_window=config.overlap_window,
            # A picture's windows, and with them the memory of their weights, are fewer by 4 a level.
            pieces=4 ** max(0, config.levels - 3 - level),
        )
        self.attention = Residual(body=attention, channels=channels, norm=config.norm)
        feed_forward = FeedForward(channels=channels, expansion=config.expansion)
        self.feed_forward = Residual(body=feed_forward, channels=channels, norm=config.norm)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H, W] -> [B, channels, H, W]."""
        attended: Tensor = self.feed_forward(self.attention(x))
        return attended


class SpatialChannelBlock(nn.Module):
    """Channel part, then spatial part (paper, section 3.2.1)."""

    def __init__(self, *, config: FusionConfig, channels: int, level: int) -> None:
        super().__init__()
        self.channel = ChannelPart(config=config, channels=channels, level=level)
        self.spatial = SpatialPart(config=config, channels=channels, level=level)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H, W] -> [B, channels, H, W]."""
        fused: Tensor = self.spatial(self.channel(x))
        return fused


def stage(*, config: FusionConfig, channels: int, level: int, blocks: int) -> nn.Sequential:
    """``blocks`` spatial-channel blocks in a row (eq. 3)."""
    return nn.Sequential(*(SpatialChannelBlock(config=config, channels=channels, level=level) for _ in range(blocks)))

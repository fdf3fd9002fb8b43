"""The encoder of one modality: patch embedding, then levels of blocks with downsampling between (eq. 3)."""

from __future__ import annotations

from torch import Tensor, nn

from distilfuse.nets.blocks import stage
from distilfuse.nets.config import FusionConfig
from distilfuse.nets.layers import conv3x3

__all__ = ["Encoder"]


class Encoder(nn.Module):
    """A picture in, the features of every level out."""

    def __init__(self, *, config: FusionConfig, channels_in: int) -> None:
        super().__init__()
        widths = config.widths
        # 3x3 features a side, whatever a feature stands for.
        cell = config.reduction
        self.embed = nn.Conv2d(channels_in, widths[0], 3 * cell, stride=cell, padding=cell, bias=False)
        self.stages = nn.ModuleList(
            stage(config=config, channels=width, level=level, blocks=config.blocks[level])
            for level, width in enumerate(widths)
        )
        # Half the width, then each 2x2 pixels side by side: twice the width at half the size.
        self.downs = nn.ModuleList(
            nn.Sequential(conv3x3(width, width // 2), nn.PixelUnshuffle(2)) for width in widths[:-1]
        )

    def forward(self, picture: Tensor) -> list[Tensor]:
        """[B, channels_in, H, W] -> levels of [B, 2**l * d, H / (r * 2**l), W / (r * 2**l)], l = 0, 1, ...

        r is the configuration's ``reduction``; height and width are multiples of its ``multiple``.
        """
        features = self.embed(picture)
        levels: list[Tensor] = []
        for level, blocks in enumerate(self.stages):
            features = blocks(features)
            levels.append(features)
            if level < len(self.downs):
                features = self.downs[level](features)
        return levels

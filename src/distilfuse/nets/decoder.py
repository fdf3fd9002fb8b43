"""The decoder: from the lowest level up, each level joined with the fused features of its own (eq. 10)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from distilfuse.nets.blocks import stage
from distilfuse.nets.config import FusionConfig
from distilfuse.nets.layers import conv3x3, pointwise

__all__ = ["Decoder"]


class Decoder(nn.Module):
    """Fused features of every level in, decoded features of every level out.

    At the first level upsampled and fused features are kept side by side, so it is 2d wide.
    """

    def __init__(self, *, config: FusionConfig) -> None:
        super().__init__()
        widths = config.widths
        uppers = range(config.levels - 1)
        out_widths = [2 * widths[0], *widths[1:]]
        self.stages = nn.ModuleList(
            stage(config=config, channels=width, level=level, blocks=config.blocks[level])
            for level, width in enumerate(out_widths)
        )
        # Twice the width, then every pixel becomes 2x2 of a quarter of it.
        self.ups = nn.ModuleList(
            nn.Sequential(conv3x3(widths[level + 1], 2 * widths[level + 1]), nn.PixelShuffle(2)) for level in uppers
        )
        self.reductions = nn.ModuleList(
            nn.Identity() if level == 0 else pointwise(2 * widths[level], widths[level]) for level in uppers
        )

    def forward(self, fused: list[Tensor]) -> list[Tensor]:
        """Levels of [B, 2**l * d, H / 2**l, W / 2**l] -> the same, but 2d wide at l = 0."""
        lowest = len(fused) - 1
        features = self.stages[lowest](fused[lowest])
        decoded = [features]
        for level in range(lowest - 1, -1, -1):
            joined = torch.cat([self.ups[level](features), fused[level]], dim=1)
            features = self.stages[level](self.reductions[level](joined))
            decoded.append(features)
        return decoded[::-1]

"""FusionNet: the paper's network, teacher and student alike (section 3.2); wiring only."""

from __future__ import annotations

from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distilfuse.errors import InputError
from distilfuse.nets.blocks import stage
from distilfuse.nets.config import FusionConfig
from distilfuse.nets.cross_fusion import cross_fusion
from distilfuse.nets.decoder import Decoder
from distilfuse.nets.encoder import Encoder
from distilfuse.nets.layers import conv3x3
from distilfuse.nets.luminance import grey
from distilfuse.nets.text_modulation import TextModulation

__all__ = ["FusionNet"]


class FusionNet(nn.Module):
    """Visible and infrared in, fused out; a text embedding may guide it if the configuration has text."""

    visible_input = "rgb"

    def __init__(self, *, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.multiple = config.multiple
        self.export_multiple = config.multiple * config.window
        self.feature_strides = tuple(config.reduction * 2**level for level in range(config.levels))
        self.feature_channels = (2 * config.channels, *config.widths[1:])
        self.visible_encoder = Encoder(config=config, channels_in=3)
        self.infrared_encoder = Encoder(config=config, channels_in=1)
        self.fusions = nn.ModuleList(cross_fusion(config=config, level=level) for level in range(config.levels))
        self.modulations = nn.ModuleList(
            TextModulation(channels=width, text_channels=config.text_channels, hidden=config.text_hidden)
            for width in config.widths
            if config.text_channels is not None
        )
        self.decoder = Decoder(config=config)
        full_width = 2 * config.channels
        self.refinement = stage(config=config, channels=full_width, level=0, blocks=config.refinement)
        # Of a reduced network a residual (RGB) and a weight of infrared for each pixel of a feature.
        self.output = conv3x3(full_width, 3 if config.reduction == 1 else 4 * config.reduction**2)
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    @overload
    def forward(
        self,
        visible: Tensor,
        infrared: Tensor,
        text: Tensor | None = ...,
        return_features: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def forward(
        self, visible: Tensor, infrared: Tensor, text: Tensor | None = ..., *, return_features: Literal[True]
    ) -> tuple[Tensor, list[Tensor]]: ...

    def forward(
        self, visible: Tensor, infrared: Tensor, text: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Fuse a batch of pairs of any height and width from 1.

        Args:
            visible: [B, 3, H, W] RGB or [B, 1, H, W] grey, 0..1.
            infrared: [B, 1, H, W], 0..1.
            text: [B, text_channels] embeddings (rows of zeros for pairs without), or None to fuse without.
            return_features: also give the decoder's features, for distillation.

        Returns:
            The fused pictures [B, 3, H, W] (RGB, not clamped), alone or with the features of every decoder
            level, the first [B, 2d, H', W'], then [B, 2**l * d, H' / 2**l, W' / 2**l], where H' and W' are
            H and W rounded up to ``multiple`` and divided by the reduction (see ``feature_strides`` and
            ``feature_channels``).

        Raises:
            InputError: for shapes that do not belong together, or a text that the network cannot read.
        """
        _check(self.config, visible, infrared, text)
        height, width = visible.shape[-2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        if bottom or right:
            # Repeating the border works from one pixel up and adds no edge that was not there.
            visible = F.pad(visible, (0, right, 0, bottom), mode="replicate")
            infrared = F.pad(infrared, (0, right, 0, bottom), mode="replicate")
        fused, features = self.fuse_padded(visible, infrared, text)
        fused = fused[..., :height, :width]
        return (fused, features) if return_features else fused

    def fuse_padded(self, visible: Tensor, infrared: Tensor, text: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """As :meth:`forward` with features, unchecked, for sides that are multiples of ``multiple``.

        This is what is exported. With symbolic height and width, make them multiples of ``export_multiple``:
        the sizes of all levels then are whole numbers of windows and need no rounding in the graph.
        """
        visible = visible.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        infrared = infrared.contiguous(memory_format=torch.channels_last)
        # Of a network in half precision: pictures and result stay in float32.
        streams = visible.to(self.output.weight.dtype), infrared.to(self.output.weight.dtype)
        pairs = zip(self.visible_encoder(streams[0]), self.infrared_encoder(streams[1]), strict=True)
        fused = [fusion(*pair) for fusion, pair in zip(self.fusions, pairs, strict=True)]
        if text is not None:
            text = text.to(self.output.weight.dtype)
            fused = [modulate(level, text) for modulate, level in zip(self.modulations, fused, strict=True)]
        decoded = self.decoder(fused)
        change: Tensor = self.output(self.refinement(decoded[0]))
        if self.config.reduction > 1:
            residual, weight = F.pixel_shuffle(change, self.config.reduction).split([3, 1], dim=1)
            change = residual + weight * (infrared - grey(visible))
        return visible + change, decoded


def _check(config: FusionConfig, visible: Tensor, infrared: Tensor, text: Tensor | None) -> None:
    if visible.ndim != 4 or visible.shape[1] not in (1, 3) or 0 in visible.shape:
        raise InputError(f"visible has shape {list(visible.shape)}; it must be [B, 3, H, W] or [B, 1, H, W].")
    wanted = [visible.shape[0], 1, *visible.shape[2:]]
    if list(infrared.shape) != wanted:
        raise InputError(f"infrared has shape {list(infrared.shape)}; beside this visible it must be {wanted}.")
    if text is None:
        return
    if config.text_channels is None:
        raise InputError(f"A {config.kind} has no text modulation; leave text out or take a teacher.")
    wanted = [visible.shape[0], config.text_channels]
    if list(text.shape) != wanted:
        raise InputError(f"text has shape {list(text.shape)}; beside these pictures it must be {wanted}.")

"""NanoNet: luminance fusion in real time on two CPU cores.

A two-scale convolutional network on pixel-unshuffled luminance and infrared. Detail is handled at 1 / ``stride`` of
the resolution, context (what is noise, what is saturated) at half of that. A global branch measures the
pair (brightness, clipping, noise floor) and modulates the deep features, ``(1 + gamma) F + beta``: the place
that the text takes in the teacher (paper eq. 9) is taken by what the pair itself shows.

The output is ``w Y + (1 - w) I + r`` with a weight and a residual a pixel; untrained it is the mean. The sources
themselves bring the detail back, at full resolution, whatever the resolution of the features.

With ``text_channels`` the deep features are modulated by a text embedding as well: a convolutional teacher, which can
be trained where the attention network cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args, overload

import torch
from torch import Tensor, nn
from torch.nn import functional

from distilfuse.errors import ConfigError, InputError
from distilfuse.nets.config import NetworkConfig
from distilfuse.nets.luminance import grey
from distilfuse.nets.text_modulation import TextModulation

Convolution = Literal["full", "separable"]
Upsampling = Literal["shuffle", "smooth"]
Stem = Literal["overlapping", "half", "patches"]


@dataclass(frozen=True, kw_only=True)
class NanoConfig(NetworkConfig):
    """Sizes of :class:`NanoNet`."""

    kind: ClassVar[str] = "nano"

    stride: int = 2
    """Pixels a side that one detail feature stands for; the deep features stand for twice as many."""
    width: int = 32
    """Channels of the detail features; multiples of 16 run in blocked layout."""
    deep_width: int = 48
    """Channels of the deep features."""
    deep_layers: int = 2
    """3x3 convolutions on the deep features, in residual pairs (an even number)."""
    detail_layers: int = 2
    """3x3 convolutions on the detail features after the deep ones come back."""
    stem: Stem = "overlapping"
    """What a detail feature begins from: its ``stride x stride`` pixels and as many on each side, half as many
    (``half``), or its own alone (``patches``): a ninth of the arithmetic, left to the layers behind."""
    head_size: int = 3
    """Side of the last convolution's kernel, 3 or 1."""
    convolution: Convolution = "full"
    """What a 3x3 convolution is: in full, or separable, a depth-wise one and a 1x1."""
    upsampling: Upsampling = "shuffle"
    """How weight and residual come back to full resolution: one of its own for each pixel (``shuffle``), or one a
    feature, interpolated (``smooth``)."""
    gauge_width: int = 16
    """Channels of the global branch that measures the pair."""
    text_channels: int | None = None
    """Length of the text embedding, or None for a network without text."""
    text_hidden: int = 64
    """Hidden width of the text modulation's two-layer networks."""

    def __post_init__(self) -> None:
        if self.deep_layers < 2 or self.deep_layers % 2:
            raise ConfigError(f"NanoConfig.deep_layers must be an even number from 2 up, not {self.deep_layers}.")
        if self.stride not in (2, 4):
            raise ConfigError(f"NanoConfig.stride must be 2 or 4, not {self.stride}.")
        if self.head_size not in (1, 3):
            raise ConfigError(f"NanoConfig.head_size must be 1 or 3, not {self.head_size}.")
        for name, choices in (
            ("convolution", get_args(Convolution)),
            ("upsampling", get_args(Upsampling)),
            ("stem", get_args(Stem)),
        ):
            if getattr(self, name) not in choices:
                raise ConfigError(f"NanoConfig.{name} must be {' or '.join(choices)}, not {getattr(self, name)!r}.")
        for name in ("width", "deep_width", "gauge_width", "text_channels", "text_hidden"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ConfigError(f"NanoConfig.{name} must be positive, not {getattr(self, name)}.")
        if self.detail_layers < 0:
            raise ConfigError(f"NanoConfig.detail_layers must not be negative, not {self.detail_layers}.")


class RepConv(nn.Module):
    """3x3 convolution, trained as 3x3 + 1x1 and merged into one for use (after RepVGG, Ding et al. 2021)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.main = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.point: nn.Conv2d | None = nn.Conv2d(channels_in, channels_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``B x in x H x W`` to ``B x out x H x W``."""
        return functional.conv2d(x, self.kernel(), self.main.bias, padding=1)

    def kernel(self) -> Tensor:
        """The merged kernel ``[out, in, 3, 3]``: cheaper to merge weights than to run two convolutions."""
        if self.point is None:
            return self.main.weight
        return self.main.weight + functional.pad(self.point.weight, (1, 1, 1, 1))

    @torch.no_grad()
    def merge(self) -> None:
        """Fold the 1x1 branch into the 3x3 one, in place."""
        if self.point is not None:
            self.main.weight.copy_(self.kernel())
            self.point = None


class SeparableConv(nn.Module):
    """3x3 convolution a channel, then a 1x1 between channels: an eighth of the arithmetic, more memory traffic."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``B x in x H x W`` to ``B x out x H x W``."""
        mixed: Tensor = self.pointwise(self.depthwise(x))
        return mixed


class Gauge(nn.Module):
    """Measures the whole pair and returns modulation parameters.

    Local energies of learned filters, averaged over 2x2 of them and thresholded, say which share of the pair is
    flat, clipped or noisy; their global means are mapped to one (gamma, beta) for each modulated feature.
    """

    def __init__(self, *, channels: int, width: int, modulated: tuple[int, ...]) -> None:
        super().__init__()
        self.modulated = modulated
        # Stride 2: a statistic needs no dense grid, and this is the only part that a pair pays for twice.
        self.energy = nn.Conv2d(channels, width, 3, stride=2, padding=1)
        self.threshold = nn.Conv2d(width, width, 1)
        self.hidden = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, 2 * sum(modulated))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def cells(self, x: Tensor) -> Tensor:
        """What is measured, before the mean over the picture.

        From ``B x channels x h x w`` to ``B x 2 width x h/4 x w/4``.
        """
        energy = functional.relu(self.energy(x))  # B width h/2 w/2
        cells = functional.avg_pool2d(energy, 2)
        return torch.cat([cells, functional.relu(self.threshold(cells))], dim=1)

    def forward(self, x: Tensor, reading: Tensor | None = None) -> list[tuple[Tensor, Tensor]]:
        """(gamma, beta), ``B x C x 1 x 1`` each, for every modulated feature.

        Args:
            x: ``B x channels x h x w``.
            reading: ``B x 2 width``, the mean of :meth:`cells` over a larger picture that ``x`` is a part of; it counts
                instead of the own mean, but for rows of zeros. (All is zero nowhere else: a mean of zeros is zeros.)
        """
        pooled = self.cells(x).mean((2, 3))  # B 2 width
        if reading is not None:
            pooled = torch.where(reading.sum(1, keepdim=True) > 0, reading.to(pooled.dtype), pooled)
        gammas, betas = self.out(functional.relu(self.hidden(pooled)))[:, :, None, None].chunk(2, dim=1)
        return list(zip(gammas.split(self.modulated, 1), betas.split(self.modulated, 1), strict=True))


class NanoNet(nn.Module):
    """Two-scale luminance fusion network; see the module's text."""

    visible_input = "luminance"

    def __init__(self, *, config: NanoConfig) -> None:
        super().__init__()
        self.config = config
        width, deep, stride = config.width, config.deep_width, config.stride
        # Sides of what the core takes are multiples of this (the gauge halves the deep size); forward pads.
        self.multiple = self.export_multiple = 4 * stride
        self.reading_channels = 2 * config.gauge_width
        # How far a pixel's surroundings reach into it, by the layers below, in whole multiples.
        sides = int(config.stem != "patches") + config.detail_layers + config.head_size // 2
        reach = stride * sides + 2 * stride * (1 + config.deep_layers)
        self.halo = self.multiple * -(-reach // self.multiple)
        self.feature_strides = (stride, 2 * stride)
        self.feature_channels = (width, deep)
        conv3x3 = RepConv if config.convolution == "full" else SeparableConv
        # 3 * stride or stride a side: a 3x3 or 1x1 convolution on pixel-unshuffled pictures, without the shuffle.
        margin = {"overlapping": stride, "half": stride // 2, "patches": 0}[config.stem]
        self.stem = nn.Conv2d(2, width, stride + 2 * margin, stride=stride, padding=margin)
        if config.stem == "patches":
            with torch.no_grad():  # sees 0..1 as if centred; without padding that is a matter of the bias
                dict(self.stem.named_parameters())["bias"].sub_(0.5 * self.stem.weight.sum((1, 2, 3)))
        self.gauge = Gauge(channels=width, width=config.gauge_width, modulated=(deep, deep))
        self.down = nn.Conv2d(width, deep, 2, stride=2)
        self.deep = nn.ModuleList(conv3x3(deep, deep) for _ in range(config.deep_layers))
        self.up = nn.Conv2d(deep, width, 1)
        self.detail = nn.ModuleList(conv3x3(width, width) for _ in range(config.detail_layers))
        cells = stride**2 if config.upsampling == "shuffle" else 1
        self.head = nn.Conv2d(width, 2 * cells, config.head_size, padding=config.head_size // 2)
        self.modulations = nn.ModuleList(
            TextModulation(channels=deep, text_channels=config.text_channels, hidden=config.text_hidden)
            for _ in range(2)
            if config.text_channels is not None
        )
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    @overload
    def forward(
        self, visible: Tensor, infrared: Tensor, text: Tensor | None = ..., return_features: Literal[False] = ...
    ) -> Tensor: ...

    @overload
    def forward(
        self, visible: Tensor, infrared: Tensor, text: Tensor | None = ..., *, return_features: Literal[True]
    ) -> tuple[Tensor, list[Tensor]]: ...

    def forward(
        self, visible: Tensor, infrared: Tensor, text: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Fuse pictures of any size from 1 x 1 up.

        Args:
            visible: ``B x 3 x H x W`` RGB or ``B x 1 x H x W`` luminance, 0..1.
            infrared: ``B x 1 x H x W``, 0..1.
            text: ``B x text_channels`` embeddings, or None to fuse without.
            return_features: also give the features behind the detail and the deep layers, for distillation.

        Returns:
            As ``visible``, not clamped; for RGB the luminance changes and Cb, Cr stay. Alone or with features of
            ``feature_channels`` channels at 1 / ``feature_strides`` of the padded size.

        Raises:
            InputError: text for a network that reads none.
        """
        if text is not None and not self.modulations:
            raise InputError("This nano network has no text modulation; leave text out or set text_channels.")
        height, width = visible.shape[-2:]
        margins = (0, -width % self.multiple, 0, -height % self.multiple)
        luminance = grey(visible)
        padded = [functional.pad(image, margins, mode="replicate") for image in (luminance, infrared)]
        fused, features = self.fuse_padded(padded[0], padded[1], text)
        fused = fused[..., :height, :width]
        if visible.shape[1] == 3:
            fused = visible + (fused - luminance)
        return (fused, features) if return_features else fused

    def measure_padded(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """What the gauge sees in luminances whose sides are multiples of ``multiple``: ``B x K x H/4s x W/4s``.

        The mean over all of a picture's cells is the ``reading`` that its parts are fused with.
        """
        return self.gauge.cells(self._begin(visible, infrared))

    def fuse_padded(
        self, visible: Tensor, infrared: Tensor, text: Tensor | None = None, reading: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Fuse luminances whose sides are multiples of ``multiple``; this is what is exported.

        Args:
            visible: ``B x 1 x H x W``, 0..1.
            infrared: ``B x 1 x H x W``, 0..1.
            text: ``B x text_channels``, or None.
            reading: ``B x reading_channels``, what :meth:`measure_padded` gave in the mean over the picture that these
                are parts of; zeros or None where they are whole.

        Returns:
            ``B x 1 x H x W``, not clamped, and the features of both scales.
        """
        skip = self._begin(visible, infrared)  # B w H/s W/s
        (gamma_in, beta_in), (gamma_out, beta_out) = self.gauge(skip, reading)
        deep = self.down(skip) * (1 + gamma_in) + beta_in  # B d H/2s W/2s
        if text is not None:
            deep = self.modulations[0](deep, text)
        deep = functional.relu(deep)
        for k in range(0, len(self.deep), 2):
            deep = functional.relu(deep + self.deep[k + 1](functional.relu(self.deep[k](deep))))
        context = deep * (1 + gamma_out) + beta_out
        if text is not None:
            context = self.modulations[1](context, text)
        features = skip + functional.interpolate(self.up(context), scale_factor=2, mode="nearest")
        features = functional.relu(features)
        for layer in self.detail:
            features = functional.relu(layer(features))
        # Back to full precision under autocast: bfloat16 holds no more than 8 bits of a grey level.
        blend, residual = self.head(features).float().chunk(2, dim=1)  # B s*s H/s W/s each, or B 1 H/s W/s
        weight = torch.sigmoid(2 * self._enlarge(blend))  # B 1 H W
        fused: Tensor = infrared + weight * (visible - infrared) + self._enlarge(residual)
        return fused, [features, context]

    def _begin(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """The first features, ``B x width x H/s x W/s``."""
        x = torch.cat([visible, infrared], dim=1)
        if self.config.stem != "patches":
            x = x - 0.5  # what the padding stands for is mid-grey
        # Of a network in half precision: pictures and result stay in float32.
        return functional.relu(self.stem(x.to(self.stem.weight.dtype)))

    def _enlarge(self, plane: Tensor) -> Tensor:
        """To ``B x 1 x H x W``."""
        if self.config.upsampling == "shuffle":
            return functional.pixel_shuffle(plane, self.config.stride)
        return functional.interpolate(plane, scale_factor=self.config.stride, mode="bilinear")

    def merge(self) -> NanoNet:
        """Fold training branches into plain convolutions, in place; returns itself."""
        for module in self.modules():
            if isinstance(module, RepConv):
                module.merge()
        return self

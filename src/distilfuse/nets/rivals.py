"""Networks to be faster than: their published sizes with random weights, and the paper's student done naively.

They are here to be timed, never to fuse. IFCNN: Zhang et al., Information Fusion 54 (2020). SeAFusion: Tang et al.,
Information Fusion 82 (2022).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from distilfuse.nets.config import StudentConfig
from distilfuse.nets.feed_forward import FeedForward
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.layers import Residual
from distilfuse.nets.spatial_attention import SpatialAttention


class Ifcnn(nn.Module):
    """Two 64-channel layers a picture, the larger feature of both, two layers more (0.08 M parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 64, 7, padding=3, bias=False)
        self.second = nn.Conv2d(64, 64, 3, padding=1)
        self.third = nn.Conv2d(64, 64, 3, padding=1)
        self.last = nn.Conv2d(64, 3, 1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """``B x 3 x H x W`` and ``B x 1 x H x W`` to ``B x 3 x H x W``."""
        pair = (visible, infrared.expand(-1, 3, -1, -1))
        features = [F.relu(self.second(F.relu(self.first(picture)))) for picture in pair]
        fused: Tensor = self.last(F.relu(self.third(torch.maximum(*features))))
        return fused


class _DenseBlock(nn.Module):
    """SeAFusion's gradient residual dense block."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.dense_1 = nn.Conv2d(channels_in, channels_in, 3, padding=1)
        self.dense_2 = nn.Conv2d(2 * channels_in, channels_in, 3, padding=1)
        self.narrow = nn.Conv2d(3 * channels_in, channels_out, 1)
        self.sobel_x = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in)
        self.sobel_y = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in)
        self.widen = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = torch.cat([x, F.leaky_relu(self.dense_1(x), 0.1)], 1)
        dense = torch.cat([first, F.leaky_relu(self.dense_2(first), 0.1)], 1)
        gradient = self.sobel_x(x).abs() + self.sobel_y(x).abs()
        return F.leaky_relu(self.narrow(dense) + self.widen(gradient), 0.1)


class SeaFusion(nn.Module):
    """Two dense blocks a luminance, a decoder of four layers (0.17 M parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.LeakyReLU(0.2), _DenseBlock(16, 32), _DenseBlock(32, 48))
            for _ in range(2)
        )
        self.decoder = nn.Sequential(
            *(nn.Conv2d(96, 64, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(64, 32, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(32, 16, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(16, 1, 1), nn.Tanh()),
        )

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """``B x 1 x H x W`` each, and so the result."""
        features = [encoder(picture) for encoder, picture in zip(self.encoders, (visible, infrared), strict=True)]
        fused: Tensor = self.decoder(torch.cat(features, 1)) / 2 + 0.5
        return fused


class UnfoldedAttention(nn.Module):
    """Windowed attention with every key window unfolded and all weights in memory at once."""

    def __init__(self, part: SpatialAttention) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        """As :class:`~distilfuse.nets.spatial_attention.SpatialAttention`."""
        part = self.part
        batch, _, height, width = x.shape
        side, reach, dim, before = part.window, part.window + part.overlap, part.head_dim, part.overlap // 2
        rows, columns = -(-height // side), -(-width // side)
        right, bottom = columns * side - width, rows * side - height
        queries = F.pad(part.queries(x), (0, right, 0, bottom), mode="replicate")
        borders = (before, right + before, before, bottom + before)
        both = F.pad(part.keys_values(x), borders, mode="replicate")
        queries = F.unfold(queries, side, stride=side).view(batch, part.heads, dim, side**2, -1)
        keys, values = F.unfold(both, reach, stride=side).view(batch, 2, part.heads, dim, reach**2, -1).unbind(1)
        queries, keys, values = (
            t.permute(0, 4, 1, 3, 2) for t in (queries, keys, values)
        )  # B windows heads pixels dim
        weights = (queries @ keys.transpose(-1, -2) * dim**-0.5 + part.position_bias()).softmax(-1)
        attended = (weights @ values).permute(0, 2, 4, 3, 1).reshape(batch, -1, rows * columns)
        whole = F.fold(attended, (rows * side, columns * side), side, stride=side)
        projected: Tensor = part.project(whole[:, :, :height, :width])
        return projected


class _WholeFeedForward(nn.Module):
    """A feed-forward part on the whole picture at once."""

    def __init__(self, part: FeedForward) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        gate, content = self.part.depthwise(self.part.widen(x)).chunk(2, dim=1)
        narrowed: Tensor = self.part.narrow(F.gelu(gate) * content)
        return narrowed


def naive_student() -> FusionNet:
    """The paper's student, d = 16, as plain code has it; see :func:`make_naive`."""
    return make_naive(FusionNet(config=StudentConfig()))


def make_naive(network: FusionNet) -> FusionNet:
    """Let a network compute the same as plain code does, in place; returns it.

    Every key window is unfolded, pictures go whole, channel planes lie one after the other in memory.
    """
    for module in list(network.modules()):
        if isinstance(module, Residual) and isinstance(module.body, SpatialAttention):
            module.body = UnfoldedAttention(module.body)
        elif isinstance(module, Residual) and isinstance(module.body, FeedForward):
            module.body = _WholeFeedForward(module.body)
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    for encoder in (network.visible_encoder, network.infrared_encoder):
        encoder.embed.register_forward_hook(lambda module, given, features: features.contiguous())
    return network


RIVALS: dict[str, Callable[[], nn.Module]] = {"naive-student": naive_student, "ifcnn": Ifcnn, "seafusion": SeaFusion}
"""Name to what makes the network."""


def open_rival(name: str, threads: int) -> Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]:
    """A function that fuses ``H x W x 3`` and ``H x W`` uint8 pictures, as such code is run: eager, in float32.

    Args:
        name: one of :data:`RIVALS`.
        threads: of PyTorch, for the whole process.
    """
    torch.manual_seed(0)
    network = RIVALS[name]().eval()
    grey = isinstance(network, SeaFusion)

    @torch.inference_mode()
    def fuse(visible: NDArray[np.uint8], infrared: NDArray[np.uint8]) -> NDArray[np.uint8]:
        torch.set_num_threads(threads)
        colour = torch.tensor(visible).permute(2, 0, 1)[None].float() / 255
        heat = torch.tensor(infrared)[None, None].float() / 255
        if not grey:
            fused = network(colour, heat)
        else:
            luminance = (colour * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
            fused = colour + network(luminance, heat) - luminance
        pixels: NDArray[np.uint8] = (fused[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return pixels

    return fuse

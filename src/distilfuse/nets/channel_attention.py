"""TSAB: attention between channels, over all pixels (transposed self-attention).

From the paper (eq. 5) and Restormer (Zamir et al., CVPR 2022, section 3.1).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from distilfuse.nets.layers import depthwise3x3, pointwise, pointwise_depthwise
from distilfuse.nets.tracing import exporting

__all__ = ["ChannelAttention"]


class ChannelAttention(nn.Module):
    """Every channel is a mixture of the channels of its head, by their correlation over the picture.

    Two exact rearrangements keep it cheap: q and k are not normalised pixel by pixel, their
    correlations are (divided by both norms afterwards); and the [C, C] attention is multiplied into
    the output projection, so that the values are read once.
    """

    heads_mask: Tensor

    def __init__(self, *, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = pointwise(channels, 3 * channels)
        self.qkv_depthwise = depthwise3x3(3 * channels)
        self.temperature = nn.Parameter(torch.ones(heads))
        self.project = pointwise(channels, channels)
        head = torch.arange(channels) // (channels // heads)
        mask = torch.zeros(channels, channels).masked_fill(head[:, None] != head[None, :], float("-inf"))
        self.register_buffer("heads_mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        query, key, value = pointwise_depthwise(x, self.qkv, self.qkv_depthwise, 3)
        height, width = value.shape[2:]
        attention = self._attention(query, key)  # [B, C, C]
        mixing = torch.matmul(self.project.weight.flatten(1), attention.to(value.dtype))  # [B, C, C]
        tokens = value.permute(0, 2, 3, 1).flatten(1, 2)  # [B, H*W, C]
        mixed = torch.matmul(tokens, mixing.transpose(1, 2))  # [B, H*W, C]
        pixels: Tensor = mixed.unflatten(1, (height, width))
        return pixels.permute(0, 3, 1, 2)

    def _attention(self, query: Tensor, key: Tensor) -> Tensor:
        """Two [B, C, H, W] -> weights [B, C, C], zero between channels of different heads."""
        # Sums over all pixels leave the range of float16, so this part stays in full precision.
        with _full_precision(query):
            query, key = _at_least_float32(query), _at_least_float32(key)
            correlation = _correlation_by_rows(query, key) if exporting() else _correlation(query, key)
            norms = _squared_norm(query)[:, :, None] * _squared_norm(key)[:, None, :]
            cosine = correlation * torch.rsqrt(norms.clamp_min(1e-12))
            temperature = self.temperature.repeat_interleave(query.shape[1] // self.heads)
            return torch.softmax(cosine * temperature[:, None] + self.heads_mask, dim=-1)


def _correlation(query: Tensor, key: Tensor) -> Tensor:
    """Two [B, C, H, W] -> [B, C, C], sums over all pixels."""
    return torch.matmul(query.flatten(2), key.flatten(2).transpose(1, 2))


def _correlation_by_rows(query: Tensor, key: Tensor) -> Tensor:
    """As :func:`_correlation`; this is what is exported.

    One product over all pixels is the work of one core, so there is one for every row; and its factors are pixels of
    channels, as convolutions leave them in OpenVINO.
    """
    batch, channels, height, width = query.shape
    rows = [x.permute(0, 2, 3, 1).reshape(batch * height, width, channels) for x in (query, key)]
    return torch.matmul(rows[0].transpose(1, 2), rows[1]).reshape(batch, height, channels, channels).sum(1)


def _squared_norm(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C]."""
    if exporting():
        norm: Tensor = torch.linalg.vector_norm(x, dim=(2, 3))  # one node that keeps no squares
        return norm.square()
    return x.square().sum((2, 3))


def _at_least_float32(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _full_precision(x: Tensor) -> AbstractContextManager[object]:
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()

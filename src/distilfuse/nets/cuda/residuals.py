"""Residual parts that run through the kernels: one module for each kind of body, made from the trained one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from distilfuse.nets.channel_attention import ChannelAttention
from distilfuse.nets.cuda.launching import (
    channel_mixing,
    depthwise_project,
    gated_project,
    norm_pointwise,
    window_attention,
)
from distilfuse.nets.feed_forward import FeedForward
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.layers import Residual
from distilfuse.nets.spatial_attention import SpatialAttention

__all__ = ["accelerated"]


def accelerated(network: FusionNet) -> FusionNet:
    """A copy for inference on an NVIDIA card: float16, its residual parts as a few kernels each.

    Parts that the kernels do not cover (norm after the body, windows or heads that are no powers of two) stay as they
    are, in float16. The copy takes and gives what the network does; it has no gradients.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    for parent in list(copy.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Residual) and (part := _part(child)) is not None:
                setattr(parent, name, part)
    return copy.half()


class _Part(nn.Module, ABC):
    """Tensors as buffers; those of ``exact`` stay in float32 when the network is made half."""

    def __init__(self, exact: dict[str, Tensor], **halves: Tensor) -> None:
        super().__init__()
        for name, tensor in halves.items():
            self.register_buffer(name, tensor.detach().half().contiguous(), persistent=False)
        self._exact = {name: tensor.detach().float().contiguous() for name, tensor in exact.items()}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        self._exact = {name: fn(tensor).float() for name, tensor in self._exact.items()}
        moved: nn.Module = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch's
        return moved

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        return self._pixels(x.permute(0, 2, 3, 1).contiguous()).permute(0, 3, 1, 2)

    @abstractmethod
    def _pixels(self, x: Tensor) -> Tensor:
        """[B, H, W, C] -> [B, H, W, C]."""


def _part(residual: Residual) -> nn.Module | None:
    if residual.placement != "pre":
        return None
    body = residual.body
    if isinstance(body, FeedForward):
        return _FeedForwardPart(residual, body)
    if isinstance(body, ChannelAttention):
        return _ChannelPart(residual, body)
    if isinstance(body, SpatialAttention) and _is_power(body.window, 4) and _is_power(body.head_dim, 16):
        return _SpatialPart(residual, body)
    return None


def _is_power(count: int, least: int) -> bool:
    return count >= least and count & (count - 1) == 0


def _with_norm(residual: Residual, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """[K, C] weights with the norm's scale in them, and its shift as [K] bias."""
    return kernel * residual.norm.weight, kernel @ residual.norm.bias


def _taps(convolution: nn.Conv2d) -> Tensor:
    """[C, 1, 3, 3] -> [9, C]."""
    return convolution.weight.flatten(1).t()


class _FeedForwardPart(_Part):
    widen: Tensor
    depthwise: Tensor
    narrow: Tensor

    def __init__(self, residual: Residual, body: FeedForward) -> None:
        widen, bias = _with_norm(residual, body.widen.weight.flatten(1))
        super().__init__(
            {"bias": bias}, widen=widen, depthwise=_taps(body.depthwise), narrow=body.narrow.weight.flatten(1)
        )

    def _pixels(self, x: Tensor) -> Tensor:
        wide = norm_pointwise(x, self.widen, self._exact["bias"])
        return gated_project(x, wide, self.depthwise, self.narrow)


class _ChannelPart(_Part):
    kernel: Tensor
    depthwise: Tensor
    project: Tensor

    def __init__(self, residual: Residual, body: ChannelAttention) -> None:
        kernel, bias = _with_norm(residual, body.qkv.weight.flatten(1))
        super().__init__(
            {"bias": bias, "temperature": body.temperature},
            kernel=kernel,
            depthwise=_taps(body.qkv_depthwise),
            project=body.project.weight.flatten(1),
        )

    def _pixels(self, x: Tensor) -> Tensor:
        qkv = norm_pointwise(x, self.kernel, self._exact["bias"])
        mixing = channel_mixing(qkv, self.depthwise, self._exact["temperature"], self.project)
        return depthwise_project(x, qkv, self.depthwise, mixing)


class _SpatialPart(_Part):
    kernel: Tensor
    table: Tensor
    project: Tensor

    def __init__(self, residual: Residual, body: SpatialAttention) -> None:
        queries = body.queries.weight.flatten(1) * body.head_dim**-0.5
        joined = torch.cat([queries, body.keys_values.weight.flatten(1)])
        kernel, bias = _with_norm(residual, joined)
        super().__init__(
            {"bias": bias}, kernel=kernel, table=body.position_bias(), project=body.project.weight.flatten(1)
        )
        self.window, self.overlap_window = body.window, body.window + body.overlap

    def _pixels(self, x: Tensor) -> Tensor:
        qkv = norm_pointwise(x, self.kernel, self._exact["bias"])
        return window_attention(x, qkv, self.table, self.project, self.window, self.overlap_window)

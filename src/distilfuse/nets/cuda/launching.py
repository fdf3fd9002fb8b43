"""The parts of the paper's network on an NVIDIA card, each as one or two kernels.

At 16 to 128 channels the network is bound by memory: as single operations every norm, convolution, window cut and sum
reads and writes whole pictures. Here a residual part is two to four passes over its picture. Features are [B, H, W, C]
in float16.
"""

from __future__ import annotations

import torch
import triton
from torch import Tensor

from distilfuse.nets.cuda.kernels import (
    correlations_kernel,
    depthwise_project_kernel,
    gated_project_kernel,
    mixing_kernel,
    norm_pointwise_kernel,
    window_attention_kernel,
)

__all__ = ["channel_mixing", "depthwise_project", "gated_project", "norm_pointwise", "window_attention"]

# Sizes of blocks, and warps, are what was fastest of 160 measured on an H200 (at 640x480 and d = 16).
_ROWS, _COLUMNS = 4, 16
"""Pixels of a program that reads 3x3 surroundings: neighbours come from the first cache."""
_CHUNK = 16
"""Channels that it convolves at a time."""
_SUMMED_COLUMNS, _PARTS = 8, 528
"""Columns of a tile that is summed over, and programs that sum a picture."""


def norm_pointwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Layer norm of every pixel, without scale and shift, and a 1x1 convolution.

    Args:
        x: [B, H, W, C] float16.
        weight: [K, C] float16, the norm's scale in it.
        bias: [K] float32, the norm's shift in it.

    Returns:
        [B, H, W, K] float16.
    """
    batch, height, width, channels = x.shape
    outs = weight.shape[0]
    pixels = batch * height * width
    y = x.new_empty(batch, height, width, outs)
    padded = _power(channels)
    block = 64 if padded <= 256 else 32
    chunk = min(128, _power(outs))
    grid = (triton.cdiv(pixels, block), triton.cdiv(outs, chunk))
    norm_pointwise_kernel[grid](
        x, weight, bias, y, pixels, channels=channels, outs=outs, padded=padded, block=block, chunk=chunk
    )
    return y


def gated_project(x: Tensor, wide: Tensor, depthwise: Tensor, project: Tensor) -> Tensor:
    """``x + project(gelu(gate) * content)`` with the depth-wise 3x3 convolutions of both halves of ``wide``.

    Args:
        x: [B, H, W, C] float16.
        wide: [B, H, W, 2 N] float16.
        depthwise: [9, 2 N] float16.
        project: [C, N] float16.

    Returns:
        [B, H, W, C] float16.
    """
    batch, height, width, channels = x.shape
    inner = project.shape[1]
    y = torch.empty_like(x)
    gated_project_kernel[_tiles(batch, height, width)](
        x, wide, depthwise, project, y, height, width,
        channels=channels, inner=inner, padded=_power(channels),
        chunk=_CHUNK, rows=_ROWS, columns=_COLUMNS, num_warps=2 if channels <= 16 else 4,
    )  # fmt: skip
    return y


def depthwise_project(x: Tensor, qkv: Tensor, depthwise: Tensor, mixing: Tensor) -> Tensor:
    """``x + mixing(values)`` with the depth-wise 3x3 convolution of the last third of ``qkv``.

    Args:
        x: [B, H, W, C] float16.
        qkv: [B, H, W, 3 C] float16.
        depthwise: [9, 3 C] float16.
        mixing: [B, C, C] float16, from channels to channels, see :func:`channel_mixing`.

    Returns:
        [B, H, W, C] float16.
    """
    batch, height, width, channels = x.shape
    y = torch.empty_like(x)
    depthwise_project_kernel[_tiles(batch, height, width)](
        x, qkv, depthwise, mixing, y, height, width,
        channels=channels, padded=_power(channels),
        chunk=_CHUNK, rows=_ROWS, columns=_COLUMNS, num_warps=2 if channels <= 16 else 4,
    )  # fmt: skip
    return y


def channel_mixing(qkv: Tensor, depthwise: Tensor, temperature: Tensor, project: Tensor) -> Tensor:
    """Attention between the channels of a head (paper eq. 5) and the projection after it, as one matrix a picture.

    Args:
        qkv: [B, H, W, 3 C] float16, before its depth-wise 3x3 convolution.
        depthwise: [9, 3 C] float16.
        temperature: [heads] float32.
        project: [C, C] float16.

    Returns:
        [B, C, C] float16: values @ it is the projected attention.
    """
    batch, height, width, _ = qkv.shape
    channels, heads = project.shape[0], temperature.shape[0]
    size = channels // heads
    padded = _power(size)
    tiles = triton.cdiv(height, _ROWS) * triton.cdiv(width, _SUMMED_COLUMNS)
    # Parts of a picture, each summed by one program; their sums are added in order, so that results repeat.
    parts = min(tiles, max(1, _PARTS // (heads * batch)))
    products = torch.empty(batch, heads, parts, padded * padded, device=qkv.device)
    squares = torch.empty(batch, heads, parts, 2 * padded, device=qkv.device)
    correlations_kernel[(parts, heads, batch)](
        qkv, depthwise, products, squares, height, width, tiles,
        channels=channels, size=size, padded=padded, rows=_ROWS, columns=_SUMMED_COLUMNS, num_warps=2,
    )  # fmt: skip
    mixing = torch.empty(batch, channels, channels, dtype=qkv.dtype, device=qkv.device)
    mixing_kernel[(heads, batch)](
        products, squares, temperature, project, mixing, parts,
        channels=channels, size=size, padded=padded,
        outs=_power(channels), at_once=max(1, 16384 // padded**2), num_warps=8,
    )  # fmt: skip
    return mixing


def window_attention(x: Tensor, qkv: Tensor, bias: Tensor, project: Tensor, window: int, overlap: int) -> Tensor:
    """``x + project(attention)`` between the pixels of a window and those around it (paper eq. 4).

    Beyond the border the nearest pixel is repeated.

    Args:
        x: [B, H, W, C] float16.
        qkv: [B, H, W, 3 heads * D] float16: queries (scaled), keys, values.
        bias: [heads, window**2, overlap**2] float16.
        project: [C, heads * D] float16.
        window: side of a query window, a power of two from 4.
        overlap: side of its key window.

    Returns:
        [B, H, W, C] float16.
    """
    batch, height, width, channels = x.shape
    heads = bias.shape[0]
    keys = overlap * overlap
    main = _power(keys) if keys & (keys - 1) == 0 else _power(keys) // 2
    y = torch.empty_like(x)
    columns = triton.cdiv(width, window)
    window_attention_kernel[(triton.cdiv(height, window) * columns, batch)](
        x, qkv, bias, project, y, height, width, columns,
        channels=channels, padded=_power(channels), heads=heads, dim=project.shape[1] // heads,
        window=window, overlap=overlap, main=main, rest=_power(keys - main) if keys > main else 0,
    )  # fmt: skip
    return y


def _power(count: int) -> int:
    """The next power of two, and 16 at least: the smallest side of a matrix product."""
    return max(16, 1 << (count - 1).bit_length())


def _tiles(batch: int, height: int, width: int) -> tuple[int, int]:
    return triton.cdiv(height, _ROWS) * triton.cdiv(width, _COLUMNS), batch

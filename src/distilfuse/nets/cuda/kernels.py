"""The parts of the paper's network as Triton kernels: what lies between two memory accesses in one piece.

At 16 to 128 channels the network is bound by memory: as single operations every norm, convolution, window cut and sum
reads and writes whole pictures. Here a residual part is two or four passes over its picture. Features are [B, H, W, C]
in float16, sums are float32.

Where sizes are no powers of two, blocks are rounded up and masked.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# (The arguments of a kernel are pointers and scalars of the card, for which Python has no types.)

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

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
    _norm_pointwise[grid](
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
    _gated_project[_tiles(batch, height, width)](
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
    _depthwise_project[_tiles(batch, height, width)](
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
    _correlations[(parts, heads, batch)](
        qkv, depthwise, products, squares, height, width, tiles,
        channels=channels, size=size, padded=padded, rows=_ROWS, columns=_SUMMED_COLUMNS, num_warps=2,
    )  # fmt: skip
    mixing = torch.empty(batch, channels, channels, dtype=qkv.dtype, device=qkv.device)
    _mixing[(heads, batch)](
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
    _window_attention[(triton.cdiv(height, window) * columns, batch)](
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


@triton.jit
def _norm_pointwise(
    x, weight, bias, y, pixels,
    channels: tl.constexpr, outs: tl.constexpr, padded: tl.constexpr, block: tl.constexpr, chunk: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    channel = tl.arange(0, padded)
    out = tl.program_id(1) * chunk + tl.arange(0, chunk)
    there = (pixel < pixels)[:, None] & (channel < channels)[None, :]
    value = tl.load(x + pixel[:, None] * channels + channel[None, :], mask=there, other=0.0).to(tl.float32)
    mean = tl.sum(value, 1) / channels
    centred = tl.where((channel < channels)[None, :], value - mean[:, None], 0.0)
    variance = tl.sum(centred * centred, 1) / channels
    normal = (centred * tl.rsqrt(variance + 1e-5)[:, None]).to(tl.float16)
    kernel = tl.load(
        weight + out[None, :] * channels + channel[:, None],
        mask=(out < outs)[None, :] & (channel < channels)[:, None],
        other=0.0,
    )
    sums = tl.dot(normal, kernel) + tl.load(bias + out, mask=out < outs, other=0.0)[None, :]
    where = y + pixel[:, None] * outs + out[None, :]
    tl.store(where, sums.to(tl.float16), mask=(pixel < pixels)[:, None] & (out < outs)[None, :])


@triton.jit
def _places(tile, width, rows: tl.constexpr, columns: tl.constexpr):
    """Rows and columns of a tile's pixels."""
    across = tl.cdiv(width, columns)
    pixel = tl.arange(0, rows * columns)
    return (tile // across) * rows + pixel // columns, (tile % across) * columns + pixel % columns


@triton.jit
def _depthwise(features, kernel, row, column, height, width, channel, there, stride: tl.constexpr):
    """3x3 convolution of single channels, zeros beyond the border; ``features`` begins with the picture."""
    sums = tl.zeros([row.shape[0], channel.shape[0]], tl.float32)
    for tap in tl.static_range(9):
        down, along = row + (tap // 3 - 1), column + (tap % 3 - 1)
        inside = (down >= 0) & (down < height) & (along >= 0) & (along < width)
        where = (down * width + along)[:, None] * stride + channel[None, :]
        value = tl.load(features + where, mask=inside[:, None] & there[None, :], other=0.0).to(tl.float32)
        sums += value * tl.load(kernel + tap * stride + channel, mask=there, other=0.0).to(tl.float32)[None, :]
    return sums


@triton.jit
def _add_to(x, y, sums, row, column, height, width, channels: tl.constexpr, padded: tl.constexpr):
    channel = tl.arange(0, padded)
    where = (row * width + column)[:, None] * channels + channel[None, :]
    there = ((row < height) & (column < width))[:, None] & (channel < channels)[None, :]
    tl.store(y + where, (sums + tl.load(x + where, mask=there, other=0.0).to(tl.float32)).to(tl.float16), mask=there)


@triton.jit
def _gated_project(
    x, wide, depthwise, project, y, height, width,
    channels: tl.constexpr, inner: tl.constexpr, padded: tl.constexpr,
    chunk: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    start = tl.program_id(1).to(tl.int64) * height * width
    row, column = _places(tl.program_id(0), width, rows, columns)
    wide += start * 2 * inner
    out = tl.arange(0, padded)
    sums = tl.zeros([rows * columns, padded], tl.float32)
    for first in range(0, inner, chunk):
        channel = first + tl.arange(0, chunk)
        there = channel < inner
        gate = _depthwise(wide, depthwise, row, column, height, width, channel, there, 2 * inner)
        content = _depthwise(wide, depthwise, row, column, height, width, inner + channel, there, 2 * inner)
        gated = gate * 0.5 * (1.0 + tl.erf(gate * 0.7071067811865476)) * content
        kernel = tl.load(
            project + out[None, :] * inner + channel[:, None],
            mask=(out < channels)[None, :] & there[:, None],
            other=0.0,
        )
        sums = tl.dot(gated.to(tl.float16), kernel, sums)
    _add_to(x + start * channels, y + start * channels, sums, row, column, height, width, channels, padded)


@triton.jit
def _depthwise_project(
    x, qkv, depthwise, mixing, y, height, width,
    channels: tl.constexpr, padded: tl.constexpr, chunk: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    picture = tl.program_id(1).to(tl.int64)
    start = picture * height * width
    row, column = _places(tl.program_id(0), width, rows, columns)
    qkv += start * 3 * channels
    mixing += picture * channels * channels
    out = tl.arange(0, padded)
    sums = tl.zeros([rows * columns, padded], tl.float32)
    for first in range(0, channels, chunk):
        channel = first + tl.arange(0, chunk)
        there = channel < channels
        value = _depthwise(qkv, depthwise, row, column, height, width, 2 * channels + channel, there, 3 * channels)
        kernel = tl.load(
            mixing + channel[:, None] * channels + out[None, :],
            mask=there[:, None] & (out < channels)[None, :],
            other=0.0,
        )
        sums = tl.dot(value.to(tl.float16), kernel, sums)
    _add_to(x + start * channels, y + start * channels, sums, row, column, height, width, channels, padded)


@triton.jit
def _correlations(
    qkv, depthwise, products, squares, height, width, tiles,
    channels: tl.constexpr, size: tl.constexpr, padded: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    part, parts = tl.program_id(0), tl.num_programs(0)
    head, heads, picture = tl.program_id(1), tl.num_programs(1), tl.program_id(2).to(tl.int64)
    qkv += picture * height * width * 3 * channels
    inner = tl.arange(0, padded)
    there = inner < size
    channel = head * size + inner
    sums = tl.zeros([padded, padded], tl.float32)
    query_squares = tl.zeros([padded], tl.float32)
    key_squares = tl.zeros([padded], tl.float32)
    for tile in range(part, tiles, parts):
        row, column = _places(tile, width, rows, columns)
        inside = ((row < height) & (column < width))[:, None]
        query = _depthwise(qkv, depthwise, row, column, height, width, channel, there, 3 * channels)
        key = _depthwise(qkv, depthwise, row, column, height, width, channels + channel, there, 3 * channels)
        query, key = tl.where(inside, query, 0.0), tl.where(inside, key, 0.0)
        query_squares += tl.sum(query * query, 0)
        key_squares += tl.sum(key * key, 0)
        sums = tl.dot(tl.trans(query.to(tl.float16)), key.to(tl.float16), sums)
    slot = (picture * heads + head) * parts + part
    tl.store(products + slot * padded * padded + inner[:, None] * padded + inner[None, :], sums)
    tl.store(squares + slot * 2 * padded + inner, query_squares)
    tl.store(squares + slot * 2 * padded + padded + inner, key_squares)


@triton.jit
def _mixing(
    products, squares, temperature, project, mixing, parts,
    channels: tl.constexpr, size: tl.constexpr, padded: tl.constexpr, outs: tl.constexpr, at_once: tl.constexpr,
):  # fmt: skip
    head, heads, picture = tl.program_id(0), tl.num_programs(0), tl.program_id(1).to(tl.int64)
    slot = (picture * heads + head) * parts
    inner = tl.arange(0, padded)
    both = tl.arange(0, padded * padded)
    sums = tl.zeros([padded * padded], tl.float32)
    query_squares = tl.zeros([padded], tl.float32)
    key_squares = tl.zeros([padded], tl.float32)
    for first in range(0, parts, at_once):
        part = first + tl.arange(0, at_once)
        there = (part < parts)[:, None]
        where = (slot + part)[:, None]
        sums += tl.sum(tl.load(products + where * padded * padded + both[None, :], mask=there, other=0.0), 0)
        query_squares += tl.sum(tl.load(squares + where * 2 * padded + inner[None, :], mask=there, other=0.0), 0)
        key_squares += tl.sum(tl.load(squares + where * 2 * padded + padded + inner[None, :], mask=there, other=0.0), 0)
    norms = tl.maximum(query_squares[:, None] * key_squares[None, :], 1e-12)
    logits = tl.reshape(sums, [padded, padded]) * tl.rsqrt(norms) * tl.load(temperature + head)
    logits = tl.where((inner < size)[None, :], logits, float("-inf"))
    weights = tl.exp(logits - tl.max(logits, 1)[:, None])
    weights = weights / tl.sum(weights, 1)[:, None]  # of queries for keys
    out = tl.arange(0, outs)
    kernel = tl.load(
        project + out[None, :] * channels + head * size + inner[:, None],
        mask=(out < channels)[None, :] & (inner < size)[:, None],
        other=0.0,
    )
    mixed = tl.dot(tl.trans(weights.to(tl.float16)), kernel)  # keys, outs
    where = mixing + (picture * channels + head * size + inner[:, None]) * channels + out[None, :]
    tl.store(where, mixed.to(tl.float16), mask=(inner < size)[:, None] & (out < channels)[None, :])


@triton.jit
def _window_attention(
    x, qkv, bias, project, y, height, width, across,
    channels: tl.constexpr, padded: tl.constexpr, heads: tl.constexpr, dim: tl.constexpr,
    window: tl.constexpr, overlap: tl.constexpr, main: tl.constexpr, rest: tl.constexpr,
):  # fmt: skip
    start = tl.program_id(1).to(tl.int64) * height * width
    qkv += start * 3 * heads * dim
    top, left = (tl.program_id(0) // across) * window, (tl.program_id(0) % across) * window
    own = tl.arange(0, window * window)
    row, column = top + own // window, left + own % window
    query_at = (tl.minimum(row, height - 1) * width + tl.minimum(column, width - 1)) * (3 * heads * dim)
    key = tl.arange(0, main)
    key_at = _around(key, top, left, height, width, window, overlap) * (3 * heads * dim)
    inner, out = tl.arange(0, dim), tl.arange(0, padded)
    sums = tl.zeros([window * window, padded], tl.float32)
    for head in tl.static_range(heads):
        query = tl.load(qkv + query_at[:, None] + (head * dim + inner)[None, :])
        keys = qkv + (heads + head) * dim + inner[None, :]
        values = keys + heads * dim
        table = bias + head * window * window * overlap * overlap + own[:, None] * overlap * overlap
        logits = tl.dot(query, tl.trans(tl.load(keys + key_at[:, None]))) + tl.load(table + key[None, :])
        largest = tl.max(logits, 1)
        if rest:
            # What is more than a power of two goes by itself: 144 keys are 128 and 16, not 256.
            other = main + tl.arange(0, rest)
            there = other < overlap * overlap
            other_at = _around(other, top, left, height, width, window, overlap) * (3 * heads * dim)
            others = tl.dot(query, tl.trans(tl.load(keys + other_at[:, None])))
            others += tl.load(table + other[None, :], mask=there[None, :], other=0.0)
            others = tl.where(there[None, :], others, float("-inf"))
            largest = tl.maximum(largest, tl.max(others, 1))
        weights = tl.exp(logits - largest[:, None])
        total = tl.sum(weights, 1)
        attended = tl.dot(weights.to(tl.float16), tl.load(values + key_at[:, None]))
        if rest:
            weights = tl.exp(others - largest[:, None])
            total += tl.sum(weights, 1)
            attended = tl.dot(weights.to(tl.float16), tl.load(values + other_at[:, None]), attended)
        attended = (attended / total[:, None]).to(tl.float16)
        kernel = tl.load(
            project + out[None, :] * (heads * dim) + head * dim + inner[:, None],
            mask=(out < channels)[None, :],
            other=0.0,
        )
        sums = tl.dot(attended, kernel, sums)
    _add_to(x + start * channels, y + start * channels, sums, row, column, height, width, channels, padded)


@triton.jit
def _around(key, top, left, height, width, window: tl.constexpr, overlap: tl.constexpr):
    """Where the pixels of the key window are; beyond the border the nearest one."""
    row = top - (overlap - window) // 2 + key // overlap
    column = left - (overlap - window) // 2 + key % overlap
    row = tl.minimum(tl.maximum(row, 0), height - 1)
    return row * width + tl.minimum(tl.maximum(column, 0), width - 1)

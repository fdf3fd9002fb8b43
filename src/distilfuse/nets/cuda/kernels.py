"""Triton kernels of the parts of the paper's network: what lies between two memory accesses in one piece.

Launched by :mod:`distilfuse.nets.cuda.launching`, which says what each takes and gives. Sums are float32. Where sizes
are no powers of two, blocks are rounded up and masked.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# (The arguments of a kernel are pointers and scalars of the card, for which Python has no types.)

from __future__ import annotations

import triton
import triton.language as tl

__all__ = [
    "correlations_kernel",
    "depthwise_project_kernel",
    "gated_project_kernel",
    "mixing_kernel",
    "norm_pointwise_kernel",
    "window_attention_kernel",
]


@triton.jit
def norm_pointwise_kernel(
    x, weight, bias, y, pixels,
    channels: tl.constexpr, outs: tl.constexpr, padded: tl.constexpr, block: tl.constexpr, chunk: tl.constexpr,
):  # fmt: skip
    """A block of pixels, a chunk of outputs a program."""
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
def gated_project_kernel(
    x, wide, depthwise, project, y, height, width,
    channels: tl.constexpr, inner: tl.constexpr, padded: tl.constexpr,
    chunk: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    """A tile of pixels a program; the wide features in chunks."""
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
def depthwise_project_kernel(
    x, qkv, depthwise, mixing, y, height, width,
    channels: tl.constexpr, padded: tl.constexpr, chunk: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    """A tile of pixels a program; the values in chunks."""
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
def correlations_kernel(
    qkv, depthwise, products, squares, height, width, tiles,
    channels: tl.constexpr, size: tl.constexpr, padded: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    """A part of the tiles of one head of one picture a program: sums of products and of squares."""
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
def mixing_kernel(
    products, squares, temperature, project, mixing, parts,
    channels: tl.constexpr, size: tl.constexpr, padded: tl.constexpr, outs: tl.constexpr, at_once: tl.constexpr,
):  # fmt: skip
    """One head of one picture a program: the parts added, the softmax, and the projection behind it."""
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
def window_attention_kernel(
    x, qkv, bias, project, y, height, width, across,
    channels: tl.constexpr, padded: tl.constexpr, heads: tl.constexpr, dim: tl.constexpr,
    window: tl.constexpr, overlap: tl.constexpr, main: tl.constexpr, rest: tl.constexpr,
):  # fmt: skip
    """A window a program, head after head, their projections summed."""
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

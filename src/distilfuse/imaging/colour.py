"""Colour: full-range BT.601 luminance, and a new luminance under old colours without leaving the gamut.

Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, full range as in JFIF). Luminance models fuse Y only; the
fused colour keeps Cb and Cr of the visible picture, which in RGB means adding the same Yf - Y to each
channel. Where that leaves 0..1 the chroma is scaled towards grey by the largest factor that stays inside, so
the luminance is Yf everywhere. Clipping instead would shift hues and undo the fusion where it matters: at
bright targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.scaling import full_scale
from distilfuse.imaging.scratch import Scratch

BT601 = (0.299, 0.587, 0.114)

_PART_BITS = 6
PARTS = 1 << _PART_BITS
"""Of a level: as fine as 16 bits hold sums of an 8-bit value and a shift of as many levels up or down."""

_BAND = 1 << 19
"""Pixels of the rows that are worked on at a time: what is kept for them is up to 14 MB, of uint8."""
_SCRATCH = Scratch()

_BLOCK = 1 << 14
"""Pixels refitted at a time: temporary arrays stay in the cache (several times as fast as whole planes)."""


def luminance(rgb: NDArray[Any], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """BT.601 luminance in 0..1.

    Args:
        rgb: ``H x W x 3``, uint8, uint16 or floats in 0..1.
        out: where to write it, ``H x W``; None for a new array.

    Returns:
        ``H x W`` float32.
    """
    total = np.empty(rgb.shape[:2], np.float32) if out is None else out
    weights = [np.float32(weight / full_scale(rgb.dtype)) for weight in BT601]
    for rows in _bands(rgb):
        part, band = total[rows], rgb[rows]
        term = _SCRATCH.array("term", part.shape, np.float32)
        # No matrix product, though it takes half of the time: BLAS gives it to threads of its own, which go on spinning
        # beside those of the model's backend, and that then takes twice as long.
        np.multiply(band[..., 0], weights[0], out=part, dtype=np.float32, casting="same_kind")
        for channel in (1, 2):
            np.multiply(band[..., channel], weights[channel], out=term, dtype=np.float32, casting="same_kind")
            part += term
        np.clip(part, 0, 1, out=part)  # the three rounded weights may sum to a hair above 1
    return total


def colourfulness(rgb: NDArray[Any]) -> float:
    """Mean distance between the highest and the lowest channel of a pixel, in 0..1, of some of the pixels.

    Args:
        rgb: ``H x W x 3``, uint8, uint16 or floats in 0..1.
    """
    step = max(1, int((rgb.shape[0] * rgb.shape[1] / 40_000) ** 0.5))
    some = rgb[::step, ::step].astype(np.float32)
    return float((some.max(axis=2) - some.min(axis=2)).mean()) / full_scale(rgb.dtype)


def with_luminance(rgb: NDArray[Any], before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[Any]:
    """Give a picture a new luminance and keep its chroma, scaled towards grey where the gamut ends.

    Args:
        rgb: ``H x W x 3``, uint8, uint16 or floats in 0..1.
        before: its luminance, ``H x W`` in 0..1, from :func:`luminance`.
        after: the luminance it shall have, ``H x W`` in 0..1.

    Returns:
        A new array like ``rgb``; integers are rounded to nearest.
    """
    out = np.empty(rgb.shape, rgb.dtype)
    for rows in _bands(rgb):
        _shift_luminance(rgb[rows], before[rows], after[rows], out[rows])
    return out


def within_gamut(rgb: NDArray[np.uint8], moved: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Finish what a network that takes colours began: it added a shift of luminance, wherever that led.

    Args:
        rgb: ``H x W x 3``, what the shift was added to.
        moved: ``H x W x 3``, the sum and half a level, in 64ths (:data:`PARTS`) of a level; is overwritten.

    Returns:
        A new array: what :func:`with_luminance` gives.
    """
    flat = moved.reshape(-1)
    before, colours = rgb.reshape(-1, 3), flat.reshape(-1, 3)
    pixels = _pixels_outside(flat)
    for start in range(0, pixels.size, _BLOCK):
        where = pixels[start : start + _BLOCK]
        was = before.take(where, axis=0).T.astype(np.float32, order="C")  # 3 n
        luma = BT601[0] * was[0] + BT601[1] * was[1] + BT601[2] * was[2]
        target = luma + (flat.take(3 * where) / np.float32(PARTS) - np.float32(0.5) - was[0])
        fitted = _fit(was - luma, np.clip(target, 0, 255), 255.0)
        colours[where] = (np.rint(fitted) * PARTS).T
    flat >>= _PART_BITS
    return flat.astype(np.uint8).reshape(rgb.shape)


def _pixels_outside(values: NDArray[np.int16]) -> NDArray[np.intp]:
    """Indices of pixels of which one of three values, in parts of a level, rounds to none of 0..255."""
    outside = _SCRATCH.array("outside", (values.size + -values.size % 8,), np.bool_)
    outside[values.size :] = False
    # Negative ones are large without a sign.
    np.greater_equal(values.view(np.uint16), 256 * PARTS, out=outside[: values.size])
    # Most are inside: looked for eight at a time, in half of the time.
    eights = np.flatnonzero(outside.view(np.uint64) != 0)
    found = np.flatnonzero(outside.reshape(-1, 8)[eights])
    pixels = (8 * eights[found // 8] + found % 8) // 3
    return pixels[np.flatnonzero(np.diff(pixels, prepend=-1))]  # each once


def _bands(picture: NDArray[Any]) -> Iterator[slice]:
    step = max(1, _BAND // picture.shape[1])
    return (slice(top, top + step) for top in range(0, picture.shape[0], step))


def _shift_luminance(
    rgb: NDArray[Any], before: NDArray[np.float32], after: NDArray[np.float32], out: NDArray[Any]
) -> None:
    """:func:`with_luminance` of a band of rows."""
    scale = full_scale(rgb.dtype)
    integers = rgb.dtype.kind != "f"
    kind = {"uint8": np.int16, "uint16": np.int32}.get(rgb.dtype.name, rgb.dtype)
    difference = np.subtract(after, before, out=_SCRATCH.array("difference", before.shape, np.float32))
    difference *= np.float32(scale)
    shift = _SCRATCH.array("shift", before.shape, kind)
    # c + round(d) = round(c + d) for an integer c, so one rounded plane serves three channels.
    np.copyto(shift, np.rint(difference, out=difference) if integers else difference, casting="unsafe")
    planes = _SCRATCH.array("moved", (3, *before.shape), kind)
    for channel, plane in enumerate(planes):
        np.add(rgb[..., channel], shift, out=plane, dtype=kind)
    moved = planes.reshape(3, -1)
    outside = _outside(moved, scale)
    for start in range(0, outside.size, _BLOCK):
        where = outside[start : start + _BLOCK]
        luma = before.ravel().take(where) * scale + shift.ravel().take(where)
        fitted = _fit(moved.take(where, axis=1) - luma, after.ravel().take(where) * scale, scale)
        moved[:, where] = np.rint(fitted) if integers else fitted
    for channel, plane in enumerate(planes):
        np.copyto(out[..., channel], plane, casting="unsafe")


def _outside(planes: NDArray[Any], scale: float) -> NDArray[np.intp]:
    """Flat indices of the pixels of which a channel is below 0 or above ``scale``."""
    if planes[0].dtype.kind == "f":
        lowest = np.minimum(np.minimum(planes[0], planes[1]), planes[2])
        highest = np.maximum(np.maximum(planes[0], planes[1]), planes[2])
        return np.flatnonzero((lowest < 0) | (highest > scale))
    # Negative and too large integers both have bits set above full scale: OR gathers, unsigned shows them.
    gathered = _SCRATCH.array("gathered", planes[0].shape, planes[0].dtype)
    np.bitwise_or(planes[0], planes[1], out=gathered)
    gathered |= planes[2]
    return np.flatnonzero(gathered.view(f"u{gathered.itemsize}") > int(scale))


def _fit(chroma: NDArray[Any], luma: NDArray[Any], scale: float) -> NDArray[Any]:
    """Pixels, ``3 x n``, of that luma in 0..scale; their chroma scaled by the largest factor that keeps 0..scale."""
    tiny = np.float32(1e-30)  # grey has no chroma to scale
    highest = np.maximum(np.maximum(chroma[0], chroma[1]), chroma[2])
    lowest = np.minimum(np.minimum(chroma[0], chroma[1]), chroma[2])
    factor = np.minimum((scale - luma) / np.maximum(highest, tiny), luma / np.maximum(-lowest, tiny))
    colours: NDArray[Any] = chroma * np.minimum(factor, 1) + luma
    return np.clip(colours, 0, scale, out=colours)  # the last bit of the division

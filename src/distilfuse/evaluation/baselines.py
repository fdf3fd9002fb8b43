"""Fusion without a network: what any method has to beat.

Each takes a visible picture (``H x W`` or ``H x W x 3`` uint8) and a grey infrared one (``H x W`` uint8) of its size.
All but :func:`msx` fuse luminance and keep the chroma of the visible picture, in YCbCr of 8 bits as JPEG and nearly
every published code have it (Pillow's), not by the gamut-safe way of the models: so the numbers are those that others
print under these names. In dark pictures the rounding shows (Qabf by 0.005 to 0.01 on MSRS).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.imaging.scaling import from_unit, to_unit
from distilfuse.metrics.filters import gaussian_taps

Bytes = NDArray[np.uint8]
Plane = NDArray[np.float32]

_BINOMIAL: Plane = np.array([0.0625, 0.25, 0.375, 0.25, 0.0625], np.float32)
"""Burt and Adelson's generating kernel with a = 3/8."""

_MAX_BANDS = 5
_MIN_TOP = 8
"""Fewest pixels a side of the top of a pyramid."""

_MSX_SIGMA = 2.0
"""Pixels: edges and lettering pass, shading does not."""


def brighter(visible: Bytes, infrared: Bytes) -> Bytes:
    """max(Y, I): the line of code that a model has to beat."""
    return _on_luminance(visible, infrared, np.maximum)


def average(visible: Bytes, infrared: Bytes) -> Bytes:
    """floor((Y + I) / 2).

    Rounding halves to even, as numpy does, would favour even levels and cost 0.18 bit of entropy on MSRS.
    """
    return _on_luminance(visible, infrared, lambda y, heat: ((y.astype(np.uint16) + heat) // 2).astype(np.uint8))


def laplacian(visible: Bytes, infrared: Bytes) -> Bytes:
    """Laplacian pyramids merged band by band: the stronger coefficient, and the mean of the tops.

    Burt and Adelson, The Laplacian pyramid as a compact image code (1983); choose-max as in Burt, The pyramid as a
    structure for efficient computation (1984). Up to five bands, fewer for pictures under 256 pixels.
    """
    return _on_luminance(visible, infrared, lambda y, heat: _as_bytes(_merge_pyramids(to_unit(y), to_unit(heat))))


def msx(visible: Bytes, infrared: Bytes) -> Bytes:
    """Visible edges embossed onto the thermal picture, which stays grey: what FLIR calls MSX.

    I + (Y - blur(Y)), a Gaussian of two pixels, after Strandemar, Infrared resolution and contrast enhancement
    with fusion, US patent 8,520,970 (2013).
    """
    y, heat = to_unit(_split(visible)[0]), to_unit(infrared)
    blurred = _smooth(y, gaussian_taps(2 * int(3 * _MSX_SIGMA) + 1, _MSX_SIGMA).astype(np.float32))
    return _as_bytes(heat + (y - blurred))


BASELINES: Mapping[str, Callable[[Bytes, Bytes], Bytes]] = {
    "max": brighter,
    "mean": average,
    "laplacian": laplacian,
    "msx": msx,
}
"""Name to function."""


def _on_luminance(visible: Bytes, infrared: Bytes, merge: Callable[[Bytes, Bytes], Bytes]) -> Bytes:
    y, *chroma = _split(visible)
    fused = merge(y, infrared)
    if not chroma:
        return fused
    planes = [Image.fromarray(plane) for plane in (fused, *chroma)]
    return np.asarray(Image.merge("YCbCr", planes).convert("RGB"))


def _split(visible: Bytes) -> list[Bytes]:
    """Y, Cb and Cr of a colour picture; a grey one alone."""
    if visible.ndim == 2:
        return [visible]
    return [np.asarray(plane) for plane in Image.fromarray(visible).convert("YCbCr").split()]


def _as_bytes(values: Plane) -> Bytes:
    return from_unit(np.clip(values, 0, 1), np.uint8)


def _merge_pyramids(first: Plane, second: Plane) -> Plane:
    bands: list[Plane] = []
    sizes: list[tuple[int, int]] = []
    while len(bands) < _MAX_BANDS and min(first.shape) >= 2 * _MIN_TOP:
        sizes.append((first.shape[0], first.shape[1]))
        smaller = [_smooth(plane, _BINOMIAL)[::2, ::2] for plane in (first, second)]
        band_1, band_2 = (
            plane - _expand(small, sizes[-1]) for plane, small in zip((first, second), smaller, strict=True)
        )
        bands.append(np.where(np.abs(band_1) >= np.abs(band_2), band_1, band_2))
        first, second = smaller
    merged: Plane = (first + second) * np.float32(0.5)
    for band, size in zip(reversed(bands), reversed(sizes), strict=True):
        merged = _expand(merged, size) + band
    return merged


def _expand(plane: Plane, size: tuple[int, int]) -> Plane:
    """To twice the sides (less one where ``size`` is odd), zeros between the samples, smoothed."""
    # Samples are repeated outwards before zeros go between them: a border of zeros would darken the edge.
    padded = np.pad(plane, 1, mode="edge")
    spread = np.zeros((2 * padded.shape[0], 2 * padded.shape[1]), np.float32)
    spread[::2, ::2] = 4 * padded
    return _smooth(spread, _BINOMIAL)[2 : 2 + size[0], 2 : 2 + size[1]]


def _smooth(plane: Plane, taps: Plane) -> Plane:
    """Correlate rows and columns with the taps; edges are repeated."""
    radius = len(taps) // 2
    height, width = plane.shape
    padded = np.pad(plane, radius, mode="edge")
    rows: Plane = taps[0] * padded[:, :width]
    for k in range(1, len(taps)):
        rows += taps[k] * padded[:, k : k + width]
    out: Plane = taps[0] * rows[:height]
    for k in range(1, len(taps)):
        out += taps[k] * rows[k : k + height]
    return out

"""What can be measured on one picture without knowing what it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_BLOCK = 16
"""Side of the blocks in which noise is estimated, in pixels."""

_MAD = 0.6745
"""Median absolute deviation of Gaussian noise over its standard deviation."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Numbers on one grey picture in 0..1."""

    mean: float
    dark: float
    """Quarter of the pixels that is darkest: its upper limit, 0..1."""
    floor: float
    """5 % of the pixels are darker, 0..1."""
    ceiling: float
    """5 % of the pixels are brighter, 0..1."""
    white: float
    """Part of the pixels that is within 2 % of full scale, 0..1."""
    hot: float
    """Part of the pixels that is within 5 % of full scale, 0..1."""
    texture: float
    """Mean standard deviation around a pixel (17 x 17)."""
    flat: float
    """Part of the pixels around which the standard deviation (17 x 17) is below 0.02, 0..1."""
    noise: float
    """Standard deviation of white noise, estimated where the picture is calm."""
    sharpness: float
    """Mean gradient over that of the picture smoothed by 5 x 5: about 2 for sharp pictures, 1 for very blurred ones."""
    smear: float
    """How much the sharpness along rows and along columns differ: logarithm of their ratio, 0 and above."""
    stripes: float
    """Standard deviation of offsets from column to column."""


def measure(plane: Plane) -> Measures:
    """Measure a picture.

    Args:
        plane: ``H x W`` float32, 0..1, of any size.
    """
    plane = _at_least(plane, _BLOCK)
    dark, floor, ceiling = np.percentile(plane, (25, 5, 95))
    spread = local_spread(plane, 8)
    smooth = box(plane, 2)
    along = _gradient(plane, 1) / (_gradient(smooth, 1) + 1e-6)
    across = _gradient(plane, 0) / (_gradient(smooth, 0) + 1e-6)
    return Measures(
        mean=float(plane.mean()),
        dark=float(dark),
        floor=float(floor),
        ceiling=float(ceiling),
        white=float((plane > 0.98).mean()),
        hot=float((plane > 0.95).mean()),
        texture=float(spread.mean()),
        flat=float((spread < 0.02).mean()),
        noise=noise_level(plane),
        sharpness=(along + across) / 2,
        smear=abs(float(np.log((along + 0.1) / (across + 0.1)))),
        stripes=stripe_level(plane),
    )


def noise_level(plane: Plane) -> float:
    """Standard deviation of white noise.

    The difference of two Laplacians (Immerkaer, 1996) cancels edges and ramps; of white noise it leaves six times the
    standard deviation. It is estimated by its median absolute value in each block of 16 x 16, and a quarter of the
    blocks, the calmest, are taken to show noise and no texture. Blocks that are clipped to black or white show
    neither and are left out.

    Args:
        plane: ``H x W``, at least 16 a side.
    """
    plane = _at_least(plane, _BLOCK + 2)
    rows = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    response = np.abs(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:])
    blocks = _blocks(response)
    levels = np.median(blocks, axis=1) / _MAD / 6
    values = _blocks(plane[1:-1, 1:-1])
    clipped = ((values < 0.01) | (values > 0.99)).mean(axis=1) > 0.1
    levels = levels[~clipped]
    return float(np.percentile(levels, 25)) if levels.size else 0.0


def stripe_level(plane: Plane) -> float:
    """Standard deviation of what each column is brighter or darker by than its neighbours, all along its height.

    Of a scene, columns differ here and there; of a sensor's columns, everywhere alike. So the second difference between
    columns is averaged (by its median, against edges) over each quarter of the height, and what all quarters have in
    common counts.

    Args:
        plane: ``H x W``, at least 4 x 4.
    """
    second = plane[:, 1:-1] - (plane[:, :-2] + plane[:, 2:]) / 2
    quarters = np.stack([np.median(part, axis=0) for part in np.array_split(second, 4)])
    agree = (quarters > 0).all(axis=0) | (quarters < 0).all(axis=0)
    common = np.where(agree, np.abs(quarters).min(axis=0), 0)
    return float(np.sqrt((common**2).mean() / 1.5))


def box(plane: Plane, radius: int) -> Plane:
    """Mean over ``2 radius + 1`` a side, the picture continued by its border."""
    size = 2 * radius + 1
    sums = np.pad(plane, radius, mode="edge").astype(np.float64).cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    total = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    mean: Plane = (total / size**2).astype(np.float32)
    return mean


def local_spread(plane: Plane, radius: int) -> Plane:
    """Standard deviation over ``2 radius + 1`` a side, ``H x W``."""
    mean = box(plane, radius)
    spread: Plane = np.sqrt(np.maximum(box(plane * plane, radius) - mean * mean, 0))
    return spread


def _gradient(plane: Plane, axis: int) -> float:
    return float(np.abs(np.diff(plane, axis=axis)).mean())


def _blocks(plane: Plane) -> Plane:
    """``N x 256``: whole blocks only."""
    high, wide = plane.shape[0] // _BLOCK, plane.shape[1] // _BLOCK
    cut = plane[: high * _BLOCK, : wide * _BLOCK].reshape(high, _BLOCK, wide, _BLOCK)
    blocks: Plane = cut.swapaxes(1, 2).reshape(-1, _BLOCK * _BLOCK)
    return blocks


def _at_least(plane: Plane, side: int) -> Plane:
    """Mirrored to at least ``side`` a side."""
    for axis in (0, 1):
        missing = side - plane.shape[axis]
        if missing > 0:
            widths = [(0, 0), (0, 0)]
            widths[axis] = (0, missing)
            plane = np.pad(plane, widths, mode="symmetric")
    return plane

"""Maximum-intensity projections."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.colour import luminance


def project_fused(fused: NDArray[np.uint8], functional: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Look through a fused volume: along each ray, its voxel of the highest uptake; of equals the brightest.

    The brightest alone would be scalp and fat, and hide what takes up. In grey there is no uptake to look for: there
    the brightest it is.

    Args:
        fused: ``X x Y x Z``, or ``X x Y x Z x 3`` RGB.
        functional: ``X x Y x Z``, the uptake.
        axis: along which to look, 0 to 2.

    Returns:
        A plane of the two other axes, with the channels of ``fused``.
    """
    if fused.ndim == 3:
        brightest: NDArray[np.uint8] = fused.max(axis)
        return brightest
    planes, uptakes = np.moveaxis(fused, axis, 0), np.moveaxis(functional, axis, 0)
    seen: NDArray[np.uint8] = np.zeros_like(planes[0])
    best = np.full(uptakes.shape[1:], -1, np.float32)
    for colours, uptake in zip(planes, uptakes, strict=True):
        rank = uptake + luminance(colours) * np.float32(0.99)  # below one step of uptake
        better = rank > best
        best[better], seen[better] = rank[better], colours[better]
    return seen

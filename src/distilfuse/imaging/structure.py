"""Structure maps: where edges are and how they run, whatever is bright on which side of them.

A visible and an infrared picture agree in little but that. Gradients are normalised by their surroundings, so that a
faint edge in the dark counts like a strong one, and described by twice their angle, which is the same for a gradient
and its opposite (Granlund, "In search of a general picture processing operator", CGIP 1978). Together these are the
first Fourier terms, along the orientation, of the channel features of orientated gradients (CFOG: Ye et al., "Fast and
robust matching for multimodal remote sensing image registration", TGRS 2019, doi 10.1109/TGRS.2019.2924684).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.opencv import opencv

CHANNELS = 3
"""The strength of edges about its mean; the strength times the cosine and the sine of twice their angle."""

_SURROUNDINGS = (31, 31)
"""Window in pixels that an edge's strength is compared with."""
_FLOOR = 0.35
"""Share of the picture's mean gradient that is added to the surroundings': noise in flat parts is not raised."""
_STRONGEST = 3.0
"""Strength in units of the surroundings' mean at which an edge is saturated."""


def structure(plane: NDArray[np.float32], *, fine: float = 1.0, pool: float = 2.0) -> NDArray[np.float32]:
    """The structure maps of a picture.

    Args:
        plane: ``H x W`` luminance in 0..1.
        fine: standard deviation in pixels of the blur before gradients are taken.
        pool: standard deviation of the blur of the maps; about half the misalignment at which two maps still agree.

    Returns:
        ``CHANNELS x H x W`` float32, about 0 where nothing is to be seen.

    Raises:
        MissingDependencyError: OpenCV (extra ``align``) is not installed.
    """
    cv2 = opencv()
    smooth = cv2.GaussianBlur(plane, (0, 0), fine)
    gx, gy = cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    length = cv2.magnitude(gx, gy)
    around = cv2.blur(length, _SURROUNDINGS)
    around += _FLOOR * float(length.mean()) + 1e-6
    strength = np.minimum(length / around, _STRONGEST)
    # (gx + i gy)**2 has twice the angle; over its length it is the direction alone.
    direction = strength / (length * length + 1e-12)
    maps = np.empty((CHANNELS, *plane.shape), np.float32)
    maps[0] = strength
    np.multiply(direction, gx * gx - gy * gy, out=maps[1])
    np.multiply(direction, 2 * gx * gy, out=maps[2])
    for channel in maps:
        cv2.GaussianBlur(channel, (0, 0), pool, dst=channel)
    maps[0] -= cv2.blur(maps[0], _SURROUNDINGS)
    return maps

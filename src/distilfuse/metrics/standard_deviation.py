"""SD: standard deviation of the fused picture's grey levels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.metric import Metric


def standard_deviation(fused: NDArray[Any], *, data_range: float = 255.0, byte_arithmetic: bool = False) -> float:
    """sqrt(mean((F - mean(F))^2)), over all pixels.

    Args:
        fused: grey picture, ``H x W``, 0..``data_range``.
        data_range: largest possible value; it only guards the input, the result stays on the picture's own scale.
        byte_arithmetic: repeat what MATLAB does to a picture of type uint8: differences below 0 become 0, squares above
            255 become 255, so that the result never exceeds sqrt(255) = 15.97.

    Returns:
        0 (constant) .. half of ``data_range`` (half black, half white), in grey levels; higher is read as more
        contrast.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.as_planes`.
    """
    (plane,) = as_planes(fused, data_range=data_range)
    plane -= plane.mean()
    if byte_arithmetic:
        plane = np.floor(np.maximum(plane, 0) + 0.5)  # MATLAB rounds halves up
        return math.sqrt(float(np.minimum(plane * plane, 255).mean()))
    return math.sqrt(float(np.vdot(plane, plane)) / plane.size)


CARD = Metric(
    name="SD",
    title="standard deviation",
    inputs="fused",
    higher_is_better=True,
    unit="grey level",
    range="0 (constant) .. 127.5 (half black, half white)",
    measures="Contrast over the whole fused picture: sqrt(mean((F - mean F)^2)). The sources do not enter.",
    gamed_by="Any stretch of contrast, burnt-out highlights included.",
    in_the_wild="On floats 41.1, computed in MATLAB's bytes 9.9 (max() of ten RoadScene pairs): differences below 0 "
    "and squares above 255 are cut off there, at most 15.97 can come out, and rankings flip. On pictures of 0..1: "
    "0.161.",
    source="Statistics; for fusion Ma, Ma and Li, Infrared and visible image fusion methods: a survey (Information "
    "Fusion 45, 2019).",
)

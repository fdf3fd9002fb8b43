"""AG: mean gradient of the fused picture (Cui et al., 2015)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric

MIN_SIDE = 2


def average_gradient(fused: NDArray[Any], *, data_range: float = 255.0, fewer_pixels: bool = False) -> float:
    """Mean of sqrt((gx^2 + gy^2) / 2), from central differences (one-sided at the border).

    Args:
        fused: grey picture, ``H x W``, 0..``data_range``.
        data_range: largest possible value; it only guards the input, the result stays on the picture's own scale.
        fewer_pixels: repeat a MATLAB code that sums over all H W pixels but divides by (H - 1) (W - 1).

    Returns:
        0 (constant) upward, in grey levels a pixel; higher is read as sharper.

    Raises:
        InputError: a side is shorter than 2 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    (plane,) = as_planes(fused, data_range=data_range, smallest=MIN_SIDE)
    gy, gx = np.gradient(plane, axis=0), np.gradient(plane, axis=1)
    squares: Array = gx * gx + gy * gy
    np.sqrt(squares, out=squares)
    height, width = squares.shape
    pixels: int = (height - 1) * (width - 1) if fewer_pixels else height * width
    return float(squares.sum()) * math.sqrt(0.5) / pixels


CARD = Metric(
    name="AG",
    title="average gradient",
    inputs="fused",
    higher_is_better=True,
    unit="grey level",
    range="0 (constant) upward; 2 to 12 on real pairs",
    measures="Mean of sqrt((gx^2 + gy^2) / 2) with central differences: sharpness of the fused picture. The sources do "
    "not enter.",
    gamed_by="Noise and sharpening, as for SF, though no single step weighs more than its height.",
    in_the_wild="Central differences 4.04, the same divided by (H - 1) (W - 1) 4.06, forward differences 4.89, Sobel "
    "magnitudes 42.4, or an eighth of that (max() of ten RoadScene pairs).",
    source="Cui, Feng, Xu, Li and Chen, Detail preserved fusion of visible and infrared images using regional saliency "
    "extraction and multi-scale image decomposition (Optics Communications 341, 2015).",
)

"""SF: root mean square of the differences between neighbouring pixels (Eskicioglu and Fisher, 1995)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.metric import Metric

MIN_SIDE = 2


def spatial_frequency(fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """sqrt(RF^2 + CF^2), RF^2 and CF^2 being the mean squared differences of neighbours in rows and in columns.

    Args:
        fused: grey picture, ``H x W``, 0..``data_range``.
        data_range: largest possible value; it only guards the input, the result stays on the picture's own scale.

    Returns:
        0 (constant) .. sqrt(2) ``data_range`` (a black and white chequerboard), in grey levels; higher is read as more
        detail.

    Raises:
        InputError: a side is shorter than 2 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    (plane,) = as_planes(fused, data_range=data_range, smallest=MIN_SIDE)
    steps = (plane[:, 1:] - plane[:, :-1], plane[1:] - plane[:-1])
    return math.sqrt(sum(float(np.vdot(step, step)) / step.size for step in steps))


CARD = Metric(
    name="SF",
    title="spatial frequency",
    inputs="fused",
    higher_is_better=True,
    unit="grey level",
    range="0 (constant) .. 361 (black and white chequerboard)",
    measures="Activity from pixel to pixel: sqrt(RF^2 + CF^2), the mean squared differences of neighbours in rows and "
    "in columns. The sources do not enter.",
    gamed_by="Noise and sharpening: squares let the few largest steps decide.",
    in_the_wild="On pictures of 0..255 11.2, on 0..1 0.044 (max() of ten RoadScene pairs). Where one difference runs "
    "across the colour channels by mistake 12.9, on MSRS 17.2 instead of 11.0: colour counts as detail, grey results "
    "lose.",
    source="Eskicioglu and Fisher, Image quality measures and their performance (IEEE Transactions on Communications "
    "43, 1995).",
)

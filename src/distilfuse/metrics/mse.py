"""MSE: mean squared error of the fused picture and one source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.metric import Metric


def mse(reference: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Mean of (R - F)^2 over all pixels.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``.
        fused: fused picture, same shape.
        data_range: largest possible value; it only guards the input, the result stays on the pictures' own scale.

    Returns:
        0 (identical) .. ``data_range``^2 (black and white exchanged), in squared grey levels; lower is better.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.as_planes`.
    """
    source, result = as_planes(reference, fused, data_range=data_range)
    difference = source - result
    return float(np.vdot(difference, difference)) / difference.size


CARD = Metric(
    name="MSE",
    title="mean squared error",
    inputs="each",
    higher_is_better=False,
    unit="squared grey level",
    range="0 (identical) .. 65025 (black and white exchanged, pictures of 0..255)",
    measures="How far the fused picture is from a source, pixel by pixel: the mean of (R - F)^2. The field reports "
    "the mean over both sources.",
    gamed_by="The plain average of the two sources minimises it over all pictures: the best MSE is the washed-out "
    "picture that fusion is meant to avoid. Half the squared difference of the sources cannot be removed by any "
    "method.",
    in_the_wild="Some codes scale the pictures to 0..1 first: 65025 times smaller (0.0092 for 596). Mean over both "
    "sources nearly everywhere, the sum in a few: twice as large.",
    source="Image processing folklore; for fusion Zhang, Ye and Xiao, VIFB (CVPR workshops 2020).",
)

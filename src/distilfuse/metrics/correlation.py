"""CC: linear correlation of the fused picture and one source."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric


def correlation(reference: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Pearson's correlation coefficient of the grey values.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``.
        fused: fused picture, same shape.
        data_range: largest possible value; the result does not depend on it.

    Returns:
        -1 (negative) .. 1 (equal up to brightness and contrast); no unit, higher is better. NaN when either picture is
        constant.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.as_planes`.
    """
    return pearson(*as_planes(reference, fused, data_range=data_range))


def pearson(a: Array, b: Array) -> float:
    """Correlation of two planes of any range; NaN when either is constant."""
    if a.min() == a.max() or b.min() == b.max():
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    found = np.vdot(a, b) / math.sqrt(float(np.vdot(a, a)) * float(np.vdot(b, b)))
    return float(min(max(found, -1.0), 1.0))  # rounding reaches past 1 by some 1e-16


CARD = Metric(
    name="CC",
    title="correlation coefficient",
    inputs="each",
    higher_is_better=True,
    unit="",
    range="-1 (negative) .. 1 (equal up to brightness and contrast)",
    measures="Whether fused picture and source brighten and darken together: Pearson's r of their grey values. The "
    "field reports the mean over both sources.",
    gamed_by="Averaging: the sum of the sources, each divided by its standard deviation, has the largest possible "
    "mean. Contrast may be lost without a trace, as brightness and contrast do not enter.",
    in_the_wild="The mean over both sources in most tables, the sum in some: twice as large. One code subtracts the "
    "wrong source's mean in the numerator, which changes nothing as the other factor sums to 0.",
    source="Pearson; for fusion Ma, Ma and Li, Infrared and visible image fusion methods: a survey (2019).",
)

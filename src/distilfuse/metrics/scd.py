"""SCD: sum of the correlations of differences (Aslantas and Bendes, 2015)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.correlation import pearson
from distilfuse.metrics.metric import Metric


def scd(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """r(F - I, V) + r(F - V, I): what is left of the fused picture without one source should be the other.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value; the result does not depend on it.

    Returns:
        -2 .. 2 (F = V + I up to brightness); no unit, higher is better. NaN when a source, or its difference to the
        fused picture, is constant: so too where the fused picture is a copy of a source.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.as_planes`.
    """
    v, i, f = as_planes(visible, infrared, fused, data_range=data_range)
    return pearson(f - i, v) + pearson(f - v, i)


CARD = Metric(
    name="SCD",
    title="sum of the correlations of differences",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="-2 .. 2 (the fused picture is the sum of the sources, up to brightness)",
    measures="Whether the fused picture without one source looks like the other: r(F - I, V) + r(F - V, I), r being "
    "Pearson's correlation.",
    gamed_by="Adding contrast: V + I reaches 2 though most of it is burnt out on a screen, and any stretch of a dull "
    "average rises. Two sources that are alike already make it large or small whatever the method does.",
    in_the_wild="On pictures of type uint8 the differences saturate at 0 (MATLAB) or wrap around (numpy). Three "
    "results of other methods: 1.93 becomes 1.75 and 1.49 becomes 1.58 where they saturate, and 1.49 becomes -0.72 "
    "where they wrap.",
    source="Aslantas and Bendes, A new image quality metric for image fusion: the sum of the correlations of "
    "differences (AEU 69, 2015).",
)

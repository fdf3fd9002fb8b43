"""Qw and Qe: Wang and Bovik's quality index, weighted by the sources' local contrast (Piella and Heijmans, 2003)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.quality_index import quality_index, variance_share, windows

WINDOW = 8
_EDGE_BORDER = 2  # what the gradient takes off each axis
MIN_SIDE = WINDOW + _EDGE_BORDER


def qw(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """sum_w c(w) [l(w) Q0(V, F | w) + (1 - l(w)) Q0(I, F | w)] over all windows of 8 x 8 pixels.

    The saliency s of a window is its variance; l = s_V / (s_V + s_I) is the visible picture's share of it, c the
    larger of the two saliencies divided by its sum over all windows. Q0 is the quality index of Wang and Bovik,
    4 cov mean_a mean_b / ((var_a + var_b) (mean_a^2 + mean_b^2)).

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value; the result does not depend on it.

    Returns:
        -1 .. 1 (identical); no unit, higher is better. NaN when both sources are constant: no window weighs anything.

    Raises:
        InputError: a side is shorter than 10 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    v, i, f = as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE)
    return _weighted_index(v, i, f, data_range=data_range)


def qe(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Qw of the pictures times Qw of their edge pictures (Prewitt magnitudes, where the mask fits).

    Arguments and errors are those of :func:`qw`.

    Returns:
        -1 .. 1 (identical); no unit, higher is better. NaN when both sources are constant.
    """
    planes = as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE)
    edges = [_edges(plane) for plane in planes]
    return _weighted_index(*planes, data_range=data_range) * _weighted_index(*edges, data_range=data_range)


def _weighted_index(visible: Array, infrared: Array, fused: Array, *, data_range: float) -> float:
    v, i, f = (windows(plane, _window_mean, data_range=data_range) for plane in (visible, infrared, fused))
    saliency = np.maximum(v.variance, i.variance)
    total = float(saliency.sum())
    if total == 0:
        return math.nan
    share = variance_share(v, i)
    quality = share * quality_index(v, f, _window_mean) + (1 - share) * quality_index(i, f, _window_mean)
    return float((saliency * quality).sum()) / total


def _window_mean(image: Array) -> Array:
    """Means of all windows of 8 x 8, by doubling: exact for whole numbers, so flat windows have no variance."""
    for step in (1, 2, 4):
        image = image[:-step] + image[step:]
    for step in (1, 2, 4):
        image = image[:, :-step] + image[:, step:]
    return image / WINDOW**2


def _edges(image: Array) -> Array:
    rows = image[:-2] + image[1:-1] + image[2:]
    columns = image[:, :-2] + image[:, 1:-1] + image[:, 2:]
    return np.asarray(np.hypot(rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]))


_SOURCE = "Piella and Heijmans, A new quality metric for image fusion (ICIP 2003); Q0: Wang and Bovik (2002)."

CARD_QW = Metric(
    name="Qw",
    title="weighted fusion quality index",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="-1 .. 1 (identical)",
    measures="How similar the fused picture is, window by window, to the source of more contrast there: correlation, "
    "brightness and contrast in one index (Q0), windows weighted by the larger contrast.",
    gamed_by="Copying whichever source has the larger local variance; what a dim source adds in flat places weighs "
    "nothing.",
    in_the_wild="A much used MATLAB code replaces Q0 in windows of 8 x 8 by SSIM with its constants in the Gaussian "
    "window of 11: 0.01 to 0.05 more (0.842 for 0.796), 0.01 less on CT-MRI. Windows flat in both sources are given "
    "a weight of half a grey level squared there, none here.",
    source=_SOURCE,
)

CARD_QE = Metric(
    name="Qe",
    title="edge-dependent fusion quality index",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="-1 .. 1 (identical)",
    measures="Qw of the pictures times Qw of their gradient magnitudes, so that edges count twice.",
    gamed_by="As for Qw. Two negative factors would make a good value; that does not happen on sensible results.",
    in_the_wild="The same code multiplies by a variable that it never sets and stops; mended, with its SSIM instead "
    "of Q0, it gives 0.01 to 0.04 more (0.677 for 0.635), 0.01 less on CT-MRI. The exponent of the edge term is 1 "
    "everywhere.",
    source=_SOURCE,
)

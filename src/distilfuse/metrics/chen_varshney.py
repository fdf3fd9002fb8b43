"""Qcv: visible difference to both sources, weighted by their edges (Chen and Varshney, 2007)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric

WINDOW = 16
_SALIENCY_POWER = 5
# Frequencies for the contrast sensitivity: the picture spans 4 degrees either way.
_CYCLES_PER_DEGREE = 1 / 4


def chen_varshney(
    visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0
) -> float:
    """sum_w [l_V(w) D(V, F | w) + l_I(w) D(I, F | w)] / sum_w [l_V(w) + l_I(w)] over windows of 16 x 16 side by side.

    l_X is the sum of the fifth power of source X's Sobel magnitude in the window; D is the mean square of X - F after
    the contrast sensitivity of Mannos and Sakrison, 2.6 (.0192 + .144 r) exp(-(.144 r)^1.1). Windows at the right and
    lower border may be smaller.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value; the result is on the scale 0..255 whatever it is.

    Returns:
        0 (identical) upward, some hundreds on real pairs, in squared grey levels; lower is better. NaN when both
        sources are constant: no window weighs anything.

    Raises:
        InputError: a side is shorter than 16 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    planes = as_planes(visible, infrared, fused, data_range=data_range, smallest=WINDOW)
    v, i, f = (plane * (255 / data_range) for plane in planes)
    sensitivity = _sensitivity(v.shape)
    area = _window_sums(np.ones_like(v))
    weighted = weights = 0.0
    for source in (v, i):
        saliency = _window_sums(_edge_strength(source) ** _SALIENCY_POWER)
        seen = np.fft.irfft2(np.fft.rfft2(source - f) * sensitivity, s=source.shape)
        weighted += float((saliency * _window_sums(seen * seen) / area).sum())
        weights += float(saliency.sum())
    return weighted / weights if weights > 0 else math.nan


def _sensitivity(shape: tuple[int, ...]) -> Array:
    """Mannos and Sakrison's curve on the half plane of frequencies that ``rfft2`` returns."""
    height, width = shape
    y, x = np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width  # cycles per picture
    r = 0.144 * np.hypot(y, x) * _CYCLES_PER_DEGREE
    return np.asarray(2.6 * (0.0192 + r) * np.exp(-(r**1.1)))


def _edge_strength(image: Array) -> Array:
    """Sobel magnitude; the outermost pixels repeat, so the border of the picture is no edge."""
    p = np.pad(image, 1, mode="edge")
    rows = p[:-2] + 2 * p[1:-1] + p[2:]
    columns = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    return np.asarray(np.hypot(rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]))


def _window_sums(image: Array) -> Array:
    height, width = image.shape
    rows = np.add.reduceat(image, np.arange(0, height, WINDOW), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, width, WINDOW), axis=1))


CARD = Metric(
    name="Qcv",
    title="human perception inspired difference (Chen-Varshney)",
    inputs="both",
    higher_is_better=False,
    unit="squared grey level",
    range="0 (identical) upward, some hundreds on real pairs; on the scale 0..255",
    measures="The difference to each source, filtered as the eye sees it, averaged over windows of 16 x 16 with the "
    "fifth power of the source's gradient as weight: errors at the strongest edges.",
    gamed_by="A handful of windows with the hardest edges decide; the rest of the picture may be anything. Averaging "
    "the sources helps, as for MSE.",
    in_the_wild="A much used MATLAB code stretches each picture to 0..255 on its own before it takes differences: "
    "1022 for 295, 421 for 148 where ranges differ. Its gradients see black beyond the border, which then outweighs "
    "all real edges: 562 for 220, 42 for 100. Incomplete windows are filled with zeros: up to 1 %. All three "
    "together: 971 for 220. One collection also multiplies by 0.1.",
    source="Chen and Varshney, A human perception inspired quality metric for image fusion based on regional "
    "information (Information Fusion 8, 2007).",
)

"""Labf and Nabf: edges of the sources that were lost, and edges of the fused picture that no source has."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric

# Sigmoids of strength (G) and orientation (A) as Petrovic and Xydeas chose them here; Qabf of 2000 has others.
_GAMMA_G, _KAPPA_G, _GAMMA_A, _KAPPA_A, _MIDDLE = 0.9999, 19.0, 0.9995, 22.0, 0.5
_WEIGHT_POWER = 1.5
_FAINT_WEIGHT = 0.001
MIN_SIDE = 2


class EdgeTransfer(NamedTuple):
    """What became of the sources' edges; the three parts sum to 1."""

    kept: float
    lost: float
    artifacts: float


def labf(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Share of the edge information that was lost; see :func:`edge_transfer` for arguments and errors.

    Returns:
        About 0 (nothing lost) .. 1; no unit, lower is better.
    """
    return edge_transfer(visible, infrared, fused, data_range=data_range).lost


def nabf(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    faint: float = 2.0,
) -> float:
    """Share of the edge information that was added; see :func:`edge_transfer` for arguments and errors.

    Returns:
        0 (no edge is stronger than in both sources) .. 1; no unit, lower is better.
    """
    return edge_transfer(visible, infrared, fused, data_range=data_range, faint=faint).artifacts


def edge_transfer(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    faint: float = 2.0,
) -> EdgeTransfer:
    """Edge information kept, lost and added, with Shreyamsha Kumar's definition of the last.

    Q_X = sqrt(Q_g Q_a) tells how well strength and orientation of source X's Sobel gradient (over 8) survive, w_X =
    g_X^1.5 how much they matter. Then, with sums over all pixels and both sources and divided by sum(w_V + w_I):

        kept = sum(Q_X w_X),  lost + artifacts = sum((1 - Q_X) w_X);

    a pixel belongs to the artifacts where the fused gradient is stronger than both sources', else to the loss.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value.
        faint: source gradients below this, in grey levels of 0..255, weigh .001 whatever their strength. Infinity
            gives all pixels the same weight.

    Returns:
        The three shares, which sum to 1. Without an edge in any of the pictures nothing was lost or added: kept is
        then .9997, the product of the two sigmoids at their end.

    Raises:
        InputError: a side is shorter than 2 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    planes = as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE)
    (v, angle_v), (i, angle_i), (f, angle_f) = (_edges(plane * (255 / data_range)) for plane in planes)
    added = (f > v) & (f > i)
    total = kept = artifacts = 0.0
    for strength, angle in ((v, angle_v), (i, angle_i)):
        weight = np.where(strength >= faint, strength * np.sqrt(strength), _FAINT_WEIGHT)
        preserved = _preservation(strength, angle, f, angle_f)
        total += float(weight.sum())
        kept += float((preserved * weight).sum())
        artifacts += float(((1 - preserved) * weight)[added].sum())
    return EdgeTransfer(kept / total, (total - kept - artifacts) / total, artifacts / total)


def _edges(image: Array) -> tuple[Array, Array]:
    """Sobel magnitude over 8 and angle in [-pi/2, pi/2]; the picture is mirrored about its outermost pixels."""
    p = np.pad(image, 1, mode="reflect")
    rows = p[:-2] + 2 * p[1:-1] + p[2:]
    columns = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    across = (rows[:, 2:] - rows[:, :-2]) / 8
    down = (columns[2:] - columns[:-2]) / 8
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arctan(across / down)
    angle[(across == 0) & (down == 0)] = 0
    return np.hypot(across, down), angle


def _preservation(strength: Array, angle: Array, fused_strength: Array, fused_angle: Array) -> Array:
    larger = np.maximum(strength, fused_strength)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.minimum(strength, fused_strength) / larger
    ratio[larger == 0] = 1  # flat where the source is flat: nothing was lost
    alignment = np.abs(np.abs(angle - fused_angle) - math.pi / 2) * (2 / math.pi)
    kept_strength = _GAMMA_G / (1 + np.exp(-_KAPPA_G * (ratio - _MIDDLE)))
    kept_angle = _GAMMA_A / (1 + np.exp(-_KAPPA_A * (alignment - _MIDDLE)))
    return np.asarray(np.sqrt(kept_strength * kept_angle))


_SOURCE = (
    "Petrovic and Xydeas, Objective image fusion performance characterisation (ICCV 2005); Shreyamsha Kumar, "
    "Multifocus and multispectral image fusion based on pixel significance using DCHWT (Signal, Image and Video "
    "Processing 7, 2013)."
)

CARD_LABF = Metric(
    name="Labf",
    title="loss of edge information",
    inputs="both",
    higher_is_better=False,
    unit="",
    range="about 0 (nothing lost) .. 1; with Nabf and the share that was kept it sums to 1",
    measures="Edges of the sources, weighted by strength^1.5, that are weaker or turned in the fused picture, where "
    "that is not stronger than both sources.",
    gamed_by="Amplifying: where the fused gradient exceeds both sources', the damage is booked as Nabf instead. Read "
    "the two together.",
    in_the_wild="Rarely reported, and then by the code that Nabf's card describes. The share kept that goes with Labf "
    "and Nabf is no Qabf: it has other constants and is far higher (0.85 where Qabf is 0.51), so Qabf + Labf + Nabf "
    "is not 1.",
    source=_SOURCE,
)

CARD_NABF = Metric(
    name="Nabf",
    title="fusion artifacts",
    inputs="both",
    higher_is_better=False,
    unit="",
    range="0 (no gradient is stronger than in both sources) .. 1; below 0.1 on most real results",
    measures="Edge information that the fused picture has and no source has: halos, noise, over-sharpening, counted "
    "where its gradient is stronger than both sources'.",
    gamed_by="Blurring: a picture without strong gradients has no artifacts and loses all the same (see Labf).",
    in_the_wild="A much used MATLAB collection passes pictures of 0..1 to a code with a limit of 2 grey levels, so "
    "all pixels weigh the same (here: faint = infinity): 0.176 for 0.024, 0.364 for 0.091. Petrovic's own "
    "definition counts the losses of both sources with the weights of both: 0.283 for 0.024, and the three shares "
    "then sum to more than 1.",
    source=_SOURCE,
)

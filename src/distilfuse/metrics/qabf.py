"""Qabf: how much of the sources' edges the fused picture keeps (Xydeas and Petrovic, 2000)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.metric import Metric

# Rows computed at once: few enough for the intermediate planes to stay in the processor's cache.
_ROWS = 64
# arctan(x) = x (1 + sum_k c_k x^2k) on 0..1 to 2e-8 (Abramowitz and Stegun 4.4.49).
_ARCTAN = (
    -0.3333314528, 0.1999355085, -0.1420889944, 0.1065626393, -0.0752896400, 0.0429096138, -0.0161657367, 0.0028662257,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class QabfConstants:
    """Sigmoids of strength (g) and orientation (a): Gamma / (1 + exp(kappa (x - delta)))."""

    gamma_g: float = 0.9994
    kappa_g: float = -15.0
    delta_g: float = 0.5
    gamma_a: float = 0.9879
    kappa_a: float = -22.0
    delta_a: float = 0.8


CONSTANTS = QabfConstants()


def qabf(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    equal_edge_quirk: bool = True,
) -> float:
    """Edge preservation, weighted by the sources' Sobel magnitudes.

    Qabf = sum(Q_AF g_A + Q_BF g_B) / sum(g_A + g_B), Q_XF = Q_g(edge strength ratio) Q_a(orientation).

    Bytes are computed in float32: their squared magnitudes are whole numbers below 2^24, so equal edges are found
    exactly, and the value differs from float64's by less than 1e-6. Other types are computed in float64.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value.
        equal_edge_quirk: the published code sets the strength ratio to the magnitude itself where both
            are equal (so flat on flat counts as lost, and on pictures of 0..1 most edges that were kept exactly do);
            True repeats that (protocol ``paper``), False uses the correct ratio 1, and the scale does not matter.

    Returns:
        0 (all edges lost) .. about 0.975 (identical: both sigmoids end below 1); no unit, higher is better.
        NaN when no source has an edge: the definition is 0 / 0.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.check_planes`.
    """
    check_planes(visible, infrared, fused, data_range=data_range)
    # Pixels outside the picture count as 0, as published.
    padded = [np.pad(image, 1) for image in (visible, infrared, fused)]
    kept = total = 0.0
    for top in range(0, fused.shape[0], _ROWS):
        *sources, result = (_edges(image[top : top + _ROWS + 2]) for image in padded)
        for source in sources:
            preserved = _preservation(source, result, equal_edge_quirk)
            preserved *= source.strength
            kept += float(preserved.sum(dtype=np.float64))
            total += float(source.strength.sum(dtype=np.float64))
    return kept / total if total > 0 else math.nan


class _Edges(NamedTuple):
    """Sobel magnitude, its square, and the angle in (-pi/2, pi/2]; float32 of bytes, else float64."""

    strength: NDArray[Any]
    square: NDArray[Any]
    angle: NDArray[Any]


def _edges(image: NDArray[Any]) -> _Edges:
    """Of a picture with one pixel of padding."""
    narrow = image.dtype == np.uint8
    p: NDArray[Any] = image.astype(np.int16 if narrow else np.float64)
    rows = p[:-2] + p[2:]
    rows += p[1:-1]
    rows += p[1:-1]
    columns = p[:, :-2] + p[:, 2:]
    columns += p[:, 1:-1]
    columns += p[:, 1:-1]
    result = np.float32 if narrow else np.float64
    gx = np.subtract(rows[:, :-2], rows[:, 2:]).astype(result)
    gy = np.subtract(columns[2:], columns[:-2]).astype(result)
    angle = _fast_angle(gx, gy) if narrow else _angle(gx, gy)
    gx *= gx
    gy *= gy
    gx += gy
    return _Edges(np.sqrt(gx), gx, angle)


def _angle(gx: NDArray[Any], gy: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arctan(gy / gx)
    angle[gx == 0] = math.pi / 2
    return np.asarray(angle)


def _fast_angle(gx: NDArray[Any], gy: NDArray[Any]) -> NDArray[Any]:
    """:func:`_angle` of whole numbers to 2e-7, ten times as fast: a polynomial for the angle to the nearer axis."""
    across, down = np.abs(gx), np.abs(gy)
    larger = np.maximum(across, down)
    larger += larger == 0  # arithmetic with truth values is far cheaper in numpy than masks
    ratio = np.minimum(across, down)
    ratio /= larger
    square = ratio * ratio
    angle = square * _ARCTAN[-1]
    for coefficient in _ARCTAN[-2::-1]:
        angle += coefficient
        angle *= square
    angle += 1
    angle *= ratio
    angle -= (down >= across) * np.float32(math.pi / 2)
    np.abs(angle, out=angle)
    gx_gy = gx * gy
    angle *= 1 - 2 * (gx_gy < 0).view(np.int8)
    return np.asarray(angle)


def _preservation(source: _Edges, fused: _Edges, equal_edge_quirk: bool) -> NDArray[Any]:
    c = CONSTANTS
    smaller = np.minimum(source.strength, fused.strength)
    larger = np.maximum(source.strength, fused.strength)
    flat = larger == 0
    larger += flat
    ratio = smaller / larger
    if equal_edge_quirk:
        smaller -= ratio
        smaller *= source.square == fused.square
        ratio += smaller
    else:
        ratio += flat  # nothing was there, nothing was lost
    # Gamma_g Gamma_a / ((1 + exp(kappa_g (ratio - delta_g))) (1 + exp(kappa_a (alignment - delta_a))))
    ratio -= c.delta_g
    ratio *= c.kappa_g
    np.exp(ratio, out=ratio)
    ratio += 1
    turn = source.angle - fused.angle
    np.abs(turn, out=turn)
    turn *= -c.kappa_a / (math.pi / 2)
    turn += c.kappa_a * (1 - c.delta_a)
    np.exp(turn, out=turn)
    turn += 1
    ratio *= turn
    return np.asarray(c.gamma_g * c.gamma_a / ratio)


CARD = Metric(
    name="Qabf",
    title="edge preservation",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="0 (all edges lost) .. about 0.975 (identical); near 0.75 is close to what two different sources allow",
    measures="How well strength g and direction of the sources' Sobel gradients survive: "
    "sum(Q_V g_V + Q_I g_I) / sum(g_V + g_I), Q a product of two sigmoids.",
    gamed_by="Following the source of stronger gradients at every pixel, seams or not. Noise in a source is an edge "
    "like any other: a method that removes it loses.",
    in_the_wild="The published code takes an edge that is kept exactly for one of strength ratio g, its strength: on "
    "0..255 that changes 0.582 by less than 0.001, on 0..1 it makes 0.432 of it (max() of ten RoadScene pairs) and "
    "punishes whoever copies pixels.",
    source="Xydeas and Petrovic, Objective image fusion performance measure (Electronics Letters 36, 2000).",
)

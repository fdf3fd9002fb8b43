"""Qabf: how much of the sources' edges the fused picture keeps (Xydeas and Petrovic, 2000)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.filters import Array
from distilfuse.metrics.grey import check_same_size


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
    visible: NDArray[np.uint8],
    infrared: NDArray[np.uint8],
    fused: NDArray[np.uint8],
    *,
    equal_edge_quirk: bool = True,
) -> float:
    """Edge preservation, weighted by the sources' Sobel magnitudes.

    Qabf = sum(Q_AF g_A + Q_BF g_B) / sum(g_A + g_B), Q_XF = Q_g(edge strength ratio) Q_a(orientation).

    Args:
        visible: grey ``H x W`` uint8.
        infrared: grey, same shape.
        fused: grey, same shape.
        equal_edge_quirk: the published code sets the strength ratio to the magnitude itself where both
            are equal (so flat on flat counts as lost); True repeats that (protocol ``paper``), False
            uses the correct ratio 1.

    Returns:
        0 (all edges lost) .. about 0.975 (identical: both sigmoids end below 1); no unit, higher is better.
        0 when no source has an edge.

    Raises:
        InputError: shapes or types differ.
    """
    check_same_size(visible, fused)
    check_same_size(infrared, fused)
    edges_fused = _edges(fused)
    kept = total = 0.0
    for source in (visible, infrared):
        strength, angle = _edges(source)
        kept += float((_preservation(strength, angle, *edges_fused, equal_edge_quirk) * strength).sum())
        total += float(strength.sum())
    return kept / total if total > 0 else 0.0


def _edges(image: NDArray[np.uint8]) -> tuple[Array, Array]:
    """Sobel magnitude and angle in (-pi/2, pi/2]; pixels outside the picture count as 0, as published."""
    p = np.pad(image.astype(np.float64), 1)
    rows = p[:-2] + 2 * p[1:-1] + p[2:]
    columns = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    gx = rows[:, :-2] - rows[:, 2:]
    gy = columns[2:] - columns[:-2]
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arctan(gy / gx)
    angle[gx == 0] = np.pi / 2
    return np.hypot(gx, gy), angle


def _preservation(
    strength: Array, angle: Array, fused_strength: Array, fused_angle: Array, equal_edge_quirk: bool
) -> Array:
    c = CONSTANTS
    larger = np.maximum(strength, fused_strength)
    ratio = np.minimum(strength, fused_strength) / np.where(larger == 0, 1, larger)
    equal = strength == fused_strength
    ratio[equal] = fused_strength[equal] if equal_edge_quirk else 1.0
    alignment = 1 - np.abs(angle - fused_angle) / (np.pi / 2)
    kept_strength = c.gamma_g / (1 + np.exp(c.kappa_g * (ratio - c.delta_g)))
    kept_angle = c.gamma_a / (1 + np.exp(c.kappa_a * (alignment - c.delta_a)))
    return np.asarray(kept_strength * kept_angle)

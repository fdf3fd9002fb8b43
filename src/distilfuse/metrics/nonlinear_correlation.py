"""Qncie: nonlinear correlation information entropy (Wang, Shen and Jin, 2008)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.histograms import LEVELS
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.mutual_information import mutual_information


def nonlinear_correlation(
    visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0
) -> float:
    """1 + sum_k (l_k / 3) log256(l_k / 3) over the eigenvalues l_k of the 3 x 3 matrix of nonlinear correlations.

    The nonlinear correlation of two different pictures is their mutual information from histograms of 256 grey
    levels, in units of the largest possible entropy (8 bits); that of a picture with itself is set to 1.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value.

    Returns:
        0.8019 = 1 - log256(3) (independent, or constant) .. 1 (identical, with flat histograms); no unit, higher is
        better. Real pairs lie between 0.803 and 0.82, so only the third decimal tells methods apart.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.check_planes`.
    """
    check_planes(visible, infrared, fused, data_range=data_range)
    pictures = (visible, infrared, fused)
    matrix = np.eye(3)
    for row, column in ((0, 1), (0, 2), (1, 2)):
        shared = mutual_information(pictures[row], pictures[column], data_range=data_range, base=LEVELS)
        matrix[row, column] = matrix[column, row] = shared
    share = np.linalg.eigvalsh(matrix) / 3
    share = share[share > 0]  # 0 log 0 is 0; rounding may leave -1e-17
    return float(1 + (share * np.log(share)).sum() / np.log(LEVELS))


CARD = Metric(
    name="Qncie",
    title="nonlinear correlation information entropy",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="0.8019 (independent) .. 1 (identical, flat histograms); real pairs span 0.803 to 0.82",
    measures="How strongly the three pictures depend on each other, sources among themselves included: the entropy of "
    "the eigenvalues of their matrix of mutual informations (as shares of 8 bits), subtracted from 1.",
    gamed_by="Copying one source, as for MI and NMI. The range used is so small that a difference of 0.001 is a large "
    "one: read ranks, not ratios.",
    in_the_wild="The original correlation ranks the pixels into 256 equally full bins; fusion codes take grey levels "
    "instead, as here, so identical pictures reach 1 only if their histograms are flat. Stretching to 0..255 first, "
    "as a much used MATLAB code does, changes nothing. With the logarithm to base 3, which gives the range 0..1, "
    "0.8035 would be 0.008.",
    source="Wang, Shen and Jin, Performance evaluation of image fusion techniques, in Stathaki (ed.), Image Fusion: "
    "Algorithms and Applications (2008), chapter 19; Liu et al., TPAMI 34 (2012).",
)

"""NMI: mutual information with both sources, each divided by the entropies (Hossny et al., 2008)."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.histograms import entropy_of, grey_levels, joint_counts
from distilfuse.metrics.metric import Metric


def normalised_mutual_information(
    visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0
) -> float:
    """2 [MI(V, F) / (H(V) + H(F)) + MI(I, F) / (H(I) + H(F))], from histograms of 256 grey levels.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value.

    Returns:
        0 (the fused picture tells nothing of the sources) .. 2 (each source and the fused picture determine each
        other); no unit (the base of the logarithm cancels), higher is better. NaN when the fused picture and a source
        are both constant.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.check_planes`.
    """
    check_planes(visible, infrared, fused, data_range=data_range)
    v, i, f = (grey_levels(picture, data_range) for picture in (visible, infrared, fused))
    total = 0.0
    for source in (v, i):
        joint = joint_counts(source, f)
        single = entropy_of(joint.sum(axis=1)) + entropy_of(joint.sum(axis=0))
        total += 2 * (single - entropy_of(joint)) / single if single > 0 else math.nan
    return total


CARD = Metric(
    name="NMI",
    title="normalised mutual information",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="0 .. 2 (each source and the fused picture determine each other)",
    measures="How much the grey values of the fused picture tell of those of the sources: 2 MI / (H + H) of each "
    "source and the fused picture, summed. Unlike MI it does not grow only because a source has a larger entropy.",
    gamed_by="Copying one source: that term alone is 1, more than most fusions reach with both. Smoothing and max() "
    "score high as well, since any unequal mixing of grey values costs.",
    in_the_wild="A much used MATLAB code stretches each picture to 0..255 first, which merges no grey levels and so "
    "changes nothing. Called NMI elsewhere: scikit-image's (H + H) / H(joint), 1..2 for one source, and 2 MI / (H + "
    "H) averaged over the sources, half as large.",
    source="Hossny, Nahavandi and Creighton, Comments on 'Information measure for performance of image fusion' "
    "(Electronics Letters 44, 2008).",
)

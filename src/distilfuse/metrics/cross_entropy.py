"""CE: relative entropy of one source's grey levels against the fused picture's, called cross entropy in this field."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.histograms import counts, grey_levels
from distilfuse.metrics.metric import Metric


def cross_entropy(reference: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """sum_l p(l) log2(p(l) / q(l)) over the 256 grey levels; p is the source's histogram, q the fused picture's.

    Levels that either picture lacks are left out, as in all published codes: with them the sum would be infinite for
    nearly every real picture. So it is no true Kullback-Leibler divergence and may be negative.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``.
        fused: fused picture, same shape.
        data_range: largest possible value.

    Returns:
        Bits; 0 for equal histograms, and also for histograms that share no level; lower is better.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.check_planes`.
    """
    check_planes(reference, fused, data_range=data_range)
    p, q = (counts(grey_levels(picture, data_range)) / picture.size for picture in (reference, fused))
    shared = (p > 0) & (q > 0)
    p, q = p[shared], q[shared]
    return float((p * np.log2(p / q)).sum()) + 0.0


CARD = Metric(
    name="CE",
    title="cross entropy",
    inputs="each",
    higher_is_better=False,
    unit="bit",
    range="0 (equal histograms) upward, a few bits at most; slightly negative where the pictures share few grey levels",
    measures="How far the fused picture's histogram is from a source's: sum p log2(p / q) over the grey levels that "
    "both have. The field reports the mean over both sources.",
    gamed_by="Where things lie does not enter: a shuffled copy of the sources' pixels scores as well as a fusion. "
    "Levels that the fused picture lacks are forgiven, so a picture of few grey levels (posterised) looks better.",
    in_the_wild="Codes differ in the levels that one picture lacks: left out here, as in most; with half a count "
    "added to every level up to 0.2 bit more, once 0.42 (0.95 becomes 1.37), though no more than 3.5 % of the "
    "source's pixels lie there. Natural logarithms: times 0.69. The mean over both sources in most tables, the root "
    "of the mean square in some.",
    source="Bulanon, Burks and Alchanatis, Image fusion of visible and thermal images for fruit detection (Biosystems "
    "Engineering 103, 2009).",
)

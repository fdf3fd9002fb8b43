"""EN: Shannon entropy of the fused picture's grey levels."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.histograms import counts, entropy_of, grey_levels
from distilfuse.metrics.metric import Metric


def entropy(fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Shannon entropy of the 256-bin histogram.

    EN = -sum_l p(l) log2 p(l)  (Roberts et al., 2008).

    Args:
        fused: grey picture, ``H x W``, 0..``data_range``; values between the 256 levels are rounded to the nearest.
        data_range: largest possible value.

    Returns:
        Entropy in bits, 0 (constant) .. 8 (flat histogram); higher is read as "more information",
        though noise raises it as well.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.check_planes`.
    """
    check_planes(fused, data_range=data_range)
    return entropy_of(counts(grey_levels(fused, data_range)))


CARD = Metric(
    name="EN",
    title="entropy",
    inputs="fused",
    higher_is_better=True,
    unit="bit",
    range="0 (constant) .. 8 (all 256 grey levels equally often)",
    measures="How evenly the fused picture uses the 256 grey levels: -sum p log2 p over its histogram. The sources do "
    "not enter.",
    gamed_by="Noise, stretched contrast and histogram equalisation, which reaches nearly 8 from any picture. Where "
    "things lie does not enter either.",
    in_the_wild="Codes that count all three channels of a colour result give 7.10 instead of 6.99 bits (max() of ten "
    "RoadScene pairs), natural logarithms 4.85; rounding grey instead of cutting it off moves the second decimal.",
    source="Roberts, van Aardt and Ahmed, Assessment of image fusion procedures using entropy, image quality, and "
    "multispectral classification (Journal of Applied Remote Sensing 2, 2008).",
)

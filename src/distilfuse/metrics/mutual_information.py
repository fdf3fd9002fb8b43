"""MI: what the fused picture's grey levels tell of one source's (Qu et al., 2002)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.checks import check_planes
from distilfuse.metrics.histograms import entropy_of, grey_levels, joint_counts
from distilfuse.metrics.metric import Metric


def mutual_information(
    reference: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    base: float = 2.0,
    merge_brightest: bool = False,
) -> float:
    """H(R) + H(F) - H(R, F), from histograms of 256 grey levels.

    Args:
        reference: source, grey ``H x W``, 0..``data_range``; values between the levels are rounded to the nearest.
        fused: fused picture, same shape.
        data_range: largest possible value.
        base: of the logarithm: 2 for bits, e for nats.
        merge_brightest: repeat what a MATLAB code does to pictures of type uint8: its joint histogram adds 1 to the
            levels, and 255 + 1 is 255, so that levels 254 and 255 fall together (but not where one picture's entropy is
            computed).

    Returns:
        0 (independent) .. the smaller of the two entropies, at most 8 bits; higher is better.

    Raises:
        InputError: ``base`` is not above 1; see also :func:`distilfuse.metrics.checks.check_planes`.
    """
    if not base > 1:
        raise InputError(f"The base of a logarithm must be above 1, not {base}: 2 gives bits, e nats.")
    check_planes(reference, fused, data_range=data_range)
    joint = joint_counts(grey_levels(reference, data_range), grey_levels(fused, data_range))
    single = entropy_of(joint.sum(axis=1), base=base) + entropy_of(joint.sum(axis=0), base=base)
    if merge_brightest:
        joint[254] += joint[255]
        joint[:, 254] += joint[:, 255]
        joint[255] = joint[:, 255] = 0
    return single - entropy_of(joint, base=base)


CARD = Metric(
    name="MI",
    title="mutual information",
    inputs="each",
    higher_is_better=True,
    unit="bit",
    range="0 (independent) .. 8 a source; 16 as a sum over both",
    measures="How much a source's grey level tells of the fused picture's at the same pixel: H(R) + H(F) - H(R, F), "
    "from histograms.",
    gamed_by="Copying one source, or max(): each pixel then has exactly the level of a source. Any smooth mixing of "
    "the two costs, however good it looks.",
    in_the_wild="Sum in bits 7.25, in nats 5.02, mean over the sources in bits 3.62, and where MI stands for the "
    "normalised NMI 1.03 (max() of ten RoadScene pairs): unit and sum are seldom stated.",
    source="Qu, Zhang and Yan, Information measure for performance of image fusion (Electronics Letters 38, 2002).",
)

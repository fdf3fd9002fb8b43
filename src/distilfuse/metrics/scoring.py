"""Scores of one fused picture under a named protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.entropy import entropy
from distilfuse.metrics.grey import paper_grey
from distilfuse.metrics.qabf import qabf
from distilfuse.metrics.ssim import ssim
from distilfuse.metrics.vif import vif

METRICS = ("EN", "VIF", "Qabf", "SSIM")


def score(
    visible: NDArray[np.uint8],
    infrared: NDArray[np.uint8],
    fused: NDArray[np.uint8],
    *,
    metrics: Sequence[str] = METRICS,
) -> dict[str, float]:
    """Score a fused picture in protocol ``paper``.

    Grey is trunc(.2989 R + .5870 G + .1140 B); VIF and SSIM are sums over the two sources.

    Args:
        visible: ``H x W`` or ``H x W x 3`` uint8.
        infrared: likewise.
        fused: likewise.
        metrics: which of EN, VIF, Qabf, SSIM.

    Returns:
        Metric name to value, in the order asked for; higher is better in each.

    Raises:
        InputError: an unknown metric, or pictures that cannot be compared.
    """
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise InputError(f"Unknown metric {unknown[0]!r}: choose from {', '.join(METRICS)}.")
    v, i, f = paper_grey(visible), paper_grey(infrared), paper_grey(fused)
    compute = {
        "EN": lambda: entropy(f),
        "VIF": lambda: vif(v, f) + vif(i, f),
        "Qabf": lambda: qabf(v, i, f),
        "SSIM": lambda: ssim(v, f) + ssim(i, f),
    }
    return {name: compute[name]() for name in metrics}

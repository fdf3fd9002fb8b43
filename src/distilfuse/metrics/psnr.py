"""PSNR: peak signal-to-noise ratio, from the error towards both sources."""

from __future__ import annotations

import math
from typing import Any, Literal

from numpy.typing import NDArray

from distilfuse.metrics.metric import Metric
from distilfuse.metrics.mse import mse


def psnr(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    peak: float | Literal["fused"] | None = None,
) -> float:
    """10 log10(peak^2 / MSE), where MSE is the mean of MSE(V, F) and MSE(I, F).

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value.
        peak: the value that counts as peak, ``data_range`` unless given; ``fused`` is the fused picture's largest
            value. For protocols that repeat a published code.

    Returns:
        Decibels, 0 (black against white) .. infinity (all three pictures identical); higher is better.

    Raises:
        InputError: see :func:`distilfuse.metrics.checks.as_planes`.
    """
    error = (mse(visible, fused, data_range=data_range) + mse(infrared, fused, data_range=data_range)) / 2
    if error == 0:
        return math.inf
    if peak == "fused":
        peak = float(fused.max())
        if peak == 0:
            return -math.inf
    return 20 * math.log10(data_range if peak is None else peak) - 10 * math.log10(error)


CARD = Metric(
    name="PSNR",
    title="peak signal-to-noise ratio",
    inputs="both",
    higher_is_better=True,
    unit="dB",
    range="0 (black against white) .. infinity (all three pictures identical); 10 to 20 on real pairs",
    measures="The mean squared error towards both sources against the peak, logarithmic: 10 log10(peak^2 / MSE) with "
    "MSE = (MSE(V, F) + MSE(I, F)) / 2.",
    gamed_by="As for MSE: the plain average of the sources has the best possible value on every pair.",
    in_the_wild="A much used MATLAB code divides the pictures by 255 and keeps 255 as peak: 48.13 dB too many (62.1 "
    "for 13.9). Another takes the fused picture's maximum as peak: 0 to 0.07 dB less on bright pictures, far more "
    "on dim ones. The mean of two PSNRs instead of the PSNR of the mean error: up to 5.7 dB more (15.9 for 10.2).",
    source="Zhang, Ye and Xiao, VIFB: a visible and infrared image fusion benchmark (CVPR workshops 2020).",
)

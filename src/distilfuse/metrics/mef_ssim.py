"""MEF-SSIM: similarity of the fused picture to a blend of the sources' structures (Ma, Zeng and Wang, 2015)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array, filter_valid, gaussian_taps

_SIDE = 11
_GAUSSIAN = gaussian_taps(_SIDE, 1.5)
_UNIFORM = np.full(_SIDE, 1 / _SIDE)
_EPS = float(np.finfo(np.float64).eps)
_STEEPEST = 10.0
_STRENGTH_FLOOR = 0.001
_SCALE_WEIGHTS = np.array([0.0448, 0.2856, 0.3001])
MIN_SIDE = _SIDE


def mef_ssim(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Mean over windows of (2 cov(R, F) + C) / (var(R) + var(F) + C), C = (.03 * 255)^2.

    R is the window that the sources call for: their zero-mean windows, each divided by its norm, blended with weights
    norm^p and stretched to the larger of the two norms; p = tan(pi/2 agreement), 10 at most, so that the stronger
    source takes all where both agree. Made for pictures of several exposures; MATLAB code for fusion in general prints
    it as SSIM. Means enter nowhere: brightness may be anything.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value; pictures are brought to 0..255 first.

    Returns:
        -1 .. 1 (the fused picture has the structures called for everywhere); no unit, higher is better.

    Raises:
        InputError: a side is shorter than 11 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    stack = np.stack(as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE))
    return _quality(stack * (255 / data_range))


def mef_ms_ssim(
    visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0
) -> float:
    """Product over three scales of :func:`mef_ssim` to the powers .071, .453 and .476, fine to coarse.

    From scale to scale 2 x 2 pixels become their mean. Arguments as for :func:`mef_ssim`.

    Returns:
        0 .. 1; no unit, higher is better. NaN when the mean of a scale is negative, which has no such power.

    Raises:
        InputError: a side is shorter than 44 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    smallest = _SIDE * 2 ** (len(_SCALE_WEIGHTS) - 1)
    stack = np.stack(as_planes(visible, infrared, fused, data_range=data_range, smallest=smallest)) * (255 / data_range)
    product = 1.0
    for scale, weight in enumerate((_SCALE_WEIGHTS / _SCALE_WEIGHTS.sum()).tolist()):
        if scale > 0:
            stack = _halve(stack)
        quality = _quality(stack)
        product *= quality**weight if quality >= 0 else math.nan
    return product


def _quality(stack: Array) -> float:
    """Of visible, infrared and fused picture, ``3 x H x W``, 0..255."""
    v, i, f = stack
    # Zero-mean windows enter by their inner products only; these are box or Gaussian (co)variances.
    products = np.stack([v, i, v * v, i * i, v * i])
    mean_v, mean_i, vv, ii, vi = filter_valid(products, _UNIFORM)
    norms_vi = (vi - mean_v * mean_i) * _SIDE**2
    norms_v = np.maximum((vv - mean_v * mean_v) * _SIDE**2, 0)
    norms_i = np.maximum((ii - mean_i * mean_i) * _SIDE**2, 0)
    strength_v, strength_i = np.sqrt(norms_v) + _STRENGTH_FLOOR, np.sqrt(norms_i) + _STRENGTH_FLOOR
    together = np.sqrt(np.maximum(norms_v + norms_i + 2 * norms_vi, 0))
    agreement = np.minimum((together + _EPS) / (np.sqrt(norms_v) + np.sqrt(norms_i) + _EPS), 1 - _EPS)
    power = np.minimum(np.tan(math.pi / 2 * agreement), _STEEPEST)
    weight_v, weight_i = (strength_v / _SIDE) ** power + _EPS, (strength_i / _SIDE) ** power + _EPS
    share_v = weight_v / ((weight_v + weight_i) * strength_v)
    share_i = weight_i / ((weight_v + weight_i) * strength_i)
    length = np.sqrt(np.maximum(share_v**2 * norms_v + share_i**2 * norms_i + 2 * share_v * share_i * norms_vi, 0))
    larger = np.maximum(strength_v, strength_i)
    stretch = np.divide(larger, length, out=np.zeros_like(length), where=length > 0)
    share_v *= stretch
    share_i *= stretch

    products = np.stack([v, i, f, v * v, i * i, f * f, v * i, v * f, i * f])
    mean_v, mean_i, mean_f, vv, ii, ff, vi, vf, if_ = filter_valid(products, _GAUSSIAN)
    var_wanted = (
        share_v**2 * (vv - mean_v * mean_v)
        + share_i**2 * (ii - mean_i * mean_i)
        + 2 * share_v * share_i * (vi - mean_v * mean_i)
    )
    covariance = share_v * (vf - mean_v * mean_f) + share_i * (if_ - mean_i * mean_f)
    c = (0.03 * 255) ** 2
    return float(((2 * covariance + c) / (var_wanted + (ff - mean_f * mean_f) + c)).mean())


def _halve(stack: Array) -> Array:
    """Means of 2 x 2 pixels; a last odd row or column counts twice."""
    _, height, width = stack.shape
    padded = np.pad(stack, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    return np.asarray((padded[:, ::2, ::2] + padded[:, 1::2, ::2] + padded[:, ::2, 1::2] + padded[:, 1::2, 1::2]) / 4)

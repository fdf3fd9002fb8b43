"""FMI: mutual information of features in 3 x 3 windows (Haghighat et al., 2011 and 2014), in four feature domains.

No window of nine pixels has a joint histogram to speak of, so the joint distribution is estimated (Nelsen's method, as
in Fast-FMI): the nine feature values of a window, stretched to 0..1 and divided by their sum, are read as the
probabilities of a variable that takes the values 1..9, one distribution for the source and one for the fused picture.
Their coupling is taken to lie between independence and the extreme (Frechet) coupling, at the point whose correlation
is the Pearson correlation c of the two sets of probabilities:

    joint = phi * extreme + (1 - phi) * p q,    phi = |c| / (correlation of the extreme coupling),

where the extreme coupling is the one of largest correlation for c >= 0, of smallest for c < 0. The window's value is
2 MI / (H_p + H_q), FMI the mean over all windows and both sources.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.features import cosine_transform, edges, gradient, wavelet_transform
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric

_SIDE = 3
_CELLS = _SIDE**2
# Windows handled at once: few enough for the cache, enough to make numpy's overhead small.
_CHUNK = 4096
MIN_SIDE = _SIDE


def fmi_pixel(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    published_code: bool = False,
) -> float:
    """FMI of the grey values themselves.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value; the result does not depend on it.
        published_code: repeat two slips of the published code: phi may exceed 1, though the joint "probabilities" are
            then negative in places, and flat windows that equal the infrared picture but not the visible one count 0
            instead of 1.

    Returns:
        0 (nothing in common) .. 1 (identical); no unit, higher is better. Windows that are equal count 1; else flat
        windows, and windows with a single pixel that differs, count 0.

    Raises:
        InputError: a side is shorter than 3 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    return _fmi(visible, infrared, fused, data_range, lambda image: image, published_code)


def fmi_gradient(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    published_code: bool = False,
) -> float:
    """FMI of gradient magnitudes (central differences); arguments, result and errors as for :func:`fmi_pixel`."""
    return _fmi(visible, infrared, fused, data_range, gradient, published_code)


def fmi_dct(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    published_code: bool = False,
) -> float:
    """FMI of the coefficients of the picture's cosine transform; see :func:`fmi_pixel`."""
    return _fmi(visible, infrared, fused, data_range, cosine_transform, published_code)


def fmi_wavelet(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    published_code: bool = False,
) -> float:
    """FMI of one level of the discrete Meyer wavelet transform, its four bands side by side; see :func:`fmi_pixel`."""
    return _fmi(visible, infrared, fused, data_range, wavelet_transform, published_code)


def fmi_edge(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    *,
    data_range: float = 255.0,
    published_code: bool = False,
) -> float:
    """FMI of binary edge maps, for protocols: what the published code computes when no feature is named.

    Tables that were made so call it FMI_pixel or FMI. Most windows hold no edge in either picture and count 1.
    """
    return _fmi(visible, infrared, fused, data_range, edges, published_code)


def _fmi(
    visible: NDArray[Any],
    infrared: NDArray[Any],
    fused: NDArray[Any],
    data_range: float,
    feature: Callable[[Array], Array],
    published_code: bool,
) -> float:
    planes = as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE)
    v, i, f = (feature(plane) for plane in planes)
    height, width = (int(side) - _SIDE + 1 for side in v.shape)
    rows = max(1, _CHUNK // width)
    total = 0.0
    for top in range(0, height, rows):
        cut = slice(top, min(top + rows, height) + _SIDE - 1)
        of_v, of_i, of_f = (_distributions(plane[cut]) for plane in (v, i, f))
        v_equal, i_equal = ((source.values == of_f.values).all(axis=0) for source in (of_v, of_i))
        if published_code:
            i_equal &= v_equal
        for source, equal in ((of_v, v_equal), (of_i, i_equal)):
            shared = _shared_information(source, of_f, clip=not published_code)
            total += float(np.where(equal, 1.0, shared).sum())
    return total / (2.0 * height * width)


class _Distributions(NamedTuple):
    """Of n windows, each read as a distribution over 1..9."""

    values: Array  # 9 x n, the features
    share: Array  # 9 x n, the probabilities
    centred: Array  # 9 x n, the probabilities less their mean
    norm: Array  # n, root of the sum of its squares
    entropy: Array  # n, in nats
    mean: Array  # n, of the variable
    deviation: Array  # n, of the variable


def _distributions(plane: Array) -> _Distributions:
    height, width = plane.shape[0] - _SIDE + 1, plane.shape[1] - _SIDE + 1
    # Down the columns first: the order decides which of the nine values is called 1, 2, ...
    values = np.stack([plane[y : y + height, x : x + width].ravel() for x in range(_SIDE) for y in range(_SIDE)])
    low = values.min(axis=0)
    span = values.max(axis=0) - low
    share = np.divide(values - low, span, out=np.ones_like(values), where=span > 0)
    share /= share.sum(axis=0)
    centred = share - 1 / _CELLS
    centred[:, span == 0] = 0
    index = np.arange(1.0, _CELLS + 1)
    mean = index @ share
    variance = np.maximum((index * index) @ share - mean * mean, 0)
    variance[variance < 1e-12] = 0  # all in one place
    return _Distributions(
        values, share, centred, np.sqrt((centred**2).sum(axis=0)), _surprise(share).sum(axis=0), mean, np.sqrt(variance)
    )


def _shared_information(p: _Distributions, q: _Distributions, *, clip: bool) -> Array:
    """2 MI / (H_p + H_q) of every window."""
    norms = p.norm * q.norm
    correlation = np.divide((p.centred * q.centred).sum(axis=0), norms, out=np.zeros_like(norms), where=norms > 0)
    # The coupling of smallest correlation is that of the largest with one variable counted backwards.
    backwards = correlation < 0
    q_share = np.where(backwards, q.share[::-1], q.share)
    q_mean = np.where(backwards, _CELLS + 1 - q.mean, q.mean)
    mass, independent, product = _extreme_coupling(p.share, q_share)

    deviations = p.deviation * q.deviation
    covariance = product - p.mean * q_mean
    phi = np.divide(np.abs(correlation) * deviations, covariance, out=np.zeros_like(deviations), where=deviations > 0)
    if clip:
        phi = np.minimum(phi, 1)
    # Entropy of the joint distribution: (1 - phi) p q everywhere, in closed form, corrected on the few cells where the
    # extreme coupling has mass.
    rest = 1 - phi
    entropies = p.entropy + q.entropy
    joint = _surprise(rest) + rest * entropies
    spread = rest * independent
    joint += (_surprise(phi * mass + spread) - _surprise(spread)).sum(axis=0)
    return np.asarray(np.divide(2 * (entropies - joint), entropies, out=np.zeros_like(joint), where=entropies > 0))


def _extreme_coupling(p: Array, q: Array) -> tuple[Array, Array, Array]:
    """The coupling of largest correlation of n pairs of distributions over 1..9, by the north-west corner rule.

    Args:
        p: ``9 x n``.
        q: ``9 x n``.

    Returns:
        Its mass on the at most 17 cells of its staircase, p q on the same cells (both ``17 x n``; a staircase that is
        done earlier repeats its last cell without mass), and the mean of the product of the two variables (n).
    """
    count = p.shape[1]
    steps = 2 * _CELLS - 1
    p_upto, q_upto = np.cumsum(p, axis=0), np.cumsum(q, axis=0)
    p_upto[-1] = q_upto[-1] = 1
    p_flat, q_flat, p_upto_flat, q_upto_flat = p.ravel(), q.ravel(), p_upto.ravel(), q_upto.ravel()
    mass, independent = np.empty((steps, count)), np.empty((steps, count))
    product = np.zeros(count)
    done = np.zeros(count)
    window = np.arange(count)
    last = (_CELLS - 1) * count
    row = window.copy()  # index of the cell's p in the flat array: cell number times count plus window
    column = window.copy()
    for step in range(steps):
        p_end, q_end = p_upto_flat[row], q_upto_flat[column]
        end = np.minimum(p_end, q_end)
        mass[step] = end - done
        independent[step] = p_flat[row] * q_flat[column]
        product += mass[step] * ((row // count + 1) * (column // count + 1))
        done = end
        row = np.where((p_end <= q_end) & (row < last), row + count, row)
        column = np.where((q_end <= p_end) & (column < last), column + count, column)
    return np.maximum(mass, 0), independent, product


def _surprise(share: Array) -> Array:
    """-x log|x|, 0 for 0; the absolute value only matters to the published code's negative probabilities."""
    size = np.abs(share)
    size[size == 0] = 1
    return np.asarray(-share * np.log(size))


_RANGE = "0 (nothing in common) .. 1 (identical)"
_MEASURES = (
    " How far the nine values of each 3 x 3 window tell those of the sources, as mutual information over mean entropy, "
    "averaged over all windows and both sources."
)
_GAMED_BY = (
    "Copying one source: its half is then 1. A window's stretch to 0..1 hides contrast, so a picture a hundred times "
    "fainter scores the same; where sources are dark, noise of one grey level weighs as much as an edge."
)
_SLIPS = " Two slips of the published code (published_code repeats them) change the value by {size}."
_SOURCE = (
    "Haghighat, Aghagolzadeh and Seyedarabi, A non-reference image fusion metric based on mutual information of image "
    "features (Computers and Electrical Engineering 37, 2011); Haghighat and Razian, Fast-FMI (AICT 2014)."
)


def _card(domain: str, feature: str, in_the_wild: str) -> Metric:
    return Metric(
        name=f"FMI_{domain}",
        title=f"feature mutual information, {feature}",
        inputs="both",
        higher_is_better=True,
        unit="",
        range=_RANGE,
        measures=f"Feature: {feature}." + _MEASURES,
        gamed_by=_GAMED_BY,
        in_the_wild=in_the_wild,
        source=_SOURCE,
    )


CARD_PIXEL = _card(
    "pixel",
    "grey values",
    "A much used collection calls the published code without naming a feature and prints the result as FMI_pixel; it "
    "then holds the values of binary edge maps, 0.93 for 0.41 and 0.85 for 0.42."
    + _SLIPS.format(size="0.003, on medical pairs by up to 0.06"),
)
CARD_GRADIENT = _card(
    "gradient",
    "gradient magnitudes",
    "The published code takes the horizontal derivative only, with its sign: 0.42 for 0.31, 0.73 for 0.70 on CT-MRI."
    + _SLIPS.format(size="0.002"),
)
CARD_DCT = _card(
    "dct",
    "cosine transform of the whole picture",
    "Neighbouring coefficients have little to do with each other, so values are low and close."
    + _SLIPS.format(size="0.001"),
)
CARD_WAVELET = _card(
    "wavelet",
    "one level of the Meyer wavelet transform",
    "MATLAB's and PyWavelets' filters approximate Meyer's: no difference to 4 decimals on natural pictures, 0.01 on "
    "medical ones, whose black background holds the filters' faint ripples." + _SLIPS.format(size="0.002"),
)

"""Polarity: is white hot or black hot, and how sure is the guess.

Cameras show heat either way, and a fused picture with dark people is the usual sign of the wrong one. What tells them
apart are habits of the world, not brightness: the sky is cold and above, the ground is warm and below; what is hot is
small, has sharp outlines and stands upright, what is cold is large and smooth. Each habit is a feature that changes its
sign with the picture's, and the log-odds of "white is hot" are their weighted sum (a logistic regression without an
intercept), so that an inverted picture gets the opposite answer with the same confidence by construction.

Features are taken from a small copy whose values are spread over its own range or replaced by their ranks, so that
brightness, contrast and gamma say little. The weights and the threshold are from ``benchmarks/polarity.py DATA --save``
(fitted on the training lists of RoadScene and LLVIP, 8-bit streets and squares): indoors, from the air or by the sea
the habits are others, and the confidence is worth less.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.imaging.colour import BT601
from distilfuse.imaging.thermal_range import check_picture, grey_plane

WEIGHTS: Mapping[str, float] = {"lower": 9.41, "skewness": 1.93, "outline": 0.67, "upright": 32.72}
"""Of the features of an infrared picture alone."""

WEIGHTS_BESIDE_VISIBLE: Mapping[str, float] = {
    "lower": 8.12,
    "skewness": 2.26,
    "outline": 0.49,
    "upright": 31.61,
    "texture": 2.18,
    "red": 2.39,
}
"""Of those and the ones that look at the visible picture, too."""

SURE = 0.95
"""Confidence from which on 99 % of the answers were right in each band of confidence (0.95 to 0.99, above 0.99), on the
one training set by weights from the other. On cameras and scenes of quite another kind (TNO) fewer are."""

ALIKE = 0.5
"""Correlation of the log-odds of two pictures of one camera: what the second adds is mostly what the first said."""

_SIDE = 160
"""Pixels of the longer side of the copy that is looked at: a person of 20 pixels in 640 is still one of 5."""
_LEAST_SIDE = 16
"""Pixels of the shorter side of a picture below which there is nothing to go by."""
_LEVELS = 2048
_HALF_RANGE = 2047.31
"""Levels from the middle of a picture's range to either end: more than 8 bits have, and so coarse that the rounding of
an average makes no difference between the pixels of an even sky. No whole number: averages of few 8-bit values would
lie half-way between two levels, where rounding decides."""
_ENDS = (0.5, 99.5)
"""Percentiles between which a picture's values are spread."""
_FINE, _COARSE = 3, 8
"""Radius in pixels of the surroundings that a pixel is compared with: about a limb's width, a car's."""
_EXTREME = 0.9
"""Rank (of -1..1) from which on a pixel is one of the hottest, or on the other side of the coldest."""
_FAINT = 0.01
"""Gradient, in half ranges a pixel, that an outline is compared with at least."""

Plane = NDArray[Any]


@dataclass(frozen=True)
class Polarity:
    """What is hot, and how sure that is."""

    log_odds: float
    """Natural logarithm of the odds that white is hot: positive for ``white``, negative for ``black``."""

    @property
    def label(self) -> str:
        """``white`` or ``black``: what is hot. Without any sign ``white``, as most cameras are set."""
        return "white" if self.log_odds >= 0 else "black"

    @property
    def confidence(self) -> float:
        """Probability that the label is right, 0.5 (a coin) to 1."""
        return 1 / (1 + math.exp(-abs(self.log_odds)))

    @property
    def sure(self) -> bool:
        """Whether the confidence reaches :data:`SURE`; ask the user where it does not."""
        return self.confidence >= SURE

    def __str__(self) -> str:
        doubt = "" if self.sure else ", not sure"
        return f"{self.label} is hot ({self.confidence:.1%}{doubt})"


def guess_polarity(infrared: NDArray[Any], visible: NDArray[Any] | None = None) -> Polarity:
    """Guess whether white or black is hot.

    Args:
        infrared: ``H x W`` (or ``x 3``, of which the luminance counts) of uint8, uint16, float32 or float64, in any
            range. Less than 16 pixels a side, or all of one value, give a confidence of 0.5.
        visible: the visible picture of the same scene, ``H x W`` or ``H x W x 3`` in any size; it need not be
            aligned better than roughly.

    Raises:
        InputError: another type or shape, no pixels, NaN or infinite values.
    """
    features = polarity_features(infrared, visible)
    weights = WEIGHTS if visible is None else WEIGHTS_BESIDE_VISIBLE
    return Polarity(sum(weight * features[name] for name, weight in weights.items()))


def combine(guesses: Iterable[Polarity]) -> Polarity:
    """One answer from several pictures of one camera.

    The log-odds are added as those of alike witnesses: ``sum / (1 + (n - 1) ALIKE)``, which for :data:`ALIKE` = 0 is
    the sum and for 1 the mean. It is the likelihood ratio of log-odds that are normal with this correlation.

    Raises:
        InputError: no guess at all.
    """
    odds = [guess.log_odds for guess in guesses]
    if not odds:
        raise InputError("There are no pictures to guess the polarity from: give one or more.")
    return Polarity(sum(odds) / (1 + (len(odds) - 1) * ALIKE))


def polarity_features(infrared: NDArray[Any], visible: NDArray[Any] | None = None) -> dict[str, float]:
    """The signs that white is hot (positive where it is, by habit), each with the opposite sign for the inverse.

    Args:
        infrared: as for :func:`guess_polarity`.
        visible: likewise.

    Returns:
        ``lower``: how much brighter the lower part is; ``skewness``: of the difference to the surroundings, positive
        where few pixels are much brighter; ``outline``: logarithm of how much sharper the brightest pixels are outlined
        than the darkest; ``upright``: whether bright detail goes with vertical edges. With a visible picture
        ``texture``, whether bright lies where that is textured, and ``red``, where that is red rather than blue.
    """
    plane = grey_plane(infrared, "infrared")
    height, width = plane.shape
    shrink = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    even = min(height, width) < _LEAST_SIDE
    level = _levels(np.zeros(size[::-1]) if even else _reduced(plane, size))
    values, ranks = level / _LEVELS, _ranks(level)
    across, down = _slopes(values)
    gradient = np.hypot(across, down)
    brightest, darkest = ranks >= min(_EXTREME, ranks.max()), ranks <= max(-_EXTREME, ranks.min())
    rows = np.linspace(-1, 1, size[1])[:, None]
    features = {
        "lower": float((ranks * rows).mean()),
        "skewness": _skewness(values - _blurred(values, _COARSE)),
        "outline": math.log((gradient[brightest].mean() + _FAINT) / (gradient[darkest].mean() + _FAINT)),
        "upright": _correlation(ranks - _blurred(ranks, _FINE), _blurred(np.abs(across) - np.abs(down), 1)),
    }
    if visible is not None:
        features |= _beside(ranks, visible, size)
    return features


def _beside(ranks: Plane, visible: NDArray[Any], size: tuple[int, int]) -> dict[str, float]:
    red, green, blue = _colours(check_picture(visible, "visible"), size)
    light = BT601[0] * red + BT601[1] * green + BT601[2] * blue
    texture = _blurred(np.hypot(*_slopes(_levels(light) / _LEVELS)), 2)
    return {
        "texture": _correlation(ranks, _ranks(_levels(texture))),
        "red": _correlation(ranks, _ranks(_levels(red - blue))),
    }


def _colours(picture: NDArray[Any], size: tuple[int, int]) -> Sequence[Plane]:
    """Red, green and blue, averaged to ``size``; thrice the same of a grey picture."""
    height, width = picture.shape[:2]
    step = max(1, min(width // size[0], height // size[1]) // 2)  # two pixels a side tell the mean of a cell
    picture = picture[::step, ::step]
    if picture.ndim == 2 or picture.shape[2] == 1:
        return 3 * [_reduced(picture.reshape(picture.shape[:2]), size)]
    if picture.dtype == np.uint8:  # all channels at once, rounded
        image = Image.fromarray(np.ascontiguousarray(picture[..., :3])).resize(size, Image.Resampling.BOX)
        return [channel.astype(np.float64) for channel in np.asarray(image).transpose(2, 0, 1)]
    return [_reduced(picture[..., channel], size) for channel in range(3)]


def _reduced(plane: NDArray[Any], size: tuple[int, int]) -> Plane:
    """Averaged to ``size`` (width, height)."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float64)


def _levels(plane: Plane) -> NDArray[np.intp]:
    """Values spread over the picture's own range, in levels from -_LEVELS to _LEVELS; all 0 for an even picture."""
    low, high = np.percentile(plane, _ENDS)
    # Where the tails are all there is to see, as in a small hot spot on a wall.
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        low, high = plane.min(), plane.max()
    half = (high - low) / 2
    if half <= 1e-6 * max(abs(low), abs(high)):
        return np.zeros(plane.shape, np.intp)
    levels: Plane = np.rint(np.clip((plane - (low + high) / 2) / half, -1, 1) * _HALF_RANGE)
    return levels.astype(np.intp)


def _ranks(levels: NDArray[np.intp]) -> Plane:
    """Share of the pixels that are lower minus share of those that are higher: -1..1, equals have equal ranks."""
    index = levels + _LEVELS
    counts = np.bincount(index.ravel(), minlength=2 * _LEVELS + 1)
    lower_less_higher = 2 * np.cumsum(counts) - counts - levels.size  # whole numbers, so exactly odd
    table: Plane = lower_less_higher / levels.size
    return table[index]


def _slopes(plane: Plane) -> tuple[Plane, Plane]:
    """Central differences to the right and down, 0 at the border."""
    across, down = np.zeros_like(plane), np.zeros_like(plane)
    across[:, 1:-1] = plane[:, 2:] - plane[:, :-2]
    down[1:-1] = plane[2:] - plane[:-2]
    return across, down


def _blurred(plane: Plane, radius: int) -> Plane:
    """Mean over squares of ``2 radius + 1`` pixels; the border is repeated."""
    side = 2 * radius + 1
    blurred = np.pad(plane, (radius + 1, radius), mode="edge")  # one more before, for differences of sums
    for _ in range(2):
        sums = np.cumsum(blurred, axis=0)
        blurred = (sums[side:] - sums[:-side]).T
    blurred /= side**2
    return blurred


def _skewness(plane: Plane) -> float:
    """Of the values, brought into -1..1: a single glint shall not outweigh the rest."""
    centred = plane - plane.mean()
    squared = centred * centred
    spread = math.sqrt(float(squared.mean()))
    if spread < 1e-9:
        return 0.0
    skewness = float((squared * centred).mean()) / spread**3
    return skewness / (1 + abs(skewness))


def _correlation(first: Plane, second: Plane) -> float:
    """Pearson's; 0 where one is even."""
    first, second = first - first.mean(), second - second.mean()
    norm = math.sqrt(float((first * first).sum()) * float((second * second).sum()))
    return float((first * second).sum()) / norm if norm > 1e-9 else 0.0

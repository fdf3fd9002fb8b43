"""The grey pictures that metrics start from, by the rules of the protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError

_PAPER_WEIGHTS = np.array([0.2989, 0.5870, 0.1140])
_MATLAB_WEIGHTS = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])


def paper_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey = trunc(.2989 R + .5870 G + .1140 B), 0..255: MATLAB's weights to four digits, cut off instead of rounded.

    A grey of three equal channels becomes one level darker, as the weights add up to .9999. The sum is float64's, as in
    the code whose tables the protocol repeats: where it should be a whole number (for 1704 of the 16.7 million colours)
    rounding decides, and the published values were met to the last digit with this product only.

    Args:
        image: ``H x W`` or ``H x W x 3`` uint8 (RGB order).

    Returns:
        ``H x W`` uint8; a picture that is grey already is returned as it is.

    Raises:
        InputError: another shape or type.
    """
    if _is_grey(image):
        return image
    grey: NDArray[np.float64] = image @ _PAPER_WEIGHTS
    return grey.astype(np.uint8)


def rounded_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey = round(.299 R + .587 G + .114 B), 0..255, halves to even: OpenCV on floats, then numpy's ``round``.

    Arguments, result and errors as for :func:`paper_grey`.
    """
    if _is_grey(image):
        return image
    total = _weighted(image, (299, 587, 114))
    whole, rest = total // 1000, total % 1000
    upward = (rest > 500) | ((rest == 500) & (whole % 2 == 1))
    return np.asarray((whole + upward).astype(np.uint8))


def matlab_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """MATLAB's ``rgb2gray``: .298936 R + .587043 G + .114021 B, the first row of the inverse NTSC matrix, rounded.

    Arguments, result and errors as for :func:`paper_grey`.
    """
    if _is_grey(image):
        return image
    grey: NDArray[np.float64] = image @ _MATLAB_WEIGHTS
    return np.floor(grey + 0.5).astype(np.uint8)


def exact_grey(image: NDArray[np.uint8]) -> NDArray[Any]:
    """Grey = .299 R + .587 G + .114 B (ITU-R BT.601), not rounded: float64 of colour.

    Arguments and errors as for :func:`paper_grey`; a picture that is grey already is returned as it is, uint8.
    """
    if _is_grey(image):
        return image
    return _weighted(image, (299, 587, 114)) / 1000


GREY: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[Any]]] = {
    "truncated": paper_grey,
    "rounded": rounded_grey,
    "matlab": matlab_grey,
    "exact": exact_grey,
}
"""Rule to function, as protocols name them."""


def _weighted(image: NDArray[np.uint8], weights: tuple[int, int, int]) -> NDArray[np.uint32]:
    total = np.multiply(image[..., 0], weights[0], dtype=np.uint32)
    for channel in (1, 2):
        total += np.multiply(image[..., channel], weights[channel], dtype=np.uint32)
    return total


def _is_grey(image: NDArray[np.uint8]) -> bool:
    """False for colour; InputError for what is neither."""
    if image.dtype != np.uint8:
        raise InputError(f"A metric takes uint8 pictures (0..255), not {image.dtype}: convert it first.")
    if image.ndim == 2:
        return True
    if image.ndim == 3 and image.shape[2] == 3:
        return False
    raise InputError(f"A metric takes HxW or HxWx3 pictures, not shape {image.shape}.")

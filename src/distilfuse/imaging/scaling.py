"""Values: what full scale is for each type, and the way to 0..1 and back.

Full scale is a property of the type (255, 65535, 1.0), never of one picture: a stretch by a picture's own
minimum and maximum would make a video flicker and turn sensor noise into contrast.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from distilfuse.errors import InputError

NARROW_SHARE = 0.3
"""A 16-bit infrared picture that uses less of its range draws a warning; 14-bit counts reach a quarter of it."""

_TOLERANCE = 1e-4
"""Rounding of earlier arithmetic that a float picture may exceed 0..1 by."""

_FULL_SCALE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class PictureWarning(UserWarning):
    """A picture that can be fused, but whose result is likely to disappoint."""


def full_scale(dtype: DTypeLike) -> float:
    """The value that stands for white: 255, 65535, or 1 for floats.

    Raises:
        InputError: any other type.
    """
    dtype = np.dtype(dtype).newbyteorder("=")
    if dtype in _FULL_SCALE:
        return _FULL_SCALE[dtype]
    if dtype in _FLOATS:
        return 1.0
    raise InputError(
        f"Pixels of type {dtype} have no agreed full scale: convert them to uint8, uint16, float32 or float64."
    )


def check_values(picture: NDArray[Any], name: str) -> None:
    """Refuse what is not a picture's value: NaN, infinity, floats outside of 0..1.

    Args:
        picture: uint8, uint16, float32 or float64, not empty.
        name: what to call the picture in the message.

    Raises:
        InputError: says what is wrong and the mend.
    """
    if picture.dtype.kind != "f":
        return
    low, high = float(picture.min()), float(picture.max())  # a NaN anywhere makes both NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"The {name} picture holds NaN or infinite values: replace them before fusing.")
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        raise InputError(
            f"The {name} picture has float values from {low:.4g} to {high:.4g} but they must lie in 0..1: "
            "divide by the sensor's full scale, or pass uint8 or uint16."
        )


def warn_if_narrow(picture: NDArray[Any], name: str) -> None:
    """Warn when a 16-bit picture uses a small part of its range, as raw thermal counts do.

    It is fused as it is: which counts are black and white is the user's to say, once for a whole recording.
    """
    if picture.dtype != np.uint16:
        return
    share = (int(picture.max()) - int(picture.min())) / 65535
    if share < NARROW_SHARE:
        warnings.warn(
            f"The {name} picture uses {share:.1%} of its 16-bit range and will add little: map the counts of "
            "interest to 0..65535 first, with the same limits for every picture.",
            PictureWarning,
            stacklevel=3,
        )


def to_unit(picture: NDArray[Any], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Float32 values in 0..1, from uint8, uint16 or floats in 0..1.

    Args:
        picture: of any shape.
        out: where to write them, an array of that shape; None for a new one.
    """
    scale = full_scale(picture.dtype)
    values = np.empty(picture.shape, np.float32) if out is None else out
    if scale == 1.0:
        np.clip(picture, 0, 1, out=values, casting="same_kind")
    else:
        np.multiply(picture, np.float32(1 / scale), out=values, dtype=np.float32)
    return values


def from_unit(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """A new array of type ``dtype`` at its full scale, rounded to nearest, from values in 0..1."""
    scale = full_scale(dtype)
    if scale == 1.0:
        floats: NDArray[Any] = values.astype(dtype)
        return floats
    scaled: NDArray[Any] = np.multiply(values, np.float32(scale))
    scaled += 0.5  # rounding by truncation; values are not negative
    return scaled.astype(dtype)

"""What every metric asks of its arrays, checked in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError


class TooSmallError(InputError):
    """The pictures are sound, but smaller than the metric's windows."""

    def __init__(self, smallest: int, size: str) -> None:
        """Say so.

        Args:
            smallest: fewest pixels a side.
            size: of the pictures, in words.
        """
        super().__init__(f"This metric needs sides of at least {smallest} pixels, not {size}.")
        self.smallest = smallest


def as_planes(*images: NDArray[Any], data_range: float, smallest: int = 1) -> tuple[NDArray[np.float64], ...]:
    """The pictures as float64, after :func:`check_planes`."""
    check_planes(*images, data_range=data_range, smallest=smallest)
    return tuple(image.astype(np.float64) for image in images)


def check_planes(*images: NDArray[Any], data_range: float, smallest: int = 1) -> None:
    """Make sure that a metric can be computed on the pictures.

    Args:
        images: grey pictures ``H x W`` of one size, uint8, uint16, float32 or float64.
        data_range: largest possible value (255 for bytes, 1 for unit floats); the smallest is 0.
        smallest: fewest pixels a side for which the metric is defined.

    Raises:
        InputError: no picture of two axes, sizes that differ, another type, NaN, infinity, or values out of
            0..``data_range``.
        TooSmallError: a side is shorter than ``smallest``.
    """
    if not data_range > 0 or not np.isfinite(data_range):
        raise InputError(f"data_range must be positive, not {data_range}: 255 for bytes, 1 for floats in 0..1.")
    for image in images:
        if image.ndim != 2:
            raise InputError(f"A metric takes grey HxW pictures, not shape {image.shape}: turn colour to grey first.")
        if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
            raise InputError(f"A metric takes uint8, uint16, float32 or float64, not {image.dtype}: convert first.")
        if image.shape != images[0].shape:
            raise InputError(
                f"The pictures differ in size, {_size(images[0])} and {_size(image)} pixels: "
                "compare pictures of one size."
            )
        if min(image.shape) < smallest:
            raise TooSmallError(smallest, _size(image))
        low, high = image.min(), image.max()
        if not (low >= 0 and high <= data_range):  # also False for NaN
            raise InputError(
                f"Values from {low:g} to {high:g} do not lie in 0..{data_range:g}: "
                "pass the data_range of your pictures."
            )


def _size(image: NDArray[Any]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"

"""Geometry: sides that a network can take, and back to the picture's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def pad_to_multiple(planes: NDArray[Any], multiple: int, *, rows: int = -2) -> NDArray[Any]:
    """Pad height and width at the bottom and the right to a multiple, by repeating the edge.

    Args:
        planes: ``... x H x W``, H and W at least 1, or what ``rows`` says.
        multiple: what both sides shall be multiples of, at least 1.
        rows: the axis that is the height, counted from the last; the width follows it.

    Returns:
        ``planes`` itself where nothing is to be done, else a new array.
    """
    height, width = planes.shape[rows], planes.shape[rows + 1]
    below, right = -height % multiple, -width % multiple
    if not below and not right:
        return planes
    margins = [(0, 0)] * planes.ndim
    margins[rows], margins[rows + 1] = (0, below), (0, right)
    return np.pad(planes, margins, mode="edge")


def crop(planes: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The upper left ``height x width`` of the last two axes: undoes :func:`pad_to_multiple` (a view)."""
    return planes[..., :height, :width]

"""Flicker: how much the brightness of regions that should stand still moves from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.colour import luminance
from distilfuse.imaging.scaling import to_unit

CELL = 16
"""Pixels a side of a region. The grain of single pixels is noise, not flicker."""


def flicker(frames: Iterable[NDArray[Any]], cell: int = CELL) -> float:
    """The temporal standard deviation of the mean luminance of regions, averaged over all of them.

    For a static scene under constant light it is 0; lower is steadier. A scene that moves has more, so compare the
    result only with that of the inputs.

    Args:
        frames: pictures of one size, at least ``cell`` pixels a side: ``H x W`` or ``H x W x 3``, uint8, uint16, or
            floats in 0..1.
        cell: pixels a side of a region; rows and columns that fill none are left out.

    Returns:
        In grey levels of 255.
    """
    means = []
    for frame in frames:
        values = luminance(frame) if frame.ndim == 3 else to_unit(frame)
        rows, columns = (side // cell for side in values.shape)
        cells = values[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
        means.append(cells.mean((1, 3), dtype=np.float64))
    return float(np.std(means, axis=0).mean() * 255)

"""Pictures at another size, and parts of them whose edges lie between pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resample(
    grey: NDArray[np.float32], width: int, height: int, box: tuple[float, float, float, float] | None = None
) -> NDArray[np.float32]:
    """A part of a picture at another size, bicubic; where it becomes smaller, the pixels are averaged.

    Args:
        grey: ``H x W`` in 0..1.
        width: of the result.
        height: of the result.
        box: left, top, right, bottom of the part in pixels, fractions allowed; by default all of it.

    Returns:
        ``height x width`` in 0..1.
    """
    image = Image.fromarray(np.ascontiguousarray(grey)).resize((width, height), Image.Resampling.BICUBIC, box=box)
    resampled: NDArray[np.float32] = np.clip(np.asarray(image), 0, 1)  # bicubic weights reach below 0
    return resampled

"""Pillow pictures to numpy and back, strip by strip: never a second copy of a large picture besides the result.

``np.asarray`` of a Pillow picture holds three (Pillow's own, the bytes in parts, the bytes in one), and Pillow's own
takes 4 bytes a pixel for colour: at 100 megapixels that is a gigabyte for nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STRIP = 1 << 18
"""Pixels turned at a time: temporary copies of at most a megabyte or so."""


def planes_of(image: Image.Image) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Colour and alpha of a picture, in arrays of their own.

    Args:
        image: one of :data:`distilfuse.imaging.modes.PLAIN_MODES`, not empty.

    Returns:
        ``H x W`` or ``H x W x 3``, and ``H x W`` where the picture has alpha.
    """
    width, height = image.size
    bands = len(image.getbands())
    kind = np.asarray(image.crop((0, 0, 1, 1))).dtype
    colour = np.empty((height, width, 3) if bands > 2 else (height, width), kind)
    alpha = np.empty((height, width), kind) if bands in (2, 4) else None
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        strip = np.asarray(image.crop((0, top, width, bottom)))
        if alpha is None:
            colour[top:bottom] = strip
        else:
            alpha[top:bottom] = strip[..., -1]
            colour[top:bottom] = strip[..., 0] if bands == 2 else strip[..., :3]
    return colour, alpha


def picture_of(colour: NDArray[Any], alpha: NDArray[Any] | None = None) -> Image.Image:
    """A Pillow picture, the opposite of :func:`planes_of`.

    Args:
        colour: ``H x W`` of uint8, uint16 or float32, or ``H x W x 3`` of uint8.
        alpha: ``H x W`` of uint8, with ``colour`` of uint8.
    """
    if alpha is None:
        return Image.fromarray(colour)
    height, width = alpha.shape
    image = Image.new("RGBA" if colour.ndim == 3 else "LA", (width, height))
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        image.paste(Image.fromarray(np.dstack([colour[top : top + step], alpha[top : top + step]])), (0, top))
    return image

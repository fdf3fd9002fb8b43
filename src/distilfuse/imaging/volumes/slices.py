"""Planes of a volume as pictures, seen as radiologists do, with square pixels and the banner.

All planes come from a volume whose axes run to right, anterior and superior (see
:class:`distilfuse.imaging.volumes.volume.Orientation`). The top of a picture is anterior or superior; its left is the
patient's right, in sagittal ones anterior.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from distilfuse.imaging.volumes import NOTICE
from distilfuse.imaging.volumes.volume import Grid


class Plane(NamedTuple):
    """A direction to cut in."""

    name: str
    left: str
    """Which side of the patient the left of the picture is: R, L, A or P."""
    right: str


PLANES = (Plane("sagittal", "A", "P"), Plane("coronal", "R", "L"), Plane("axial", "R", "L"))
"""By the axis that runs through the plane: x, y, z."""

_THICK = 1.25
"""Slices that much thicker than axial ones are cut as they were acquired."""
_TEXT = 12
"""Height of the banner's letters in pixels."""
_MARGIN = 4


def slicing_axis(grid: Grid) -> int:
    """The axis to cut across: axial, as the models have learned it, unless slices were acquired thick in another.

    Args:
        grid: its axes run to right, anterior and superior.
    """
    thickest = int(grid.spacing.argmax())
    return thickest if grid.spacing[thickest] > _THICK * grid.spacing[2] else 2


def as_picture(plane: NDArray[Any]) -> NDArray[Any]:
    """The same memory as rows and columns, ``H x W[ x C]``, from ``x by y``, ``x by z`` or ``y by z``."""
    picture: NDArray[Any] = plane.swapaxes(0, 1)[::-1, ::-1]
    return picture


def square_pixels(picture: NDArray[np.uint8], across: float, down: float) -> NDArray[np.uint8]:
    """Enlarge a picture along one side until its pixels are square (nothing below 1 % of difference).

    Args:
        picture: ``H x W`` or ``H x W x 3``.
        across: millimetres from column to column.
        down: from row to row.
    """
    finest = min(across, down)
    if max(across, down) < 1.01 * finest:
        return picture
    size = round(picture.shape[1] * across / finest), round(picture.shape[0] * down / finest)
    image = Image.fromarray(np.ascontiguousarray(picture)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def with_banner(picture: NDArray[np.uint8], axis: int, caption: str) -> NDArray[np.uint8]:
    """Add a strip below a picture with a caption, the sides and the notice; the picture itself stays as it is.

    Args:
        picture: ``H x W`` or ``H x W x 3``; a narrow one is widened by black columns.
        axis: of its plane in :data:`PLANES`.
        caption: what is to be seen.

    Returns:
        ``H' x W' x 3``.
    """
    font = ImageFont.load_default(_TEXT)
    lines = (f"{PLANES[axis].left} | {caption} | {PLANES[axis].right}", NOTICE)
    boxes = [font.getbbox(line) for line in lines]
    height, width = picture.shape[:2]
    wide = max(width, *(int(box[2]) + 2 * _MARGIN for box in boxes))
    step = max(int(box[3]) for box in boxes) + _MARGIN
    image = Image.new("RGB", (wide, height + len(lines) * step + _MARGIN))
    image.paste(Image.fromarray(np.ascontiguousarray(picture)), ((wide - width) // 2, 0))
    draw = ImageDraw.Draw(image)
    for row, (line, colour) in enumerate(zip(lines, ("white", "yellow"), strict=True)):
        draw.text((_MARGIN, height + _MARGIN + row * step), line, fill=colour, font=font)
    return np.asarray(image)

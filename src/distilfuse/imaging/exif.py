"""What a camera wrote about a picture (EXIF), to be kept by a picture that is made from it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD, Base

from distilfuse.imaging.jpeg_segments import APP1, Segment

_SIGNATURE = b"Exif\0\0"
_ROOM = 65533 - 2  # of a JPEG segment


def find_exif(segments: Sequence[Segment]) -> bytes:
    """The EXIF block of a JPEG file, empty where there is none."""
    for segment in segments:
        if segment.marker == APP1 and segment.payload.startswith(_SIGNATURE):
            return segment.payload
    return b""


def read_exif(block: bytes) -> Image.Exif:
    """The tags of an EXIF block; none where it is empty or damaged beyond reading."""
    exif = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tags that are cut off: the others are read all the same
            exif.load(block)
            dict(exif)
    except Exception:  # of a damaged block: SyntaxError, struct.error, KeyError, ...
        return Image.Exif()
    return exif


def maker(exif: Image.Exif) -> str:
    """Who made the camera, empty where that is not said."""
    return str(exif.get(Base.Make, "")).strip("\0 ")


def orientation(exif: Image.Exif) -> int:
    """1 to 8, as EXIF counts them; 1 is upright and stands for all that is none."""
    value = exif.get(Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a picture as stored to how it is to be seen, a view.

    Args:
        pixels: ``H x W`` or ``H x W x C``.
        orientation: 1 to 8.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return pixels[rows, columns]


def exif_of_result(block: bytes, width: int, height: int) -> bytes:
    """EXIF for an upright picture that was made from the one that ``block`` describes.

    Date, place, camera and all other tags are kept. Orientation and size become those of the new picture. What cannot
    be carried over is left out: the thumbnail, which shows another picture, and the maker's notes, which hold positions
    in the old file.

    Args:
        block: the EXIF of the original.
        width: of the new picture.
        height: of the new picture.

    Returns:
        Empty where there is nothing to keep, or where the block is damaged.
    """
    if not block:
        return b""
    exif = read_exif(block)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _revised(exif, width, height)
    except Exception:  # as in read_exif
        return b""


def _revised(exif: Image.Exif, width: int, height: int) -> bytes:
    details = dict(exif.get_ifd(IFD.Exif))
    details.pop(Base.MakerNote, None)
    for tag, value in ((Base.ExifImageWidth, width), (Base.ExifImageHeight, height)):
        if tag in details:
            details[tag] = value
    if details:
        exif[IFD.Exif] = details
    for tag, value in ((Base.Orientation, 1), (Base.ImageWidth, width), (Base.ImageLength, height)):
        if tag in exif:
            exif[tag] = value
    kept = exif.tobytes() if len(exif) else b""
    return kept if len(kept) <= _ROOM else b""

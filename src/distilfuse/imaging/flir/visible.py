"""The visible picture that a camera took together with the thermal one."""

from __future__ import annotations

from PIL import Image

from distilfuse.imaging.flir.embedded import JPEG, PNG, decode, parse_picture
from distilfuse.imaging.flir.records import DamagedFileError
from distilfuse.imaging.modes import to_plain_mode

MOST_PIXELS = 1 << 25
"""Visible pictures inside have up to 13 megapixels; the whole file is bounded as well."""


def parse_visible(record: memoryview) -> Image.Image:
    """The picture of an EmbeddedImage record, mode L or RGB, as it is stored: its orientation is that of the file.

    A JPEG is as any JPEG. A PNG with three channels holds Y, Cb, Cr (ExifTool), and so do plain samples, full range.

    Raises:
        DamagedFileError: cut off, of an unknown kind, or of another size than the record says.
    """
    picture = parse_picture(record, "visible", MOST_PIXELS)
    if picture.starts_with(JPEG):
        plain = to_plain_mode(decode(picture, "visible", MOST_PIXELS), "visible")
        return plain.convert("RGB") if plain.mode not in ("L", "RGB") else plain
    if picture.starts_with(PNG):
        image = decode(picture, "visible", MOST_PIXELS)
        if image.mode == "RGB":
            return Image.merge("YCbCr", image.split()).convert("RGB")
        return image if image.mode == "L" else image.convert("RGB")
    if len(picture.content) == 3 * picture.width * picture.height:
        size = (picture.width, picture.height)
        return Image.frombytes("YCbCr", size, bytes(picture.content)).convert("RGB")
    raise DamagedFileError("its visible picture is cut off or of an unknown kind")

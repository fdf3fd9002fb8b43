"""Pictures inside records: a head of 32 bytes with the size, then PNG, JPEG, TIFF or plain samples."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from distilfuse.imaging.flir.records import DamagedFileError, byte_order

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
TIFF = (b"II*\0", b"MM\0*")

_DECODERS: dict[bytes, type[ImageFile]] = {
    PNG: PngImageFile,
    JPEG: JpegImageFile,
    **dict.fromkeys(TIFF, TiffImageFile),
}
_HEAD = 32


@dataclass(frozen=True)
class EmbeddedPicture:
    """What a record with a picture says of it, and the bytes of the picture."""

    width: int
    height: int
    order: str
    """``<`` or ``>``: byte order of the record."""
    content: memoryview

    def starts_with(self, *signatures: bytes) -> bool:
        """Whether the content is of that kind."""
        return bytes(self.content[:8]).startswith(signatures)


def parse_picture(record: memoryview, what: str, most_pixels: int) -> EmbeddedPicture:
    """Take the head off.

    Args:
        record: RawData or EmbeddedImage.
        what: what to call the picture in the message.
        most_pixels: how many pixels it may claim.

    Raises:
        DamagedFileError: no head, no pixels or absurdly many.
    """
    if len(record) <= _HEAD:
        raise DamagedFileError(f"its {what} picture is cut off")
    order = byte_order(record)
    width, height = struct.unpack_from(f"{order}2H", record, 2)
    _check_size(width, height, what, most_pixels)
    return EmbeddedPicture(width, height, order, record[_HEAD:])


def decode(picture: EmbeddedPicture, what: str, most_pixels: int) -> Image.Image:
    """Decode PNG, JPEG or TIFF, in whatever mode it has.

    Raises:
        DamagedFileError: of another kind, damaged, or of another size than the record says.
    """
    opener = next((opener for start, opener in _DECODERS.items() if picture.starts_with(start)), None)
    if opener is None:
        raise DamagedFileError(f"its {what} picture is of an unknown kind")
    try:
        image = opener(
            io.BytesIO(picture.content)
        )  # not Image.open, which warns of sizes by a limit of the whole process
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise DamagedFileError(f"its {what} picture cannot be opened") from error
    _check_size(image.width, image.height, what, most_pixels)
    if image.size != (picture.width, picture.height):
        raise DamagedFileError(
            f"its {what} picture is {image.width}x{image.height} pixels where {picture.width}x{picture.height} are "
            "announced"
        )
    try:
        image.load()
    except Exception as error:
        raise DamagedFileError(f"its {what} picture is cut off or damaged") from error
    return image


def _check_size(width: int, height: int, what: str, most_pixels: int) -> None:
    if not width or not height:
        raise DamagedFileError(f"its {what} picture is {width}x{height} pixels")
    if width * height > most_pixels:
        raise DamagedFileError(f"its {what} picture claims {width}x{height} pixels")

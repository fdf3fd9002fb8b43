"""What a file says about a picture besides its pixels, to be carried over to what is made of it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from PIL.ExifTags import IFD, Base

from distilfuse.imaging.exif import exif_of_result

_DESCRIBING = (
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.XResolution,
    Base.YResolution,
    Base.ResolutionUnit,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.HostComputer,
    Base.Copyright,
    IFD.Exif,
    IFD.GPSInfo,
)
"""Of the tags of a TIFF file, those that do not say how its pixels are stored."""


@dataclass(frozen=True)
class Metadata:
    """Of one picture."""

    profile: bytes | None = None
    """Colour profile (ICC)."""
    exif: bytes = b""
    """Date, place, camera; as of an upright picture."""

    @classmethod
    def of(cls, image: Image.Image) -> Metadata:
        """Of a picture that is upright already."""
        block = image.info.get("exif") or _exif_of_tiff(image)
        return cls(image.info.get("icc_profile"), exif_of_result(block, image.width, image.height))

    def put(self, image: Image.Image) -> None:
        """Have a picture say the same, for :func:`distilfuse.imaging.writing.write_image`."""
        for key, value in (("icc_profile", self.profile), ("exif", self.exif)):
            if value:
                image.info[key] = value
            else:
                image.info.pop(key, None)


def _exif_of_tiff(image: Image.Image) -> bytes:
    if image.format != "TIFF":
        return b""
    tags, kept = image.getexif(), Image.Exif()
    for tag in _DESCRIBING:
        if tag in tags:
            kept[tag] = tags.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else tags[tag]
    return kept.tobytes() if len(kept) else b""

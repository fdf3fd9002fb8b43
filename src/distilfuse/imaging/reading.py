"""Reading picture files."""

from __future__ import annotations

import dataclasses
import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from distilfuse.errors import ConfigError, InputError, install_line
from distilfuse.imaging.deep_colour import can_read_deep, read_deep
from distilfuse.imaging.exif import turn_upright
from distilfuse.imaging.metadata import Metadata
from distilfuse.imaging.modes import to_plain_mode
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.imaging.strips import planes_of

READABLE = (".bmp", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes that count as pictures when a folder is searched; a file named by the user may have any."""

MOST_PIXELS = 1_000_000_000
"""Pixels of the largest picture that is read. A small file may claim any size, and decoding takes 4 bytes a pixel."""
MOST_PIXELS_VARIABLE = "DISTILFUSE_MAX_PIXELS"
"""The environment variable that sets another limit."""

_ORIENTATION = 0x0112  # EXIF tag


@dataclass(frozen=True)
class ReadPicture:
    """The content of a file, in arrays: they take less memory than Pillow's pictures."""

    colour: NDArray[Any]
    """``H x W`` or ``H x W x 3`` of uint8, uint16 or float32."""
    alpha: NDArray[Any] | None
    metadata: Metadata


def read_picture(path: Path) -> ReadPicture:
    """Read a picture and what is said about it, upright; colour with 16 bits a channel where OpenCV is installed.

    Args:
        path: see :func:`read_image`.

    Raises:
        InputError, ConfigError: see :func:`read_image`.
    """
    image, shallow, turned = _read(path)
    metadata = Metadata.of(image)
    if shallow and can_read_deep():
        deep = turn_upright(read_deep(path), turned)
        alpha = deep[..., 3] if deep.shape[2] == 4 else None
        return ReadPicture(np.ascontiguousarray(deep[..., :3]), alpha, metadata)
    if shallow:
        _warn_of_depth(path)
    return ReadPicture(*planes_of(image), metadata)


def read_image(path: Path) -> Image.Image:
    """Read a picture, upright and in one of :data:`distilfuse.imaging.modes.PLAIN_MODES`.

    The EXIF orientation is applied. Of a file with several pictures the first is read.

    Args:
        path: PNG, TIFF, JPEG, WebP, BMP, JPEG 2000, PGM or PPM, or what else Pillow reads.

    Raises:
        InputError: no such file, not a picture, truncated, without pixels, or of more pixels than
            :data:`MOST_PIXELS`; names the file.
        ConfigError: :data:`MOST_PIXELS_VARIABLE` is set, but not to a number.
    """
    image, shallow, _ = _read(path)
    if shallow:
        _warn_of_depth(path)
    return image


def _read(path: Path) -> tuple[Image.Image, bool, int]:
    """The picture of :func:`read_image`, whether it lost depth, and how it had to be turned (EXIF, 1 is upright)."""
    limit = _most_pixels()
    if path.is_dir():
        raise InputError(f"{path} is a folder where a picture is needed: name a file in it.")
    try:
        with _UNLIMITED:
            image: Image.Image = Image.open(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except UnidentifiedImageError:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: copy or export it again.") from None
        raise InputError(f"{path} is not a picture that can be read: convert it to PNG.") from None
    except Exception as error:
        raise InputError(f"{path} cannot be opened ({_reason(error)}): check the file.") from error
    with image:
        if image.width * image.height > limit:
            raise InputError(
                f"{path} is {image.width}x{image.height} pixels, more than the {limit} that are read: cut it into "
                f"parts, or set {MOST_PIXELS_VARIABLE} if it is to be trusted and there is memory for it."
            )
        shallow = _loses_depth(image)
        large = image.width * image.height > (Image.MAX_IMAGE_PIXELS or 0)
        decoding: AbstractContextManager[None] = _UNLIMITED if large else nullcontext()
        try:
            with decoding:
                image.load()
            turned = image.getexif().get(_ORIENTATION, 1)
            source = image.format
            if turned != 1:
                image = ImageOps.exif_transpose(image)
                image.format = source  # which says where the tags are
        except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ...
            raise InputError(f"{path} is damaged or truncated ({_reason(error)}): copy or export it again.") from error
        if 0 in image.size:
            raise InputError(f"{path} is {image.width}x{image.height} pixels and holds no picture.")
        metadata = Metadata.of(image)
        plain = to_plain_mode(image, str(path))
        if plain is not image and "icc_profile" not in plain.info:
            metadata = dataclasses.replace(metadata, profile=None)  # it was of inks, not of the RGB that we have now
        metadata.put(plain)
    return plain, shallow, turned


def _warn_of_depth(path: Path) -> None:
    warnings.warn(
        f"{path} has 16-bit colour, of which the upper 8 bits are read: for all of them, {install_line('deep')}.",
        PictureWarning,
        stacklevel=3,
    )


def read_array(path: Path) -> NDArray[Any]:
    """Read a picture as ``H x W`` or ``H x W x C`` (uint8, uint16 or float32); else as :func:`read_image`."""
    picture = read_picture(path)
    colour, alpha = picture.colour, picture.alpha
    return colour if alpha is None else np.dstack([colour, alpha])


def count_pixels(path: Path) -> int:
    """How many pixels the head of a file claims; 0 where that cannot be told, :func:`read_image` then says why."""
    try:
        with _UNLIMITED:
            image = Image.open(path)
        with image:
            return image.width * image.height
    except Exception:  # whatever a decoder may raise
        return 0


class _PillowUnlimited:
    """Keep Pillow from warning of pictures above 90 megapixels and refusing those above 180.

    Its limit is one for the whole process, so it is lifted as shortly as may be: while heads of files are read, and
    while large pictures are decoded (some decoders ask again). The last thread to leave puts it back.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._within = 0
        self._before: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._within:
                self._before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._within += 1

    def __exit__(self, *failure: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                Image.MAX_IMAGE_PIXELS = self._before


_UNLIMITED = _PillowUnlimited()


def _most_pixels() -> int:
    said = os.environ.get(MOST_PIXELS_VARIABLE, "")
    if not said:
        return MOST_PIXELS
    if not said.isdecimal():
        raise ConfigError(f"{MOST_PIXELS_VARIABLE} is {said!r} but must be a number of pixels, such as {MOST_PIXELS}.")
    return int(said)


def _loses_depth(image: Image.Image) -> bool:
    """Whether Pillow decodes 16-bit colour or grey with alpha to 8 bits (it has no deeper mode for them)."""
    for tile in getattr(image, "tile", ()):
        raw = tile[3][0] if isinstance(tile[3], tuple) and tile[3] else tile[3]
        if isinstance(raw, str) and ";16" in raw and image.mode in ("LA", "RGB", "RGBA"):
            return True
    return False


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")

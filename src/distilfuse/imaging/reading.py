"""Reading picture files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from distilfuse.errors import InputError
from distilfuse.imaging.modes import to_plain_mode
from distilfuse.imaging.scaling import PictureWarning

READABLE = (".bmp", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes that count as pictures when a folder is searched; a file named by the user may have any."""

_ORIENTATION = 0x0112  # EXIF tag


def read_image(path: Path) -> Image.Image:
    """Read a picture, upright and in one of :data:`distilfuse.imaging.modes.PLAIN_MODES`.

    The EXIF orientation is applied. Of a file with several pictures the first is read.

    Args:
        path: PNG, TIFF, JPEG, WebP, BMP, JPEG 2000, PGM or PPM, or what else Pillow reads.

    Raises:
        InputError: no such file, not a picture, truncated, without pixels, or too large; names the file.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder where a picture is needed: name a file in it.")
    try:
        image: Image.Image = Image.open(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except UnidentifiedImageError:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: copy or export it again.") from None
        raise InputError(f"{path} is not a picture that can be read: convert it to PNG.") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path} has too many pixels to be read safely: scale it down or cut it.") from None
    except Exception as error:
        raise InputError(f"{path} cannot be opened ({_reason(error)}): check the file.") from error
    with image:
        shallow = _loses_depth(image)
        try:
            image.load()
            if image.getexif().get(_ORIENTATION, 1) != 1:
                image = ImageOps.exif_transpose(image)
        except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ...
            raise InputError(f"{path} is damaged or truncated ({_reason(error)}): copy or export it again.") from error
        if 0 in image.size:
            raise InputError(f"{path} is {image.width}x{image.height} pixels and holds no picture.")
        plain = to_plain_mode(image, str(path))
    if shallow:
        warnings.warn(f"{path} has 16-bit colour, of which the upper 8 bits are read.", PictureWarning, stacklevel=2)
    return plain


def read_array(path: Path) -> NDArray[Any]:
    """Read a picture as ``H x W`` or ``H x W x C`` (uint8, uint16 or float32); else as :func:`read_image`."""
    return np.asarray(read_image(path))


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

"""Pictures taken apart into colour and alpha, whatever their kind, and put together again as that kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.imaging.modes import to_plain_mode
from distilfuse.imaging.scaling import check_values, full_scale
from distilfuse.imaging.strips import picture_of, planes_of

Picture = NDArray[Any] | Image.Image
"""``H x W``, ``H x W x 1``, ``x 3`` or ``x 4`` of uint8, uint16, float32 or float64; or a Pillow picture."""


@dataclass(frozen=True)
class Planes:
    """One picture taken apart."""

    colour: NDArray[Any]
    """``H x W`` or ``H x W x 3`` in native byte order: of an array perhaps a view, never to be written to."""
    alpha: NDArray[Any] | None
    """``H x W``, of the type of ``colour``."""
    source: Picture

    @property
    def size(self) -> str:
        """``WIDTHxHEIGHT``, for messages."""
        height, width = self.colour.shape[:2]
        return f"{width}x{height}"

    @property
    def pixels(self) -> int:
        """How many there are."""
        height, width = self.colour.shape[:2]
        return int(height * width)

    @property
    def coloured(self) -> bool:
        """Whether there are three channels."""
        return self.colour.ndim == 3

    def rebuild(self, colour: NDArray[Any]) -> Picture:
        """A picture of the kind of the source, with its alpha, colour profile and EXIF, from other colour planes.

        Args:
            colour: as :attr:`colour` in shape and type.
        """
        if isinstance(self.source, Image.Image):
            image = picture_of(colour, self.alpha)
            for key in ("icc_profile", "exif"):
                if key in self.source.info:
                    image.info[key] = self.source.info[key]
            return image
        if self.alpha is not None:
            colour = np.dstack([colour, self.alpha])
        return colour.reshape(self.source.shape).astype(self.source.dtype, copy=False)


def take_apart(picture: object, name: str) -> Planes:
    """Check a picture and take it apart.

    Args:
        picture: an array or a Pillow picture, see :data:`Picture`. Pillow pictures of other modes than L, LA,
            RGB, RGBA, I;16 and F are converted to the nearest of these.
        name: what to call it in messages: "visible", "infrared".

    Raises:
        InputError: another type, number of axes or channels, no pixels, NaN, infinity, floats out of 0..1.
    """
    if isinstance(picture, Image.Image):
        if 0 in picture.size:
            raise InputError(f"The {name} picture is empty ({picture.width}x{picture.height} pixels).")
        source = to_plain_mode(picture, name)
        colour, alpha = planes_of(source)
        check_values(colour, name)
        return Planes(colour, alpha, source)
    if not isinstance(picture, np.ndarray):
        raise InputError(
            f"The {name} picture must be a numpy array or a Pillow image, not {type(picture).__name__}: "
            "read files with PIL.Image.open first."
        )
    pixels: NDArray[Any] = picture
    _check_shape(pixels, name)
    full_scale(pixels.dtype)  # refuses other types
    check_values(pixels, name)
    if not pixels.dtype.isnative:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    if pixels.ndim == 2:
        return Planes(pixels, None, picture)
    channels = pixels.shape[2]
    if channels == 1:
        return Planes(pixels[..., 0], None, picture)
    return Planes(pixels[..., :3], pixels[..., 3] if channels == 4 else None, picture)


def _check_shape(pixels: NDArray[Any], name: str) -> None:
    shape = "x".join(map(str, pixels.shape)) or "scalar"
    if pixels.ndim not in (2, 3):
        raise InputError(
            f"The {name} array has {pixels.ndim} axes ({shape}) but a picture has 2 or 3: give one picture "
            "at a time, as height x width or height x width x channels."
        )
    if 0 in pixels.shape:
        raise InputError(f"The {name} picture is empty (its shape is {shape}).")
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4):
        raise InputError(
            f"The {name} array has {pixels.shape[2]} channels ({shape}) but 1, 3 or 4 are needed: the last "
            "axis counts the channels, so an array with channels first must be transposed."
        )

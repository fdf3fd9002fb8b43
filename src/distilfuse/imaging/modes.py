"""Pillow modes: the six that carry a picture through the house, and the way there from all others."""

from __future__ import annotations

import numpy as np
from PIL import Image

from distilfuse.errors import InputError

PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I;16", "F")
"""8-bit grey and colour, with or without alpha; 16-bit grey; float grey in 0..1."""

_TO_PLAIN = {
    "1": "L",
    "La": "LA",
    "PA": "RGBA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
}


def to_plain_mode(image: Image.Image, name: str) -> Image.Image:
    """Turn any Pillow picture into one of :data:`PLAIN_MODES`, losing nothing that the mode said.

    A palette becomes colour (with alpha where it names a transparent entry), CMYK, YCbCr, LAB and HSV become
    RGB, 32-bit integers that fit become 16-bit ones.

    Args:
        image: any mode.
        name: what to call the picture in the message.

    Raises:
        InputError: integers that fit into no plain mode, or a mode that is not known.
    """
    mode = image.mode
    if mode in PLAIN_MODES:
        return image
    if mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if mode in _TO_PLAIN:
        plain = image.convert(_TO_PLAIN[mode])
        if mode in ("CMYK", "LAB"):
            plain.info.pop("icc_profile", None)  # it describes inks, not the RGB that we have now
        return plain
    if mode.startswith("I;16"):  # other byte orders
        return Image.fromarray(np.asarray(image).astype(np.uint16))
    if mode == "I":
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise InputError(
                f"The {name} picture has 32-bit integers from {values.min()} to {values.max()}: "
                "map them to 0..65535 and save them as 16-bit."
            )
        return Image.fromarray(values.astype(np.uint16))
    raise InputError(f"The {name} picture has the mode {mode}: convert it to grey or RGB.")

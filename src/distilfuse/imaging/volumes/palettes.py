"""Palettes for uptake: high is bright, and luminance is the value.

The network fuses luminance and leaves the hue, so a palette has to say "how much" in both. Going from black to red and
on towards yellow by filling one channel after the other, each at the pace of its BT.601 weight, makes luminance
proportional to the value. Along ``hot`` Cb falls all the way and along ``ice`` Cr does, so high stays high even under
another luminance.

It ends at amber, well before white: white has no hue, and nano-medical makes the brightest brighter still. From a
luminance of 0.8 on, the highest uptake came out as white as fat in the MRI.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError
from distilfuse.imaging.colour import BT601

_FILLED = {"hot": (0, 1), "ice": (2, 1)}
"""Channels in the order in which they fill."""
_END = 0.75
"""Luminance of the highest value."""

PALETTES = ("hot", "ice", "grey")
"""Black, red, amber; black, blue, cyan; no colour."""


@lru_cache(maxsize=4)
def palette(name: str) -> NDArray[np.uint8]:
    """A table of colours for the values 0 to 255.

    Args:
        name: ``hot`` or ``ice``.

    Returns:
        ``256 x 3``, RGB.

    Raises:
        ConfigError: there is no such palette.
    """
    if name not in _FILLED:
        raise ConfigError(f"There is no palette {name!r}: choose {', '.join(PALETTES)}.")
    weights = [BT601[channel] for channel in _FILLED[name]]
    luma = np.linspace(0, min(_END, sum(weights)), 256)
    table = np.zeros((256, 3), np.uint8)
    for channel, weight in zip(_FILLED[name], weights, strict=True):
        table[:, channel] = np.rint(255 * np.clip(luma / weight, 0, 1))
        luma = luma - weight
    return table


def paint(values: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """``... x 3`` RGB from values in 0..255; ``grey`` leaves them as they are.

    Raises:
        ConfigError: there is no such palette.
    """
    return values if name == "grey" else palette(name)[values]

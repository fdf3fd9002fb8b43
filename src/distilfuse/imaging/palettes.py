"""Palettes for thermal pictures: heat as colour, to be looked at.

All but ``rainbow`` keep the order in a grey print and for the colour-blind: their colours are so placed that BT.601
luma runs evenly from one end to the other (up for what is hot, but for ``black-hot``), and between them red, green and
blue run straight. Fuse first and colour afterwards; a fusion takes the luma of a coloured infrared picture, which these
palettes keep in order but ``rainbow`` does not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError
from distilfuse.imaging.colour import BT601
from distilfuse.imaging.scaling import check_values, from_unit, to_unit

PALETTES: dict[str, str] = {
    "grey": "black to white, white is hot",
    "black-hot": "white to black, black is hot",
    "iron": "black, blue, purple, orange, yellow, white",
    "inferno": "black, violet, red, orange, pale yellow",
    "lava": "black, red, orange, pale yellow",
    "arctic": "dark blue, light blue, gold",
    "rainbow": "violet, blue, green, yellow, red: tells most values apart, but luma is out of order",
}
"""Name to what it looks like, from cold to hot."""

_COLOURS = {
    "grey": ("000000", "ffffff"),
    "black-hot": ("ffffff", "000000"),
    "iron": ("000000", "1e0069", "7d009b", "c82864", "ee6e14", "ffc328", "fffff5"),
    # Eighths of matplotlib's inferno (N. Smith and S. van der Walt, CC0).
    "inferno": ("000004", "1f0c48", "550f6d", "88226a", "ba3655", "e35933", "f98c0a", "f9c932", "fcffa4"),
    "lava": ("000000", "460014", "960505", "d72300", "ff6900", "ffb91e", "fffabe"),
    "arctic": ("050532", "0f2882", "285fbe", "6496cd", "a5b4b4", "d7be78", "facd46", "ffebaa"),
    "rainbow": ("320a5a", "1e28c8", "00a0dc", "14b450", "c8d21e", "fa961e", "e11e1e", "ffbebe"),
}
"""Red, green and blue in hexadecimal, from cold to hot."""


@lru_cache(maxsize=len(PALETTES))
def palette(name: str) -> NDArray[np.uint8]:
    """A table of colours from the coldest to the hottest value.

    Args:
        name: one of :data:`PALETTES`.

    Returns:
        ``256 x 3``, RGB; it is shared, so it cannot be written to.

    Raises:
        ConfigError: there is no such palette; the message names those there are.
    """
    if name not in PALETTES:
        raise ConfigError(f"There is no palette {name!r}: choose {', '.join(PALETTES)}.")
    colours = np.array([list(bytes.fromhex(colour)) for colour in _COLOURS[name]], np.float64)
    places = np.linspace(0, 1, len(colours))
    if name != "rainbow":
        luma = colours @ np.array(BT601)
        places = (luma - luma[0]) / (luma[-1] - luma[0])
    index = np.linspace(0, 1, 256)
    table = np.stack([np.rint(np.interp(index, places, channel)) for channel in colours.T], axis=1).astype(np.uint8)
    table.setflags(write=False)
    return table


def colourise(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Colour a thermal picture.

    Args:
        values: ``H x W`` of uint8, uint16 or floats in 0..1; the highest is the hottest.
        name: one of :data:`PALETTES`.

    Returns:
        ``H x W x 3``, RGB.

    Raises:
        ConfigError: there is no such palette.
        InputError: another type, NaN, infinity, floats out of 0..1.
    """
    table = palette(name)
    if values.dtype != np.uint8:
        check_values(values, "thermal")
        values = from_unit(to_unit(values), np.uint8)
    return np.take(table, values, axis=0)

"""Windows: which values are black and which are full, once for a whole volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.volumes.suv import suv_factor
from distilfuse.imaging.volumes.volume import Volume

UNITS = {
    "suv": "body-weight uptake of PET",
    "hu": "Hounsfield units of CT",
    "raw": "values as they are in the file",
    "percent": "percentiles of the whole volume",
}

_OF = {"suv": ("PT", "PET"), "hu": ("CT", "CT")}
"""Units that only one modality has: DICOM's code and the usual name."""


@dataclass(frozen=True)
class Window:
    """Values from ``low`` (black) to ``high`` (full), in a unit of :data:`UNITS`."""

    unit: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.unit}:{self.low:g},{self.high:g}"


DEFAULTS = {"PT": Window("suv", 0, 6), "CT": Window("hu", -100, 300)}
"""By DICOM's modality."""
OTHERWISE = Window("percent", 0.5, 99.5)


def parse_window(text: str) -> Window:
    """Read ``UNIT:LOW,HIGH``, such as ``suv:0,6``, ``hu:-100,300``, ``raw:0,1200`` or ``percent:0.5,99.5``.

    Raises:
        ConfigError: another unit, no two numbers, ``LOW`` not below ``HIGH``, percentages out of 0..100.
    """
    unit, _, limits = text.partition(":")
    try:
        low, high = (float(limit) for limit in limits.split(","))
    except ValueError:
        low = high = np.nan
    if unit not in UNITS or not (np.isfinite(low) and np.isfinite(high)):
        raise ConfigError(
            f"{text!r} is not a window: write UNIT:LOW,HIGH with a unit of {', '.join(UNITS)}, as suv:0,6."
        )
    if low >= high:
        raise ConfigError(f"The window {text} is empty: its first limit must lie below its second.")
    if unit == "percent" and not 0 <= low < high <= 100:
        raise ConfigError(f"The window {text} must lie in percent:0,100.")
    return Window(unit, low, high)


def default_window(volume: Volume) -> Window:
    """``suv:0,6`` for PET and ``hu:-100,300`` for CT, if DICOM says that it is; else ``percent:0.5,99.5``."""
    return DEFAULTS.get(volume.modality, OTHERWISE)


def find_limits(volume: Volume, window: Window) -> tuple[float, float]:
    """The window in the values of the volume. Those of NIfTI are taken to be SUV or HU if the window says so.

    Raises:
        InputError: a unit that the volume's modality does not have, SUV that cannot be computed (see
            :func:`.suv.suv_factor`), or percentiles that are all one value.
    """
    needed, known_as = _OF.get(window.unit, ("", ""))
    if needed and volume.modality not in ("", needed):
        raise InputError(
            f"{volume.name} is a series of {volume.modality}, but the window {window} is for {known_as}: name the "
            f"{known_as} series, or choose another window."
        )
    if window.unit == "suv" and volume.grid.datasets:
        factor = suv_factor(volume.grid.datasets, volume.name)
        return window.low / factor, window.high / factor
    if window.unit != "percent":
        return window.low, window.high
    low, high = (float(limit) for limit in np.percentile(volume.values, (window.low, window.high)))
    if low >= high:
        raise InputError(
            f"{volume.name} has the value {low:g} from {window.low:g} to {window.high:g} percent: choose a window by "
            "values, such as raw:0,1."
        )
    return low, high


def to_bytes(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """0 at ``low`` and below, 255 at ``high`` and above, rounded to nearest."""
    scaled: NDArray[np.float32] = (values - np.float32(low)) * np.float32(255 / (high - low))
    levels: NDArray[np.uint8] = np.rint(scaled.clip(0, 255)).astype(np.uint8)
    return levels

"""Infrared frames made ready: counts to 0..1 by a range that does not jump, and onto the grid of the visible."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.imaging.thermal_range import TAILS
from distilfuse.workflows.video.frames import Frame

_ASPECT = 0.02
"""By how much the ratio of width to height may differ where one picture is simply scaled to the other."""

_FOLLOWING = 2.0
"""Seconds in which the range of counts goes most of the way to that of a new scene."""
_MARGIN = 0.05
"""How much of the range between the percentiles that are black and white is left on either side."""


class InfraredRange:
    """Sensor counts (uint16) to 0..1; other types pass.

    With ``limits`` the range is fixed. Else it begins as that of the first frame and follows the scene slowly: a hot
    object that comes in does not darken everything else at once, which is what a stretch frame by frame does.
    """

    def __init__(self, limits: tuple[float, float] | None = None) -> None:
        """Begin.

        Args:
            limits: counts that are black and white.

        Raises:
            InputError: the second is not above the first.
        """
        if limits is not None and not limits[0] < limits[1]:
            raise InputError(f"A range goes from black to white, so {limits[0]:g} must be below {limits[1]:g}.")
        self._fixed = limits
        self._limits: tuple[float, float] | None = limits
        self._seconds = 0.0

    def __call__(self, frame: Frame) -> NDArray[Any]:
        """Scale one frame; frames come in the order of time.

        Returns:
            float32 in 0..1 where ``frame`` holds uint16, else its pixels as they are.

        Raises:
            InputError: a fixed range, and pixels that are no counts.
        """
        counts = frame.pixels
        if counts.dtype != np.uint16:
            if self._fixed is not None:
                raise InputError(
                    "A range is for infrared in 9 to 16 bits of grey, and this has been scaled: leave it out."
                )
            return counts
        if self._fixed is None:
            self._follow(counts, frame.seconds)
        assert self._limits is not None
        low, high = self._limits
        scaled: NDArray[np.float32] = np.subtract(counts, np.float32(low), dtype=np.float32)
        scaled *= np.float32(1 / (high - low))
        return np.clip(scaled, 0, 1, out=scaled)

    def _follow(self, counts: NDArray[Any], seconds: float) -> None:
        step = max(1, min(counts.shape[:2]) // 100)  # ten thousand pixels tell the range of a million
        low, high = (float(value) for value in np.percentile(counts[::step, ::step], TAILS))
        margin = _MARGIN * (high - low) + 0.5  # of an even picture, too, black and white differ
        here = (low - margin, high + margin)
        if self._limits is not None:
            # The width goes by factors: a fire a hundred times as wide as the scene does not blacken it in one frame.
            share = 1 - math.exp(-max(0.0, seconds - self._seconds) / _FOLLOWING)
            low = self._limits[0] + share * (here[0] - self._limits[0])
            old, new = self._limits[1] - self._limits[0], here[1] - here[0]
            here = (low, low + old * (new / old) ** share)
        self._limits = here
        self._seconds = seconds


def onto_grid(infrared: NDArray[Any], size: tuple[int, int], name: str) -> NDArray[Any]:
    """Scale an infrared picture to the size of the visible.

    Args:
        infrared: ``H x W`` or ``H x W x 3`` of uint8 or float32.
        size: (height, width) of the visible.
        name: of the infrared, for messages.

    Raises:
        InputError: the two differ in their ratio of width to height.
    """
    height, width = size
    rows, columns = infrared.shape[:2]
    if (rows, columns) == size:
        return infrared
    if abs(columns * height / (rows * width) - 1) > _ASPECT:
        raise InputError(
            f"The visible frames are {width}x{height} pixels but those of {name} are {columns}x{rows}, another shape: "
            "align the two cameras first (distilfuse align) and give the rig (--rig)."
        )
    scaled: NDArray[Any] = np.asarray(Image.fromarray(infrared).resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(scaled, 0, 1) if scaled.dtype.kind == "f" else scaled

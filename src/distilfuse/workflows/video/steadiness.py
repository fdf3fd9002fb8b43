"""Fusing frame after frame without flicker.

Sensor noise makes a fused picture flicker in two ways. A model with a gauge measures each frame anew, and what it reads
decides how the whole frame is treated: here the reading is averaged over time. And fusion raises contrast, and with it
the noise of a region's mean: here the brightness of each region follows its recent past wherever it moves less than
noise does. That shift is below two grey levels of 255 (see :data:`STEADY_BELOW`), so nothing that moves leaves a trail.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.fuser import Fuser
from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.imaging.scaling import from_unit, to_unit

CELL = 16
"""Pixels a side of a region whose brightness is held."""
STEADY_BELOW = 5 / 255
"""Changes of a region's mean from this size up, in 0..1, are none of noise and pass as they are; of smaller ones the
more is held the smaller they are."""
LARGEST_SHIFT = STEADY_BELOW * 2 / 27**0.5
"""The largest shift that comes of it, that of a change of ``STEADY_BELOW / sqrt(3)``."""
_MEMORY = 25
"""Frames over which a region's brightness is averaged."""

_READ_EVERY = 0.2
"""Seconds between readings of the gauge, which cost a tenth of the network each."""
_READING_MEMORY = 1.0
"""Seconds over which readings are averaged."""
_CUT = 0.08
"""A frame whose luminance differs by so much from the one before, on average over coarse cells, is of another scene."""
_CUT_CELL = 32


class SteadyFuser:
    """A :class:`distilfuse.Fuser` for the frames of one video, in the order of time. For one thread."""

    def __init__(self, fuser: Fuser, *, steady: bool = True) -> None:
        """Begin a video.

        Args:
            fuser: may serve others meanwhile.
            steady: False fuses each frame as if it were alone.
        """
        self._fuser = fuser
        self._steady = steady
        self._reading = SteadyReading(fuser)
        self._brightness = SteadyBrightness()

    def __call__(self, visible: NDArray[Any], infrared: NDArray[Any], seconds: float) -> NDArray[Any]:
        """Fuse the next frame.

        Args:
            visible: ``H x W x 3`` of uint8 or uint16.
            infrared: ``H x W`` or ``H x W x 3`` of uint8, uint16, or floats in 0..1.
            seconds: its time, not before that of the frame before.

        Returns:
            As ``visible`` in shape and type.

        Raises:
            InputError: see :meth:`distilfuse.Fuser.__call__`.
        """
        if not self._steady:
            return self._fuser(visible, infrared)
        before = luminance(visible)
        reading = self._reading(before, infrared, seconds)
        if self._fuser.record.visible_input == "luminance":
            # The brightness is corrected before values are rounded: it changes by fractions of a grey level.
            return with_luminance(visible, before, self._brightness(self._fuser(before, infrared, reading=reading)))
        colour = self._fuser(to_unit(visible), infrared, reading=reading)
        was = luminance(colour)
        return from_unit(with_luminance(colour, was, self._brightness(was)), visible.dtype)


class SteadyReading:
    """What a model's gauge reads, averaged over time, and anew after a cut."""

    def __init__(self, fuser: Fuser) -> None:
        """Begin a video."""
        self._fuser = fuser
        self._mean: NDArray[np.float32] | None = None
        self._seconds = -math.inf
        self._coarse: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __call__(
        self, visible: NDArray[np.float32], infrared: NDArray[Any], seconds: float
    ) -> NDArray[np.float32] | None:
        """The reading to fuse the next frame with.

        Args:
            visible: luminance, ``H x W`` in 0..1.
            infrared: ``H x W`` or ``H x W x 3``.
            seconds: its time.

        Returns:
            ``1 x K``; None where the model has no gauge.
        """
        if not self._fuser.record.gauge:
            return None
        heat = luminance(infrared) if infrared.ndim == 3 else to_unit(infrared)
        coarse = (cell_means(visible, _CUT_CELL), cell_means(heat, _CUT_CELL))
        if self._coarse is None or any(
            float(np.abs(new - old).mean()) > _CUT for new, old in zip(coarse, self._coarse, strict=True)
        ):
            self._mean = None
        self._coarse = coarse
        passed = seconds - self._seconds
        if self._mean is not None and passed < _READ_EVERY:
            return self._mean
        reading = self._fuser.measure(visible, heat)
        if self._mean is None or reading is None:
            self._mean = reading
        else:
            share = 1 - math.exp(-passed / _READING_MEMORY)
            self._mean = self._mean + np.float32(share) * (reading - self._mean)
        self._seconds = seconds
        return self._mean


class SteadyBrightness:
    """The mean luminance of regions, held where it moves no more than noise moves it."""

    def __init__(self) -> None:
        """Begin a video."""
        self._held: NDArray[np.float32] | None = None
        self._count: NDArray[np.float32] | None = None

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Correct the luminance of the next frame.

        Args:
            values: ``H x W`` in 0..1, of the size of those before.

        Returns:
            The same, shifted smoothly from region to region; the mean of a region by at most :data:`LARGEST_SHIFT`.
        """
        here = cell_means(values, CELL)
        if self._held is None or self._count is None:
            self._held, self._count = here, np.ones_like(here)
            return values
        change = self._held - here
        part = np.minimum(np.abs(change) / np.float32(STEADY_BELOW), 1)
        # A plain mean of the frames since the region last changed, so that the first ones settle quickly.
        self._count = np.where(part < 1, np.minimum(self._count + 1, _MEMORY), np.float32(1))
        shift = change * (1 - part * part) * (1 - 1 / self._count)
        self._held = here + shift
        corrected = values + _spread(_sharpened(shift), values.shape[0], values.shape[1])
        return np.clip(corrected, 0, 1, out=corrected)


def cell_means(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Means over squares of ``side`` pixels (of what is left of them at the right and the bottom)."""
    return np.array(Image.fromarray(values).reduce(side))


def _sharpened(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """What must be spread so that the means over the cells come out as these, nearly: two steps of iteration."""
    wanted = cells
    for _ in range(2):
        cells = cells + (wanted - _blurred(cells))
    return cells


def _blurred(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over the cells of what :func:`_spread` makes of them: an eighth of it comes from each neighbour."""
    for axis in (0, 1):
        padded = np.pad(cells, [(1, 1) if axis == own else (0, 0) for own in (0, 1)], mode="edge")
        low, mid, high = (padded.take(range(k, k + cells.shape[axis]), axis) for k in (0, 1, 2))
        cells = (low + high) * np.float32(0.125) + mid * np.float32(0.75)
    return cells


def _spread(cells: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Cells to ``height x width`` pixels, linear from centre to centre."""
    box = (0, 0, width / CELL, height / CELL)
    return np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR, box=box))

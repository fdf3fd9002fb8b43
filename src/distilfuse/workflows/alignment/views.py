"""The pictures of a pair at one resolution of the pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.transforms import Matrix, Size, scaling

Plane = NDArray[np.float32]
"""``H x W`` luminance in 0..1."""
Sizes = tuple[Size, Size]
"""Of the visible and the infrared picture."""


@dataclass(frozen=True)
class View:
    """A pair, at its own resolution or reduced; the two pictures may differ in size."""

    visible: Plane
    infrared: Plane

    @property
    def visible_size(self) -> Size:
        """Width, height."""
        return self.visible.shape[1], self.visible.shape[0]

    @property
    def infrared_size(self) -> Size:
        """Width, height."""
        return self.infrared.shape[1], self.infrared.shape[0]

    @property
    def sizes(self) -> Sizes:
        """Of the visible and the infrared picture."""
        return self.visible_size, self.infrared_size

    def reduced(self, side: int) -> View:
        """The pair with longer sides of at most so many pixels."""
        return View(_reduced(self.visible, side), _reduced(self.infrared, side))

    def swapped(self) -> View:
        """The pair with its roles exchanged."""
        return View(self.infrared, self.visible)


def reduced(views: Sequence[View], side: int) -> list[View]:
    """Pairs of one rig with longer sides of at most so many pixels."""
    return [view.reduced(side) for view in views]


def carried(matrix: Matrix, before: Sizes, after: Sizes) -> Matrix:
    """A matrix from infrared to visible pixels, for the same pictures at other sizes."""
    into, back = scaling(before[0], after[0]), scaling(after[1], before[1])
    moved = into @ matrix @ back
    return np.asarray(moved / moved[2, 2])


def _reduced(plane: Plane, side: int) -> Plane:
    height, width = plane.shape
    factor = side / max(height, width)
    if factor >= 1:
        return plane
    cv2 = opencv()
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)

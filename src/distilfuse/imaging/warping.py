"""Pictures moved by a transformation: onto another camera's pixels, with what is valid there, and what to cut out."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.transforms import Matrix, Size, flaw_of, project

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the latter two are the first pixels outside."""

_FEATHER = 8
"""Pixels over which a fused picture passes into the visible one at the edge of the overlap."""
_ROUNDING = 1e-3
"""Pixels that a coordinate may be off by arithmetic alone."""
_LARGEST = 30_000
"""Pixels of the longest side: OpenCV's maps hold coordinates of 16 bits."""
_STRIP = 1 << 18
"""Pixels whose coordinates are worked out at a time: a few megabytes."""
_FINEST = 512
"""Rows at most of the raster on which the largest rectangle is looked for."""


class Warper:
    """Moves pictures of one size onto the pixels of another; prepared once, quick for each frame of a video."""

    def __init__(self, matrix: Matrix, source: Size, target: Size) -> None:
        """Prepare.

        Args:
            matrix: pixel coordinates of the source to those of the target, whole numbers at the centres of pixels.
            source: width, height of the pictures to be moved.
            target: width, height of what comes out.

        Raises:
            InputError: a matrix that maps no picture, or an overlap without a pixel.
            MissingDependencyError: OpenCV (extra ``align``) is not installed.
        """
        cv2 = opencv()
        if flaw := flaw_of(matrix, source):
            raise InputError(f"The transformation maps no picture of {source[0]}x{source[1]} pixels ({flaw}).")
        for side in (*source, *target):
            if side > _LARGEST:
                raise InputError(
                    f"A side of {side} pixels is more than the {_LARGEST} that can be moved: scale it down."
                )
        self.source, self.target = source, target
        width, height = target
        back = np.linalg.inv(matrix / matrix[2, 2])
        self.valid: NDArray[np.bool_] = np.empty((height, width), bool)
        """``H x W`` of the target: where the moved picture shows what the source saw."""
        self._maps = np.empty((height, width, 2), np.int16), np.empty((height, width), np.uint16)
        step = max(1, _STRIP // width)
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            (x, y), self.valid[rows] = _read_at(back, rows, width, source)
            self._maps[0][rows], self._maps[1][rows] = cv2.convertMaps(x, y, cv2.CV_16SC2)
        if not self.valid.any():
            raise InputError(
                "The transformation leaves no overlap of the two pictures: check that it belongs to these two cameras."
            )
        self.box = _largest_rectangle(self.valid)
        """The largest rectangle of the target in which all is valid."""
        shrinking = _shrinking(matrix, source)
        self._blur = 0.5 * float(np.sqrt(shrinking**2 - 1)) if shrinking > 1.5 else 0.0

    def __call__(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Move a picture.

        Args:
            picture: ``H x W`` or ``H x W x C`` of uint8, uint16, float32 or float64, as large as ``source``.

        Returns:
            The same type, as large as ``target``; outside of :attr:`valid` the picture's edge is repeated, which a
            network takes for less of an edge than black.

        Raises:
            InputError: another size.
        """
        cv2 = opencv()
        if picture.shape[1::-1] != self.source:
            raise InputError(
                f"The picture is {picture.shape[1]}x{picture.shape[0]} pixels but the transformation was prepared for "
                f"{self.source[0]}x{self.source[1]}."
            )
        if self._blur:
            picture = cv2.GaussianBlur(picture, (0, 0), self._blur)
        moved: NDArray[Any] = cv2.remap(picture, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved.reshape(*self.target[::-1], *picture.shape[2:])

    def crop(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The part of a picture of the target's size that lies in :attr:`box`: a view."""
        left, top, right, bottom = self.box
        return picture[top:bottom, left:right]

    def within(self, fused: NDArray[Any], visible: NDArray[Any]) -> NDArray[Any]:
        """A fused picture where there is infrared, and the visible one elsewhere, with a soft border.

        Args:
            fused: ``H x W[ x C]`` of the target's size.
            visible: the same shape and type.
        """
        if self.valid.all():
            return fused
        weight = self._weight.reshape(self._weight.shape + (1,) * (fused.ndim - 2))
        mixed = visible + weight * (fused.astype(np.float32) - visible)
        return np.asarray(mixed if fused.dtype.kind == "f" else np.rint(mixed)).astype(fused.dtype)

    @cached_property
    def _weight(self) -> NDArray[np.float32]:
        """0 outside of the overlap, 1 well within."""
        cv2 = opencv()
        # The picture's own edge is no border: what is beyond it counts as valid.
        framed = np.pad(self.valid.astype(np.uint8), 1, constant_values=1)
        away = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
        return np.asarray(np.minimum(away / np.float32(_FEATHER), 1), np.float32)


def _read_at(
    back: Matrix, rows: slice, width: int, source: Size
) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_]]:
    """Where pixels of some rows of the target are read in the source, x and y, and which of these lie in it."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(rows.start, rows.stop, dtype=np.float64))
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    valid = depth > 0  # what lies beyond the horizon of the source is nowhere in it
    depth[~valid] = np.inf
    places = []
    for row, side in zip(back, source, strict=False):
        place = (row[0] * x + row[1] * y + row[2]) / depth
        valid &= (place >= -_ROUNDING) & (place <= side - 1 + _ROUNDING)
        places.append(np.clip(place, -_LARGEST, _LARGEST).astype(np.float32))
    return places, valid


def _shrinking(matrix: Matrix, source: Size) -> float:
    """How many pixels of the source lie along one of the target, about the centre."""
    centre = np.array(source) / 2
    around = project(matrix, centre + np.array([[0, 0], [1, 0], [0, 1]]))
    area = abs(float(np.linalg.det(around[1:] - around[0])))
    return 1 / float(np.sqrt(max(area, 1e-12)))


def _largest_rectangle(valid: NDArray[np.bool_]) -> Box:
    """The largest rectangle of True in a convex region, to a few pixels in a large picture and never outside."""
    width = valid.shape[1]
    rows = np.flatnonzero(valid.any(axis=1))
    first, last = valid.argmax(axis=1), width - 1 - valid[:, ::-1].argmax(axis=1)
    # In a convex region a rectangle is inside if its uppermost and its lowest row are.
    step = -(-len(rows) // _FINEST)
    rows = rows[::step]
    left = np.maximum.outer(first[rows], first[rows])
    right = np.minimum.outer(last[rows], last[rows])
    wide = np.maximum(right - left + 1, 0)
    high = rows - rows[:, None] + 1
    area = np.where(high > 0, wide * high, 0)
    top, bottom = divmod(int(area.argmax()), len(rows))
    return int(left[top, bottom]), int(rows[top]), int(right[top, bottom]) + 1, int(rows[bottom]) + 1

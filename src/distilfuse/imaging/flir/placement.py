"""Where the thermal picture lies in the visible one.

The record PiP (picture in picture) says it with a scale and an offset. The thermal picture is ``1 / Real2IR`` of the
visible one wide, its pixels are square, and its centre lies ``(OffsetX, OffsetY)`` visible pixels right of and below
the centre of the visible picture (ExifTool forum, topic 4898; FLIR's own pictures in pictures are laid like that). The
other four numbers say which part of it the camera showed; they do not move it.

That holds for the distance that the camera was set to: the two lenses stand beside each other, and what is nearer or
farther is shifted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from distilfuse.imaging.flir.records import DamagedFileError

LEAST_SHARE = 0.25
"""Of the thermal picture that has to lie inside the visible one."""

_LENGTH = 8
_ROUNDING = 1e-6  # of a pixel: an edge that should lie on a whole one


@dataclass(frozen=True)
class Placement:
    """The record PiP."""

    real_to_ir: float
    """How many times as wide as the thermal picture the visible one is, as to what they show."""
    offset_x: int
    offset_y: int
    """In pixels of the visible picture, to the right and down."""


@dataclass(frozen=True)
class Overlap:
    """What both pictures show."""

    visible: tuple[int, int, int, int]
    """Left, top, right, bottom in whole pixels of the visible picture."""
    thermal: tuple[float, float, float, float]
    """The same in pixels of the thermal picture."""


def parse_placement(record: memoryview) -> Placement:
    """Read a PiP record, which is always little-endian.

    Raises:
        DamagedFileError: cut off, or with a scale that is none.
    """
    if len(record) < _LENGTH:
        raise DamagedFileError("its record PICTURE_IN_PICTURE is cut off")
    scale, x, y = struct.unpack_from("<f2h", record)
    if not 0.1 <= scale <= 10:
        raise DamagedFileError(f"its visible picture is said to be {scale:.4g} times as wide as its thermal one")
    return Placement(scale, x, y)


def overlap(placement: Placement, visible: tuple[int, int], thermal: tuple[int, int]) -> Overlap:
    """The largest part of the visible picture, in whole pixels, that the thermal one covers.

    Args:
        placement: how they lie.
        visible: width and height in pixels.
        thermal: width and height in pixels.

    Raises:
        DamagedFileError: less than :data:`LEAST_SHARE` of the thermal picture lies in the visible one.
    """
    pitch = visible[0] / (placement.real_to_ir * thermal[0])  # visible pixels a thermal one
    left, right, left_in, right_in = _along(visible[0], thermal[0], placement.offset_x, pitch)
    top, bottom, top_in, bottom_in = _along(visible[1], thermal[1], placement.offset_y, pitch)
    share = (right_in - left_in) * (bottom_in - top_in) / (thermal[0] * thermal[1])
    if share < LEAST_SHARE:
        raise DamagedFileError(f"only {share:.0%} of its thermal picture is said to lie within its visible one")
    return Overlap((left, top, right, bottom), (left_in, top_in, right_in, bottom_in))


def _along(length: int, count: int, offset: int, pitch: float) -> tuple[int, int, float, float]:
    """First and last edge of the overlap along one axis: in visible pixels, and in thermal ones."""
    start = length / 2 + offset - count * pitch / 2  # of the thermal picture, in visible pixels
    first = min(max(0, math.ceil(start - _ROUNDING)), length)
    last = max(first, min(length, math.floor(start + count * pitch + _ROUNDING)))
    edges = ((edge - start) / pitch for edge in (first, last))
    begin, end = (min(max(edge, 0.0), float(count)) for edge in edges)
    return first, last, begin, end

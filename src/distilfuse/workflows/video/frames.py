"""What passes through: frames with their time, pairs of them, and what a source of either says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

DEFAULT_RATE = Fraction(25)
"""Frames a second of what states no rate, as folders of pictures."""


@dataclass(frozen=True)
class Frame:
    """A picture and its time."""

    pixels: NDArray[Any]
    """``H x W`` or ``H x W x 3`` of uint8 or uint16, or ``H x W`` of float32 in 0..1. Infrared of uint16 is a sensor's
    counts, see :class:`distilfuse.workflows.video.infrared.InfraredRange`."""
    seconds: float
    """On the clock of its source, which begins at 0."""


@dataclass(frozen=True)
class FramePair:
    """A visible and an infrared frame of one moment; the time is the visible's."""

    visible: Frame
    infrared: Frame


@dataclass(frozen=True)
class FusedFrame:
    """A frame of :func:`distilfuse.stream`."""

    index: int
    """0, 1, 2, ..."""
    seconds: float
    """Of the visible frame: since the recording began, or of what is live since the program did."""
    image: NDArray[Any]
    """The fused picture: ``H x W x 3`` RGB of uint8; of uint16 where 16 bits were asked for."""
    visible: NDArray[Any]
    """The visible picture that went in, of the shape and type of ``image``."""
    infrared: NDArray[Any]
    """The infrared picture that went in, ``H x W`` (or ``H x W x 3``) on the grid of ``image``."""


@dataclass(frozen=True)
class Colours:
    """How YCbCr values of a video are to be read: FFmpeg's numbers, 2 where the video says nothing."""

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a source before its first frame."""

    name: str
    """For messages."""
    live: bool = False
    """Whether frames come when they come, and are lost when nobody takes them."""
    rate: Fraction = DEFAULT_RATE
    """Frames a second, on average."""
    end: float | None = None
    """Seconds from the beginning to the end of the last frame; None where nobody knows."""
    ticks: Fraction | None = None
    """The unit of its time stamps in seconds, where it has one."""
    deep: bool = False
    """Whether it has more than 8 bits a channel."""
    colours: Colours = field(default_factory=Colours)
    aspect: Fraction | None = None
    """Width by height of a pixel, where that is not 1."""
    sound: Path | str | None = None
    """The file that holds its sound."""

    @property
    def interval(self) -> float:
        """Seconds from frame to frame, on average."""
        return float(1 / self.rate)


class Source(Protocol):
    """Frames of one kind."""

    facts: Facts

    def frames(self) -> Iterator[Frame]:
        """All frames, once; what decodes is closed when the iterator is.

        Raises:
            InputError: a frame cannot be decoded, or the source ends before its time.
        """
        ...

    def close(self) -> None:
        """Give up the file or the device, if :meth:`frames` has not been asked for."""
        ...

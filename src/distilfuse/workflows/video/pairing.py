"""Which infrared frame belongs to which visible one: the nearest in time."""

from __future__ import annotations

from collections.abc import Iterator

from distilfuse.workflows.video.frames import Frame, FramePair

_ROUNDING = 0.002
"""Seconds; many files keep time in milliseconds."""


class NearestPairs:
    """Pairs of two recordings; an iterator, and then what it left out.

    Every visible frame is given the infrared frame that is nearest in time, if that is near enough; so the result has
    the visible's rate, and a slower infrared shows each of its frames several times.
    """

    def __init__(
        self, visible: Iterator[Frame], infrared: Iterator[Frame], *, offset: float = 0.0, tolerance: float
    ) -> None:
        """Begin.

        Args:
            visible: in order of time.
            infrared: in order of time.
            offset: seconds added to the time of the infrared: how much later its recording began.
            tolerance: seconds that the two of a pair may be apart.
        """
        self._visible = visible
        self._infrared = infrared
        self._offset = offset
        self._tolerance = tolerance + _ROUNDING
        self.paired = 0
        """Pairs given."""
        self.before = 0
        """Visible frames before the first infrared one."""
        self.between = 0
        """Visible frames of which the nearest infrared one was too far away, though there were later ones."""
        self.infrared_before = 0
        """Infrared frames before the first visible one."""
        self.infrared_ended = False
        """Whether the infrared ended before the visible."""
        self.infrared_left = False
        """Whether the visible ended while there were further infrared frames."""
        self.last = 0.0
        """Time of the last visible frame that was paired or counted, on its own clock."""

    def __iter__(self) -> Iterator[FramePair]:
        here, following = self._next(), self._next()
        for visible in self._visible:
            if here is None:
                self.infrared_ended = True
                return
            while following is not None and self._distance(following, visible) <= self._distance(here, visible):
                if not (self.paired or self.before) and self._distance(here, visible) > self._tolerance:
                    self.infrared_before += 1
                here, following = following, self._next()
            if self._distance(here, visible) <= self._tolerance:
                self.paired += 1
                self.last = visible.seconds
                yield FramePair(visible, here)
                continue
            if following is None and here.seconds + self._offset < visible.seconds:
                self.infrared_ended = True
                return
            self.last = visible.seconds
            if self.paired:
                self.between += 1
            else:
                self.before += 1
        self.infrared_left = following is not None

    def _next(self) -> Frame | None:
        return next(self._infrared, None)

    def _distance(self, infrared: Frame, visible: Frame) -> float:
        return abs(infrared.seconds + self._offset - visible.seconds)

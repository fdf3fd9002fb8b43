"""Pairs of frames, ready to be fused: of two sources by time, of two folders by name, of one picture by halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.pairs import Matching, match_folders
from distilfuse.workflows.video.folder import FolderSource, by_number
from distilfuse.workflows.video.frames import Facts, Frame, FramePair, Source
from distilfuse.workflows.video.infrared import InfraredRange, onto_grid
from distilfuse.workflows.video.pairing import NearestPairs
from distilfuse.workflows.video.prefetch import Prefetch

Split = Literal["left-right", "right-left", "top-bottom", "bottom-top"]
SPLITS: tuple[Split, ...] = ("left-right", "right-left", "top-bottom", "bottom-top")
"""Where the visible half of one picture with both is, and then where the infrared."""

_AHEAD = 3
"""Frames decoded ahead of a file..."""
_AHEAD_LIVE = 1
"""...and of a camera, where each one waiting is delay."""


class Pairs(Protocol):
    """Where pairs come from."""

    visible: Facts
    infrared: Facts

    def pairs(self) -> Iterator[FramePair]:
        """All pairs, once, the infrared as it was decoded.

        Raises:
            InputError: a source fails, or there is not a single pair.
        """
        ...

    def count(self) -> int | None:
        """How many pairs to expect, where that can be known."""
        ...

    def left_out(self) -> list[str]:
        """Sentences about frames that belong to no pair; after :meth:`pairs`."""
        ...

    def close(self) -> None:
        """End :meth:`pairs`, from any thread, and give up what is open."""
        ...


class TwoSources:
    """Two recordings, cameras or streams, paired by time; see :class:`Pairs`."""

    def __init__(
        self, visible: Source, infrared: Source, *, offset: float = 0.0, tolerance: float | None = None
    ) -> None:
        """Pair two opened sources.

        Args:
            visible: gives the times.
            infrared: paired to them.
            offset: seconds by which the infrared recording began later.
            tolerance: seconds that a pair may be apart, by default half of the longer interval between frames.

        Raises:
            InputError: one is live and the other a recording, which have no clock in common.
        """
        self.visible, self.infrared = visible.facts, infrared.facts
        if self.visible.live != self.infrared.live:
            live, recorded = (visible, infrared) if self.visible.live else (infrared, visible)
            raise InputError(
                f"{live.facts.name} is live but {recorded.facts.name} is a recording, so their times cannot be "
                "compared: give two cameras or two recordings."
            )
        self._sources = (visible, infrared)
        self._offset = offset
        self._tolerance = max(self.visible.interval, self.infrared.interval) / 2 if tolerance is None else tolerance
        self._decoding: list[Prefetch[Frame]] = []
        self._nearest: NearestPairs | None = None

    def pairs(self) -> Iterator[FramePair]:
        """See :class:`Pairs`."""
        live = self.visible.live
        ahead = _AHEAD_LIVE if live else _AHEAD
        self._decoding = [Prefetch(source.frames(), ahead=ahead, newest=live) for source in self._sources]
        self._nearest = NearestPairs(*self._decoding, offset=self._offset, tolerance=self._tolerance)
        try:
            yield from self._nearest
            if not self._nearest.paired and not any(one.closed for one in self._decoding):
                raise InputError(
                    f"No frame of {self.visible.name} has one of {self.infrared.name} within "
                    f"{self._tolerance * 1e3:.0f} ms: check the offset ({self._offset * 1e3:.0f} ms)."
                )
        finally:
            self.close()

    def count(self) -> int | None:
        """See :class:`Pairs`."""
        if self.visible.end is None or self.infrared.end is None:
            return None
        overlap = min(self.visible.end, self.infrared.end + self._offset) - max(0.0, self._offset)
        return max(0, round(overlap * float(self.visible.rate)))

    def left_out(self) -> list[str]:
        """See :class:`Pairs`."""
        nearest = self._nearest
        if nearest is None or self.visible.live:
            return []
        said = []
        if nearest.before:
            said.append(f"{_part('first', nearest.before, self.visible)} left out: the infrared begins later.")
        if nearest.infrared_before:
            said.append(f"{_part('first', nearest.infrared_before, self.infrared)} left out: the visible begins later.")
        if nearest.between:
            said.append(
                f"{nearest.between} frames of {self.visible.name} are left out: no infrared frame lies within "
                f"{self._tolerance * 1e3:.0f} ms of them."
            )
        reached = nearest.last + self.visible.interval
        if nearest.infrared_ended and self.visible.end is None:
            said.append(f"The end of {self.visible.name} is left out: the other recording ends earlier.")
        elif nearest.infrared_ended:
            # One was seen; the others are not decoded to be counted.
            rest = max(1, _frames_until_end(self.visible, reached))
            said.append(f"{_part('last', rest, self.visible)} left out: the other recording ends earlier.")
        elif nearest.infrared_left and (rest := _frames_until_end(self.infrared, reached - self._offset)) > 0:
            said.append(f"{_part('last', rest, self.infrared)} left out: the other recording ends earlier.")
        return said

    def close(self) -> None:
        """See :class:`Pairs`."""
        for one in self._decoding:
            one.close()
        if not self._decoding:
            for source in self._sources:
                source.close()


class TwoFolders:
    """Two folders of pictures, paired by name as ``distilfuse fuse`` pairs them; see :class:`Pairs`."""

    def __init__(self, visible: Path, infrared: Path, rate: Fraction) -> None:
        """Match the folders.

        Args:
            visible: a folder.
            infrared: a folder.
            rate: pairs a second.

        Raises:
            InputError: see :func:`distilfuse.imaging.pairs.match_folders`.
        """
        matching = match_folders(visible, infrared)
        found = sorted(matching.pairs, key=lambda pair: by_number(pair.visible))
        if not found:
            raise InputError(f"Every name in {visible} and {infrared} is claimed by several files: keep one each.")
        self._visible = FolderSource([pair.visible for pair in found], "visible", rate)
        self._infrared = FolderSource([pair.infrared for pair in found], "infrared", rate)
        self.visible, self.infrared = self._visible.facts, self._infrared.facts
        self._matching = matching
        self._number = len(found)
        self._closed = False

    def pairs(self) -> Iterator[FramePair]:
        """See :class:`Pairs`."""
        for visible, infrared in zip(self._visible.frames(), self._infrared.frames(), strict=True):
            if self._closed:
                return
            yield FramePair(visible, infrared)

    def count(self) -> int | None:
        """See :class:`Pairs`."""
        return self._number

    def left_out(self) -> list[str]:
        """See :class:`Pairs`."""
        return _strays(self._matching)

    def close(self) -> None:
        """See :class:`Pairs`."""
        self._closed = True


class SideBySide:
    """One picture with both, halved; see :class:`Pairs`."""

    def __init__(self, source: Source, split: Split) -> None:
        """Halve an opened source.

        Args:
            source: of kind ``visible``.
            split: one of :data:`SPLITS`. Of an odd number of columns or rows the middle one belongs to neither half.

        Raises:
            InputError: no such split.
        """
        if split not in SPLITS:
            source.close()
            raise InputError(f"{split!r} is no way to split a picture: choose {', '.join(SPLITS)}.")
        self.visible = self.infrared = source.facts
        self._source = source
        self._split = split
        self._decoding: Prefetch[Frame] | None = None

    def pairs(self) -> Iterator[FramePair]:
        """See :class:`Pairs`."""
        live = self.visible.live
        self._decoding = Prefetch(self._source.frames(), ahead=_AHEAD_LIVE if live else _AHEAD, newest=live)
        try:
            for frame in self._decoding:
                first, second = halves(frame.pixels, self._split)
                yield FramePair(Frame(first, frame.seconds), Frame(luminance(second), frame.seconds))
        finally:
            self.close()

    def count(self) -> int | None:
        """See :class:`Pairs`."""
        return None if self.visible.end is None else round(self.visible.end * float(self.visible.rate))

    def left_out(self) -> list[str]:
        """See :class:`Pairs`."""
        return []

    def close(self) -> None:
        """See :class:`Pairs`."""
        if self._decoding is not None:
            self._decoding.close()
        else:
            self._source.close()


def halves(pixels: NDArray[Any], split: Split) -> tuple[NDArray[Any], NDArray[Any]]:
    """The visible and the infrared half of a picture (views)."""
    axis = 1 if split in ("left-right", "right-left") else 0
    half = pixels.shape[axis] // 2
    if not half:
        raise InputError(f"A picture of {pixels.shape[1]}x{pixels.shape[0]} pixels cannot be halved.")
    first = pixels[:, :half] if axis else pixels[:half]
    second = pixels[:, -half:] if axis else pixels[-half:]
    return (first, second) if split in ("left-right", "top-bottom") else (second, first)


def ready(
    pairs: Pairs, *, limits: tuple[float, float] | None, registered: bool, stopped: Callable[[], bool]
) -> Iterator[FramePair]:
    """Pairs ready to be fused, or to be registered: counts scaled, all visible frames of one size.

    Args:
        pairs: see :class:`Pairs`; closed in the end.
        limits: see :class:`distilfuse.workflows.video.infrared.InfraredRange`.
        registered: whether a rig will bring the infrared onto the visible's grid; else it is scaled here.
        stopped: asked before each pair: whether that was the last.

    Raises:
        InputError: see :class:`Pairs`; also sizes that change or do not fit together.
    """
    scale = InfraredRange(limits)
    size: tuple[int, int] | None = None
    before, made = None, None
    try:
        for pair in pairs.pairs():
            if stopped():
                return
            height, width = pair.visible.pixels.shape[:2]
            if size is None:
                size = (height, width)
            elif size != (height, width):
                raise InputError(
                    f"The frames of {pairs.visible.name} change from {size[1]}x{size[0]} to {width}x{height} pixels "
                    f"after {pair.visible.seconds:.1f} s: cut the recording there."
                )
            if pair.infrared is not before or made is None:  # a slow infrared shows one frame several times
                pixels = scale(pair.infrared)
                if not registered:
                    pixels = onto_grid(pixels, size, pairs.infrared.name)
                before, made = pair.infrared, Frame(pixels, pair.infrared.seconds)
            yield FramePair(pair.visible, made)
    finally:
        pairs.close()


def _frames_until_end(facts: Facts, seconds: float) -> int:
    """How many frames a recording says that it has from a time on; 0 where it does not say."""
    return 0 if facts.end is None else round((facts.end - seconds) * float(facts.rate))


def _part(which: str, frames: int, facts: Facts) -> str:
    """Frames at one end of a recording, and the verb: ``The last 3 frames (0.12 s) of visible.mp4 are``."""
    number, verb = ("frame", "is") if frames == 1 else (f"{frames} frames", "are")
    return f"The {which} {number} ({frames * facts.interval:.2f} s) of {facts.name} {verb}"


def _strays(matching: Matching) -> list[str]:
    said = []
    kinds: Sequence[tuple[str, Sequence[Path]]] = (
        ("visible", matching.unmatched_visible),
        ("infrared", matching.unmatched_infrared),
        ("files whose name several claim", [path for group in matching.ambiguous for path in group]),
    )
    for kind, files in kinds:
        if files:
            said.append(f"{len(files)} {kind} left out, without a partner, such as {files[0].name}.")
    return said

"""A whole video: what is known before any work, and then frames encoded in a thread while the next are fused."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Literal

from distilfuse.errors import InputError, OutputError
from distilfuse.workflows.video.formats import check_codec, default_codec, has_depth
from distilfuse.workflows.video.frames import FusedFrame
from distilfuse.workflows.video.pairs import Pairs
from distilfuse.workflows.video.sources import is_local
from distilfuse.workflows.video.writing import Encoding, VideoWriter

Audio = Literal["auto", "visible", "infrared", "none"]
AUDIO: tuple[Audio, ...] = ("auto", "visible", "infrared", "none")
"""Whose sound is kept: ``auto`` is the visible's, else the infrared's."""

_BEHIND = 3
"""Frames that wait for the encoder or are in it."""


def frame_depth(output: Path, encoding: Encoding) -> bool | None:
    """What to ask of :func:`distilfuse.workflows.video.sources.open_pairs` as ``deep``.

    Raises:
        OutputError: 10 bits are wanted of an encoder that has 8, or there is no such encoder.
    """
    codec = encoding.codec or default_codec(output.suffix)
    check_codec(codec)
    if encoding.bits == 10 and encoding.pixel_format is None and not has_depth(codec):
        raise OutputError(f"{codec} encodes 8 bits a channel only: choose another codec, such as libx265.")
    return None if encoding.bits is None else encoding.bits > 8


def open_writer(
    output: Path,
    pairs: Pairs,
    encoding: Encoding,
    *,
    offset: float = 0.0,
    audio: Audio = "auto",
    overwrite: bool = False,
) -> tuple[VideoWriter, list[str]]:
    """The writer of a video, and sentences about what it cannot keep.

    Args:
        output: the file.
        pairs: what will be fused.
        encoding: how.
        offset: milliseconds by which the infrared recording began later.
        audio: one of :data:`AUDIO`.
        overwrite: replace a file that exists.

    Raises:
        InputError: there is no such sound.
        OutputError: see :class:`distilfuse.workflows.video.writing.VideoWriter`.
    """
    said = []
    codec = encoding.codec or default_codec(output.suffix)
    deep = encoding.bits == 10 or (encoding.bits is None and pairs.visible.deep)
    if deep and encoding.pixel_format is None and not has_depth(codec):
        deep = False
        said.append(f"{pairs.visible.name} has more than 8 bits a channel, of which {codec} keeps 8.")
    writer = VideoWriter(output, pairs.visible, encoding, deep=deep, overwrite=overwrite)
    try:
        owners = {"auto": (pairs.visible, pairs.infrared), "visible": (pairs.visible,), "infrared": (pairs.infrared,)}
        facts = next((facts for facts in owners.get(audio, ()) if facts.sound is not None), None)
        if facts is not None and facts.sound is not None:
            try:
                writer.keep_sound(facts.sound, shift=-offset / 1e3 if facts is pairs.infrared else 0.0)
            except OutputError as error:
                if audio != "auto":
                    raise
                said.append(str(error))
        elif audio in ("visible", "infrared"):
            raise InputError(f"The {audio} side has no sound that can be kept: use --audio auto or none.")
    except BaseException:
        writer.abandon()
        raise
    return writer, said


def refuse_inputs(output: Path, *inputs: str | Path | int | None) -> None:
    """Refuse to write over what is being read.

    Raises:
        OutputError: ``output`` is one of the inputs.
    """
    if any(is_local(one) and output.resolve() == Path(str(one)).resolve() for one in inputs):
        raise OutputError(f"{output} is one of the videos to be fused: name another output.")


def write_frames(
    frames: Generator[FusedFrame, None, None], writer: VideoWriter, *, live: bool
) -> Generator[FusedFrame, None, None]:
    """Write all frames, and pass each on. Close the iterator if it may be left early: nothing is written then.

    Args:
        frames: closed in the end.
        writer: finished where ``frames`` ends, abandoned where something fails.
        live: what comes from a camera cannot be had again, so where that fails the file keeps what came before.

    Yields:
        Each frame once it is on its way to the encoder.

    Raises:
        InputError: of ``frames``.
        OutputError: of ``writer``.
    """
    encoder = ThreadPoolExecutor(1, "encode")
    behind: deque[Future[None]] = deque()
    try:
        with closing(frames):
            try:
                for frame in frames:
                    behind.append(encoder.submit(writer.write, frame))
                    if len(behind) > _BEHIND:
                        behind.popleft().result()
                    yield frame
            except InputError as error:
                if not live:
                    raise
                _drain(behind)
                if not writer.frames:
                    raise
                writer.finish()
                raise InputError(f"{error} {writer.output} holds the {writer.seconds:.1f} s before that.") from error
        _drain(behind)
        writer.finish()
    finally:
        encoder.shutdown(wait=True, cancel_futures=True)
        writer.abandon()  # nothing to do where it was finished


def _drain(behind: deque[Future[None]]) -> None:
    while behind:
        behind.popleft().result()

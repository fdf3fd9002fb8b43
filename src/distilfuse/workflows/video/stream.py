"""Fused frames for whoever wants them: ``for frame in distilfuse.stream(...)``."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import get_args

from distilfuse.errors import InputError
from distilfuse.fuser import DEFAULT_BACKEND, DEFAULT_MODEL, Fuser
from distilfuse.imaging.mixing import BALANCED, check_strength
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.workflows.alignment.rig import Border, Rig
from distilfuse.workflows.treatment import PolarityChoice
from distilfuse.workflows.video.frames import DEFAULT_RATE, FusedFrame
from distilfuse.workflows.video.fusing import fuse_pairs
from distilfuse.workflows.video.infrared import InfraredRange
from distilfuse.workflows.video.pairs import Pairs, Split
from distilfuse.workflows.video.sources import open_pairs


def stream(
    visible: str | Path | int,
    infrared: str | Path | int | None = None,
    *,
    split: Split | None = None,
    offset: float = 0.0,
    tolerance: float | None = None,
    fps: float | Fraction = DEFAULT_RATE,
    limits: tuple[float, float] | None = None,
    polarity: PolarityChoice = "white",
    rig: str | Path | Rig | None = None,
    border: Border = "crop",
    ir_strength: float = BALANCED,
    steady: bool = True,
    bits: int = 8,
    model: str | Fuser = DEFAULT_MODEL,
    backend: str = DEFAULT_BACKEND,
    threads: int | None = None,
) -> Generator[FusedFrame, None, None]:
    """Fuse two videos, cameras, streams or folders frame by frame, as a detector or a display wants them.

    The next frames are decoded while one is being fused. Of cameras and streams the newest pair is given: frames that
    nobody had time for are dropped. Frames have the visible's size and times; an infrared picture of another size but
    the same shape is scaled.

    Example:
        >>> import distilfuse
        >>> for frame in distilfuse.stream("visible.mp4", "infrared.mp4"):  # doctest: +SKIP
        ...     detector(frame.image)  # H x W x 3, uint8, RGB

    Args:
        visible: a video file, a folder of pictures, the number of a camera, a URL (``rtsp://...``), or one of FFmpeg's
            devices (``v4l2:/dev/video2``, ``dshow:video=USB Camera``).
        infrared: the same kinds; None where ``visible`` shows both side by side.
        split: where the visible half is and then the infrared: ``left-right``, ``right-left``, ``top-bottom`` or
            ``bottom-top``.
        offset: milliseconds by which the infrared recording began later than the visible.
        tolerance: milliseconds that the two frames of a pair may be apart, by default half of the longer interval
            between frames. Visible frames without a partner are left out.
        fps: pictures a second of folders.
        limits: counts of the infrared that are black and white, where it has 9 to 16 bits of grey. By default the range
            follows the scene slowly.
        polarity: what is hot in the infrared, ``white`` or ``black``, or ``auto``: as the first pair looks.
        rig: what ``distilfuse align`` wrote, or a :class:`distilfuse.workflows.alignment.rig.Rig`, where the cameras do
            not see the same.
        border: with a rig, ``crop`` the frames to what both cameras see, or ``mask``: leave the rest as visible.
        ir_strength: 0 for the visible frames, 0.5 for what the model makes, 1 for the infrared under their colours.
        steady: hold the brightness over time; False fuses each frame as if it were alone.
        bits: 8 for uint8; 16 for uint16, of videos.
        model: a name from :func:`distilfuse.list_models`, the path of a record, or a loaded :class:`distilfuse.Fuser`.
        backend: see :class:`distilfuse.Fuser`.
        threads: see :class:`distilfuse.Fuser`.

    Returns:
        An iterator of :class:`distilfuse.workflows.video.frames.FusedFrame`. Leaving the loop closes what is open.

    Raises:
        InputError: a source cannot be opened, the two cannot go together, or there is no such rig. What fails later is
            raised by the iterator, after the frames before it.
        MissingDependencyError: PyAV is not installed: ``pip install 'distilfuse[video]'``.
        ModelError: there is no such model.

    Warns:
        PictureWarning: at the first frame, how ``auto`` was settled, or that the polarity seems to be the other one; at
            the end, for what was left out because one side is shorter, or has gaps.
    """
    if bits not in (8, 16):
        raise InputError(f"Frames have 8 or 16 bits a channel, not {bits}.")
    if polarity not in get_args(PolarityChoice):
        raise InputError(f"The polarity is {polarity!r}: choose from {', '.join(get_args(PolarityChoice))}.")
    InfraredRange(limits)  # refuses before anything is opened
    check_strength(ir_strength)
    if isinstance(rig, (str, Path)):
        rig = Rig.read(Path(rig))
    pairs = open_pairs(
        visible,
        infrared,
        split=split,
        offset=offset,
        tolerance=tolerance,
        rate=Fraction(fps).limit_denominator(1_000_000),
        deep=bits > 8,
    )
    try:
        fuser = model if isinstance(model, Fuser) else Fuser.from_pretrained(model, backend=backend, threads=threads)
    except BaseException:
        pairs.close()
        raise
    passing = fuse_pairs(
        fuser,
        pairs,
        limits=limits,
        polarity=polarity,
        say=partial(_warn, level=4),
        rig=rig,
        border=border,
        ir_strength=ir_strength,
        steady=steady,
    )
    return _with_remarks(passing, pairs)


def _with_remarks(passing: Generator[FusedFrame, None, None], pairs: Pairs) -> Generator[FusedFrame, None, None]:
    yield from passing
    for sentence in pairs.left_out():
        _warn(sentence)


def _warn(sentence: str, *, level: int = 3) -> None:
    """Warn, of the loop over the frames: ``level`` counts the functions from this one to it."""
    warnings.warn(sentence, PictureWarning, stacklevel=level)

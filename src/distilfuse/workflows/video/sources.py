"""What people name, opened: files, folders, cameras, streams of the network."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from distilfuse.errors import InputError
from distilfuse.imaging.pairs import list_pictures
from distilfuse.workflows.video.folder import FolderSource, by_number
from distilfuse.workflows.video.frames import DEFAULT_RATE
from distilfuse.workflows.video.media import (
    Kind,
    MediaSource,
    open_camera,
    open_device,
    open_file,
    open_url,
)
from distilfuse.workflows.video.pairs import Pairs, SideBySide, Split, TwoFolders, TwoSources

_DEVICE = re.compile(r"(v4l2|dshow|avfoundation|gdigrab|x11grab|decklink):(.+)")


def open_pairs(
    visible: str | Path | int,
    infrared: str | Path | int | None = None,
    *,
    split: Split | None = None,
    offset: float = 0.0,
    tolerance: float | None = None,
    rate: Fraction = DEFAULT_RATE,
    deep: bool | None = False,
) -> Pairs:
    """Open both sides.

    Args:
        visible: a video file, a folder of pictures, the number of a camera, an FFmpeg device such as
            ``v4l2:/dev/video2``, or a URL (``rtsp://...``).
        infrared: the same; None where ``visible`` shows both.
        split: where in ``visible`` the two are.
        offset: milliseconds by which the infrared recording began later.
        tolerance: milliseconds that a pair may be apart, by default half of the longer interval between frames.
        rate: pictures a second of folders.
        deep: visible frames of videos as uint16 (True), as uint8 (False), or as they are (None).

    Raises:
        InputError: a side is missing, cannot be opened, holds no video, or does not go with the other.
        MissingDependencyError: PyAV is not installed.
    """
    if rate <= 0:
        raise InputError(f"Pictures come at a rate above 0 a second, not {float(rate):g}.")
    if tolerance is not None and tolerance < 0:
        raise InputError(f"A tolerance is 0 ms or more, not {tolerance:g}.")
    if split is not None:
        if infrared is not None:
            raise InputError(f"With a split {visible} holds both pictures: leave {infrared} out, or the split.")
        return SideBySide(_open(visible, "visible", rate, deep), split)
    if infrared is None:
        raise InputError(
            f"{visible} is the visible picture only: name the infrared, too, or give a split if it holds both."
        )
    if is_folder(visible) and is_folder(infrared):
        if offset:
            raise InputError("Two folders of pictures are paired by name, so an offset has no meaning: leave it out.")
        return TwoFolders(Path(visible), Path(infrared), rate)  # type: ignore[arg-type]  # a number is no folder
    first = _open(visible, "visible", rate, deep)
    try:
        second = _open(infrared, "infrared", rate, deep)
        return TwoSources(first, second, offset=offset / 1e3, tolerance=None if tolerance is None else tolerance / 1e3)
    except BaseException:
        first.close()
        raise


def _open(address: str | Path | int, kind: Kind, rate: Fraction, deep: bool | None) -> MediaSource | FolderSource:
    opened = _open_any(address, kind, rate)
    if isinstance(opened, MediaSource):
        opened.deep = opened.facts.deep if deep is None else deep
    return opened


def _open_any(address: str | Path | int, kind: Kind, rate: Fraction) -> MediaSource | FolderSource:
    text = str(address)
    if "://" in text:
        return open_url(text, kind)
    path = Path(text)
    if path.is_dir():
        return FolderSource(sorted(list_pictures(path), key=by_number), kind, rate)
    if re.fullmatch(r"/dev/video\d+", text):
        return open_device("v4l2", text, kind)
    if path.exists():
        return open_file(path, kind)
    if text.isdecimal():
        return open_camera(int(text), kind)
    if found := _DEVICE.fullmatch(text):
        return open_device(found[1], found[2], kind)
    raise InputError(f"{text} does not exist: check the name.")


def is_local(address: str | Path | int | None) -> bool:
    """Whether it is a file or a folder, which must not be written over."""
    return address is not None and "://" not in str(address) and Path(str(address)).exists()


def is_folder(address: str | Path | int) -> bool:
    """Whether it is a folder of pictures."""
    return not isinstance(address, int) and "://" not in str(address) and Path(address).is_dir()

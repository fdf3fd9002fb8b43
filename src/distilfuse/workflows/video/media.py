"""Frames of a video file, a stream of the network, or a camera, decoded by PyAV."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.workflows.video.frames import DEFAULT_RATE, Colours, Facts, Frame
from distilfuse.workflows.video.library import fraction, pyav, reason

Kind = Literal["visible", "infrared"]

_PATIENCE = 10.0
"""Seconds that a camera or a stream of the network may be silent."""

_MISSING = 0.5
"""Seconds that a video may be shorter than it says before it counts as truncated: heads round, and count the sound."""

_CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}")}
"""System -> FFmpeg's input device, and what it calls a camera of a number. Those of Windows have names only."""


class MediaSource:
    """A video stream, opened; see :class:`distilfuse.workflows.video.frames.Source`."""

    def __init__(self, container: Any, name: str, kind: Kind, *, live: bool, path: Path | None = None) -> None:
        """Take over a container of PyAV.

        Args:
            container: opened for reading.
            name: for messages.
            kind: ``visible`` gives ``H x W x 3``; ``infrared`` gives grey: uint8, float32 of deep YCbCr, or uint16
                counts of deep grey.
            live: times are then those of arrival, on a clock that all live sources share.
            path: the file, where it is one.

        Raises:
            InputError: there is no video stream, or it cannot be decoded.
        """
        if not container.streams.video:
            container.close()
            raise InputError(f"{name} holds no video stream: name a video, a folder of pictures or a camera.")
        self._container = container
        self._stream = container.streams.video[0]
        self._kind = kind
        context = self._stream.codec_context
        if context is None or getattr(context, "format", None) is None:
            container.close()
            raise InputError(f"The video of {name} cannot be decoded by this PyAV: convert it to H.264 first.")
        # Frames decoded side by side wait for each other, which is latency that a live picture has no use for.
        self._stream.thread_type = "SLICE" if live else "AUTO"
        self.deep = False
        """Whether visible frames are given as uint16; set it before the first frame."""
        aspect = fraction(context.sample_aspect_ratio)
        self.facts = Facts(
            name=name,
            live=live,
            rate=fraction(self._stream.average_rate) or fraction(self._stream.guessed_rate) or DEFAULT_RATE,
            end=None if live else _seconds(container, self._stream),
            ticks=fraction(self._stream.time_base),
            deep=max((part.bits for part in context.format.components), default=8) > 8,
            colours=Colours(context.colorspace, context.color_primaries, context.color_trc),
            aspect=None if aspect == 1 else aspect,
            sound=path if path is not None and container.streams.audio else None,
        )

    def frames(self) -> Iterator[Frame]:
        """See :class:`distilfuse.workflows.video.frames.Source`."""
        try:
            yield from self._arriving() if self.facts.live else self._recorded()
        finally:
            self.close()

    def close(self) -> None:
        """Give up the file or the device."""
        self._container.close()

    def _recorded(self) -> Iterator[Frame]:
        start: float | None = None
        last, interval = -1.0, self.facts.interval
        for picture in self._decode():
            base = fraction(picture.time_base)
            seconds = last + interval if picture.pts is None or base is None else float(picture.pts * base)
            if start is None:
                start, last = seconds, seconds - interval
            if seconds <= last:  # some recorders repeat a stamp; time goes forward
                seconds = last + interval / 2
            last = seconds
            yield Frame(self._pixels(picture), seconds - start)
        if start is None:
            raise InputError(f"{self.facts.name} holds no frame that can be decoded: copy or record it again.")
        end, reached = self.facts.end, last - start + interval
        if end is not None and end - reached > max(_MISSING, 2 * interval):
            raise InputError(
                f"{self.facts.name} is truncated: it ends after {reached:.1f} of {end:.1f} s. Copy it again, or keep "
                f"what there is with: ffmpeg -i {self.facts.name} -c copy whole.mkv"
            )

    def _arriving(self) -> Iterator[Frame]:
        for picture in self._decode():
            yield Frame(self._pixels(picture), time.monotonic() - _LIVE_CLOCK)
        raise InputError(f"{self.facts.name} has ended: check the camera and its connection.")

    def _decode(self) -> Iterator[Any]:
        """Frames of PyAV; damage is an error in a file, and passed over in what is live (packets get lost)."""
        av, seconds = pyav(), 0.0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                for picture in packet.decode():
                    seconds = float(picture.time or 0)
                    yield picture
            except av.error.EOFError:
                return
            except av.error.InvalidDataError as error:
                if not self.facts.live:
                    raise InputError(
                        f"{self.facts.name} is damaged after {seconds:.1f} s ({reason(error)}): copy it again."
                    ) from error
            except (av.error.FFmpegError, OSError) as error:
                verb = "sent nothing more" if self.facts.live else "cannot be read"
                raise InputError(f"{self.facts.name} {verb} after {seconds:.1f} s ({reason(error)}).") from error

    def _pixels(self, picture: Any) -> NDArray[Any]:
        components = picture.format.components
        deep = max((part.bits for part in components), default=8) > 8
        if self._kind == "visible":
            pixels: NDArray[Any] = picture.to_ndarray(format="rgb48le" if self.deep else "rgb24")
        elif deep and len(components) == 1:
            pixels = picture.to_ndarray()  # counts of the sensor, as they are
        elif deep:
            pixels = picture.to_ndarray(format="gray16le").astype(np.float32) / np.float32(65535)
        else:
            pixels = picture.to_ndarray(format="gray")
        # FFmpeg gives the angle counter-clockwise, as numpy does.
        turns = round(getattr(picture, "rotation", 0) / 90) % 4
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def open_file(path: Path, kind: Kind) -> MediaSource:
    """Open a video file.

    Raises:
        InputError: not a video, damaged, or without a video stream.
        MissingDependencyError: PyAV is not installed.
    """
    # "file:" so that a colon in a name is not taken for a protocol.
    container = _open(str(path), lambda av: av.open(f"file:{path}"), "convert it, or copy it again if it is truncated")
    return MediaSource(container, str(path), kind, live=False, path=path)


def open_url(url: str, kind: Kind) -> MediaSource:
    """Open a stream of the network: RTSP (over TCP), HTTP, UDP and what else FFmpeg speaks.

    Raises:
        InputError: nobody answers within ten seconds, or what is sent is no video; a password is not repeated.
        MissingDependencyError: PyAV is not installed.
    """
    name = _without_password(url)
    protocol = url.partition("://")[0].lower()
    options = {"rtsp_transport": "tcp"} if protocol in ("rtsp", "rtsps") else {}
    container = _open(
        name,
        lambda av: av.open(url, options=options, timeout=_PATIENCE),
        "check the address and that the camera is on",
    )
    recorded = protocol in ("http", "https") and bool(container.duration)
    return MediaSource(container, name, kind, live=not recorded)


def open_camera(index: int, kind: Kind) -> MediaSource:
    """Open a camera of this machine by its number, counted from 0.

    Raises:
        InputError: there is none, it is in use, or cameras of this system have no numbers.
        MissingDependencyError: PyAV is not installed.
    """
    if sys.platform not in _CAMERAS:
        raise InputError(
            f"Cameras of this system have names, not numbers: name camera {index} as in 'dshow:video=USB Camera'."
        )
    form, pattern = _CAMERAS[sys.platform]
    return open_device(form, pattern.format(index), kind)


def open_device(form: str, device: str, kind: Kind) -> MediaSource:
    """Open a camera by one of FFmpeg's input devices.

    Args:
        form: ``v4l2``, ``dshow``, ``avfoundation``, ...
        device: what that calls the camera: ``/dev/video0``, ``video=USB Camera``, ``0``.
        kind: see :class:`MediaSource`.

    Raises:
        InputError: there is none, it is in use, or this PyAV lacks the input device.
        MissingDependencyError: PyAV is not installed.
    """
    name = f"The camera {device}"
    container = _open(
        name,
        lambda av: av.open(device, format=form, timeout=_PATIENCE),
        "check that it is there and that no other program uses it",
    )
    return MediaSource(container, name, kind, live=True)


_LIVE_CLOCK = time.monotonic()
"""When the clock of live sources read 0."""


def _open(name: str, opening: Callable[[Any], Any], mend: str) -> Any:
    av = pyav()
    try:
        return opening(av)
    except av.error.InvalidDataError as error:
        raise InputError(f"{name} is not a video that can be read ({reason(error)}): {mend}.") from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{name} cannot be opened ({reason(error)}): {mend}.") from error


def _seconds(container: Any, stream: Any) -> float | None:
    """How long the stream says it is: of the video itself, because the sound may be longer."""
    base = fraction(stream.time_base)
    if stream.duration and base:
        return float(stream.duration * base)
    if said := stream.metadata.get("DURATION"):  # of Matroska: 00:00:02.040000000
        hours, minutes, seconds = said.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if stream.frames and (rate := fraction(stream.average_rate)):
        return float(stream.frames / rate)
    if container.duration and not container.streams.audio:
        return float(Fraction(container.duration, 1_000_000))
    return None


def _without_password(url: str) -> str:
    protocol, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{protocol}://{place.rpartition('@')[2]}{slash}{path}"

"""Fused frames to a video file, with the sound of a recording: whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from distilfuse.errors import InputError, OutputError
from distilfuse.workflows.video.formats import QUALITY, check_codec, default_codec, pixel_format
from distilfuse.workflows.video.frames import Facts, FusedFrame
from distilfuse.workflows.video.library import pyav, reason
from distilfuse.workflows.video.sound import Sound, takes_sound

_FINEST = 65535
"""Ticks a second; MPEG-4 video takes no more."""
_TICK = Fraction(1, 60_000)
"""A unit of time that all usual frame rates are whole numbers of."""

_VARIABLE_RATE = 0x400  # AVFMT_VARIABLE_FPS
_MATRICES = {1: 1, 7: 7, 9: 9, 10: 9}
"""FFmpeg's number of a YCbCr matrix in a video -> its number of that in the conversion from RGB; else BT.601 (5)."""
_LIMITED, _FULL = 1, 2


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How frames are encoded."""

    codec: str | None = None
    """An encoder of FFmpeg, by default H.264 (VP9 in WebM)."""
    crf: float | None = None
    """Quality, lower is better; its scale is the encoder's own."""
    bit_rate: int | None = None
    """Bits a second, instead of a quality."""
    bits: int | None = None
    """8 or 10 a channel; None for those of the visible, as far as the encoder has them."""
    pixel_format: str | None = None
    """FFmpeg's name, by default the one of ``bits`` that most players show."""
    options: Mapping[str, str] = field(default_factory=dict)
    """More of the encoder's options, by FFmpeg's names."""


class VideoWriter:
    """A video file in the making: beside its place under another name, moved there when it is finished."""

    def __init__(
        self, output: Path, visible: Facts, encoding: Encoding, *, deep: bool, overwrite: bool = False
    ) -> None:
        """Find out what can be found out before any work.

        Args:
            output: its suffix decides the container.
            visible: what the frames come from: gives rate, unit of time and colours.
            encoding: see :class:`Encoding`.
            deep: whether frames are of uint16 and 10 bits are to be written.
            overwrite: replace a file that exists.

        Raises:
            OutputError: no folder to write into, a file that exists, an unknown suffix, an encoder that there is not
                or that the container does not take.
        """
        av = pyav()
        _check_place(output, overwrite=overwrite)
        self.output = output
        self.codec = encoding.codec or default_codec(output.suffix)
        check_codec(self.codec)
        self._visible = visible
        self._encoding = encoding
        self._deep = deep
        self._sound_of: Path | str | None = None
        self._sound_shift = 0.0
        self._sound: Sound | None = None
        self._stream: Any = None
        self._start = 0.0
        self._last = -1
        self.frames = 0
        """How many have been written."""
        self.seconds = 0.0
        """How long the video is."""
        # The same folder, so that the move stays within one file system; the suffix last, for FFmpeg goes by it.
        self._partial = output.with_name(f".{output.stem}.{secrets.token_hex(4)}.part{output.suffix}")
        try:
            self._container = av.open(f"file:{self._partial}", "w")
        except (av.error.FFmpegError, OSError) as error:
            raise OutputError(f"{output} cannot be written ({reason(error)}): check the folder.") from error
        except ValueError as error:
            raise OutputError(
                f"{output} does not end as a video does: choose .mp4, .mkv, .mov, .webm or .avi."
            ) from error
        try:
            if av.Codec(self.codec, "w").canonical_name not in self._container.supported_codecs:
                raise OutputError(f"{output.suffix} files hold no {self.codec}: choose another codec, or write .mkv.")
            if not int(self._container.format.flags) & _VARIABLE_RATE:
                self._tick = 1 / visible.rate
            elif visible.ticks is not None and visible.ticks.denominator <= _FINEST:
                self._tick = visible.ticks
            else:
                self._tick = _TICK
        except BaseException:
            self.abandon()
            raise

    def keep_sound(self, path: Path | str, *, shift: float = 0.0) -> None:
        """Carry over the sound of a recording; before the first frame.

        Args:
            path: the file.
            shift: seconds from the visible's clock to that of the recording.

        Raises:
            OutputError: the container holds no sound.
        """
        if not takes_sound(self._container):
            raise OutputError(f"{self.output.suffix} files hold no sound: use --audio none, or write .mkv.")
        self._sound_of, self._sound_shift = path, shift

    def write(self, frame: FusedFrame) -> None:
        """Encode the next frame.

        Raises:
            OutputError: the encoder refuses, or the file cannot be written.
            InputError: the sound cannot be carried over.
        """
        av = pyav()
        try:
            if self._stream is None:
                self._begin(frame)
            seconds = frame.seconds - self._start
            self._last = max(self._last + 1, round(seconds / self._tick))
            self._mux_sound(seconds)
            self._container.mux(self._stream.encode(self._picture(frame)))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._failed(error) from error
        self.frames += 1
        self.seconds = seconds + self._visible.interval

    def finish(self) -> None:
        """Complete the file and move it to its place; without a frame there is none.

        Raises:
            OutputError: the file cannot be written; nothing is left of it then.
        """
        av = pyav()
        try:
            if self.frames:
                self._mux_sound(self.seconds)
                self._container.mux(self._stream.encode(None))
                self._container.close()
                self._partial.replace(self.output)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._failed(error) from error
        finally:
            self.abandon()  # what is left: nothing, unless something failed

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._sound is not None:
            self._sound.close()
        with suppress(Exception):  # it may be closed, or full
            self._container.close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def _begin(self, frame: FusedFrame) -> None:
        height, width = frame.image.shape[:2]
        form = self._encoding.pixel_format or pixel_format(self.codec, (height, width), deep=self._deep)
        if form is None:
            what = "10 bits a channel" if self._deep else f"{width}x{height} pixels"
            raise OutputError(f"{self.codec} does not encode {what}: choose another codec, or name its pixel format.")
        stream = self._container.add_stream(self.codec, rate=self._visible.rate)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width, height, form
        context.time_base = self._tick
        colours = self._visible.colours
        if not form.startswith(("rgb", "bgr", "gbr", "gray", "pal")):
            context.colorspace, context.color_range = colours.matrix, _FULL if form.startswith("yuvj") else _LIMITED
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        if self._visible.aspect is not None:
            context.sample_aspect_ratio = self._visible.aspect
        options = dict(QUALITY.get(self.codec, {}))
        if self._encoding.bit_rate is not None:
            for quality in ("crf", "b", "flags", "global_quality"):
                options.pop(quality, None)
            context.bit_rate = self._encoding.bit_rate
        if self._encoding.crf is not None:
            options["crf"] = f"{self._encoding.crf:g}"
        stream.options = options | dict(self._encoding.options)
        self._stream = stream
        self._form = form
        self._start = frame.seconds
        if self._sound_of is not None:
            self._sound = Sound(self._sound_of, self._container, start=frame.seconds + self._sound_shift)
        if self._container.format.name == "avi":
            context.max_b_frames = 0  # AVI knows one time a frame, and takes that of decoding
        context.open()
        if stream.codec_context.options:  # those that nobody took
            names = ", ".join(stream.codec_context.options)
            raise OutputError(f"The encoder {self.codec} has no option {names}: leave it out, or choose another codec.")

    def _picture(self, frame: FusedFrame) -> Any:
        layout = "rgb24" if frame.image.dtype == np.uint8 else "rgb48le"
        picture = pyav().VideoFrame.from_ndarray(frame.image, format=layout)
        picture = picture.reformat(
            format=self._form,
            dst_colorspace=_MATRICES.get(self._visible.colours.matrix, 5),
            dst_color_range=_FULL if self._form.startswith("yuvj") else _LIMITED,
        )
        picture.pts, picture.time_base = self._last, self._tick
        return picture

    def _mux_sound(self, seconds: float) -> None:
        if self._sound is not None:
            for packet in self._sound.until(seconds):
                self._container.mux(packet)

    def _failed(self, error: Exception) -> Exception:
        if isinstance(error, InputError | OutputError):
            return error
        if self._stream is None or not self._stream.codec_context.is_open:
            return OutputError(
                f"The encoder {self.codec} cannot be started ({reason(error)}): check its options and pixel format."
            )
        return OutputError(f"{self.output} cannot be written ({reason(error)}): check the folder and the space.")


def _check_place(output: Path, *, overwrite: bool) -> None:
    if not output.parent.is_dir():
        kind = "is not a folder" if output.parent.exists() else "does not exist"
        raise OutputError(f"{output} cannot be written because {output.parent} {kind}: make it or name another.")
    if output.is_dir():
        raise OutputError(f"{output} cannot be written because a folder has that name.")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists: add --overwrite (overwrite=True) to replace it.")

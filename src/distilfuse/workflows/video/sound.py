"""The sound of one recording, carried over: copied where the container takes it, else encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from distilfuse.errors import InputError
from distilfuse.workflows.video.library import fraction, pyav, reason

_ENCODERS = ("aac", "libopus", "libmp3lame")
_OPUS_RATE = 48_000
_BIT_RATE = 160_000


def takes_sound(output: Any) -> bool:
    """Whether a container of PyAV, opened for writing, holds sound that can be made here."""
    return _encoder_for(output) is not None


class Sound:
    """Packets of sound for an output, in step with its frames."""

    def __init__(self, path: Path | str, output: Any, *, start: float) -> None:
        """Open the file and add a stream to the output.

        Args:
            path: a file with sound.
            output: a container of PyAV, opened for writing and not begun.
            start: seconds of the recording that are 0 of the output; what is before is left out.

        Raises:
            InputError: the sound cannot be read, or the output takes neither it nor another that can be made of it.
        """
        av = pyav()
        self._name = str(path)
        try:
            self._input = av.open(f"file:{path}")
        except (av.error.FFmpegError, OSError) as error:
            raise InputError(f"The sound of {path} cannot be opened ({reason(error)}): use --audio none.") from error
        self._source = self._input.streams.audio[0]
        # Frames count from the first picture of the recording, wherever that lies.
        self._start = start + _first_picture(self._input)
        self.copied = self._source.codec_context.codec.canonical_name in output.supported_codecs
        """Whether the sound is the recording's own, not encoded anew."""
        if self.copied:
            self._target = output.add_stream_from_template(self._source)
        else:
            self._target = self._add_encoder(output)
        self._packets = self._copy() if self.copied else self._encode()
        self._waiting: tuple[float, Any] | None = None

    def until(self, seconds: float) -> Iterator[Any]:
        """Packets that begin before that time of the output, each once.

        Raises:
            InputError: the sound is damaged.
        """
        av = pyav()
        try:
            while True:
                if self._waiting is None:
                    self._waiting = next(self._packets, None)
                if self._waiting is None or self._waiting[0] >= seconds:
                    return
                packet = self._waiting[1]
                self._waiting = None
                yield packet
        except (av.error.FFmpegError, OSError) as error:
            raise InputError(
                f"The sound of {self._name} is damaged ({reason(error)}): use --audio none, or repair it."
            ) from error

    def close(self) -> None:
        """Close the input."""
        self._input.close()

    def _add_encoder(self, output: Any) -> Any:
        name = _encoder_for(output)
        if name is None:
            self._input.close()
            raise InputError(
                f"{output.format.name} files hold no sound that can be made of {self._name}: use --audio none."
            )
        context = self._source.codec_context
        stream = output.add_stream(name, rate=_OPUS_RATE if name == "libopus" else context.sample_rate)
        stream.codec_context.layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        stream.codec_context.bit_rate = _BIT_RATE
        return stream

    def _copy(self) -> Iterator[tuple[float, Any]]:
        base = fraction(self._source.time_base) or Fraction(1, 1000)
        shift = round(self._start / base)
        for packet in self._input.demux(self._source):
            if packet.pts is None or packet.dts is None:
                continue  # the empty packet at the end
            packet.pts -= shift
            packet.dts -= shift
            if packet.pts < 0:
                continue
            packet.stream = self._target
            yield float(packet.pts * base), packet

    def _encode(self) -> Iterator[tuple[float, Any]]:
        av = pyav()
        encoder = self._target.codec_context
        if not encoder.is_open:  # writing the head of the output opens it
            encoder.open()
        resampler = av.AudioResampler(encoder.format, encoder.layout, encoder.rate, encoder.frame_size or None)
        base = Fraction(1, encoder.rate)
        shift = round(self._start / base)
        for frame in _then_none(self._decoded(resampler)):
            if frame is not None:
                frame.pts = round(Fraction(frame.pts) * fraction(frame.time_base) / base) - shift  # type: ignore[operator]
                frame.time_base = base
                if frame.pts < 0:
                    continue
            for packet in encoder.encode(frame):
                packet.stream = self._target
                yield float(packet.pts * (fraction(packet.time_base) or base)), packet

    def _decoded(self, resampler: Any) -> Iterator[Any]:
        for frame in self._input.decode(self._source):
            yield from resampler.resample(frame)
        yield from resampler.resample(None)


def _encoder_for(output: Any) -> str | None:
    av = pyav()
    for name in _ENCODERS:
        with suppress(av.codec.codec.UnknownCodecError):
            if av.Codec(name, "w").canonical_name in output.supported_codecs:
                return name
    return None


def _then_none(frames: Iterator[Any]) -> Iterator[Any]:
    """The frames, and None to flush the encoder."""
    yield from frames
    yield None


def _first_picture(container: Any) -> float:
    stream = container.streams.video[0] if container.streams.video else None
    base = fraction(stream.time_base) if stream is not None else None
    return float(stream.start_time * base) if stream is not None and base and stream.start_time else 0.0

"""Videos written for the tests: what each frame shows is known to the value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from distilfuse.fuser import Fuser

av = pytest.importorskip("av", reason="PyAV (extra video) is not installed")

SIZE = (48, 64)


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    rate: int | Fraction = 10,
    codec: str = "ffv1",
    pixels: str | None = None,
    stamps: Sequence[float] | None = None,
    tone: float | None = None,
    sound: str = "aac",
) -> Path:
    """A video of these pictures, lossless by default; ``stamps`` in seconds; ``tone`` seconds of sound."""
    first = frames[0]
    layout = {(2, "uint8"): "gray", (2, "uint16"): "gray16le", (3, "uint8"): "rgb24", (3, "uint16"): "rgb48le"}[
        (first.ndim, first.dtype.name)
    ]
    pixels = pixels or {"gray": "gray", "gray16le": "gray16le", "rgb24": "bgr0", "rgb48le": "yuv444p10le"}[layout]
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], pixels
        if codec == "libx264":
            stream.options = {"crf": "0", "preset": "ultrafast"}
        base = Fraction(1, 1000) if stamps is not None else 1 / Fraction(rate)
        stream.codec_context.time_base = base
        if tone is not None:
            voice = output.add_stream(sound, rate=48_000)
            voice.codec_context.layout = "mono"
        for index, pixel in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixel, format=layout)
            picture.pts = index if stamps is None else round(stamps[index] * 1000)
            picture.time_base = base
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
        if tone is not None:
            samples = np.sin(2 * np.pi * 440 * np.arange(int(48_000 * tone)) / 48_000).astype(np.float32) * 0.5
            if not voice.codec_context.is_open:
                voice.codec_context.open()
            resampler = av.AudioResampler(
                voice.codec_context.format, "mono", 48_000, voice.codec_context.frame_size or None
            )
            piece = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            piece.sample_rate, piece.pts, piece.time_base = 48_000, 0, Fraction(1, 48_000)
            for made in (*resampler.resample(piece), *resampler.resample(None), None):
                output.mux(voice.encode(made))
    return path


def even(level: int, *, colour: bool, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture of one value."""
    return np.full((*size, 3) if colour else size, level, np.uint8)


@pytest.fixture(scope="session")
def make() -> Callable[..., Path]:
    return write_video


@pytest.fixture(scope="session")
def flat() -> Callable[..., np.ndarray]:
    return even


@pytest.fixture(scope="session")
def maximum(project: Path) -> Fuser:
    """The brighter of the two luminances."""
    return Fuser.from_pretrained(str(project / "tests/assets/maximum-luminance.json"), backend="onnxruntime", threads=1)

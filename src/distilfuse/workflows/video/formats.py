"""Pixel formats: the one to encode in, of those that a codec has."""

from __future__ import annotations

from distilfuse.errors import OutputError
from distilfuse.workflows.video.library import pyav

EIGHT = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "rgb24", "gbrp", "bgr0", "bgra", "rgb8")
TEN = ("yuv420p10le", "p010le", "yuv422p10le", "yuv444p10le", "gbrp10le", "yuv420p12le", "yuv422p12le", "yuv444p12le")
"""By 8 bits or more a channel, first what most players show."""

CODECS = {".webm": ("libvpx-vp9", "libsvtav1"), ".gif": ("gif",), ".avi": ("mpeg4",)}
"""Suffix -> encoders, of which the first that is there is the default."""
USUAL = ("libx264", "h264", "mpeg4")
"""Those of all other suffixes."""

QUALITY = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libx265": {"crf": "20", "preset": "veryfast"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    "libsvtav1": {"crf": "28", "preset": "10"},
    "mpeg4": {"flags": "+qscale", "global_quality": "354"},  # 3, in units of 118
}
"""Encoder -> options: hardly visible loss, at a speed that keeps up with the fusion."""


def default_codec(suffix: str) -> str:
    """The encoder for a file of that suffix."""
    names = CODECS.get(suffix.lower(), USUAL)
    return next((name for name in names if has_encoder(name)), names[-1])


def has_encoder(name: str) -> bool:
    """Whether this PyAV has it."""
    av = pyav()
    try:
        return bool(av.Codec(name, "w").type == "video")
    except av.codec.codec.UnknownCodecError:
        return False


def pixel_format(codec: str, size: tuple[int, int], *, deep: bool) -> str | None:
    """What to encode in.

    Args:
        codec: an encoder that there is.
        size: (height, width). Formats that halve the colour need even sides.
        deep: whether 10 bits are wanted.

    Returns:
        FFmpeg's name, None where the encoder has no such format.
    """
    offered = [form.name for form in pyav().Codec(codec, "w").video_formats or ()]
    wanted = TEN if deep else EIGHT
    if not offered:
        return wanted[0]
    if offered[0].startswith("yuvj"):  # motion JPEG has full-range values, whatever else it lists
        offered = [name for name in offered if name.startswith("yuvj")]
    height, width = size
    fitting = [
        name
        for name in wanted
        if name in offered
        and not (width % 2 and ("420" in name or "422" in name or name == "p010le"))
        and not (height % 2 and ("420" in name or name == "p010le"))
    ]
    return fitting[0] if fitting else None


def has_depth(codec: str) -> bool:
    """Whether an encoder that there is has more than 8 bits a channel."""
    return pixel_format(codec, (2, 2), deep=True) is not None


def check_codec(codec: str) -> None:
    """Refuse an encoder that there is not.

    Raises:
        OutputError: the message names some that there are.
    """
    if not has_encoder(codec):
        known = [name for name in (*QUALITY, "ffv1", "prores_ks", "mjpeg") if has_encoder(name)]
        raise OutputError(f"This PyAV has no video encoder {codec!r}: choose {', '.join(known)}, or another it has.")

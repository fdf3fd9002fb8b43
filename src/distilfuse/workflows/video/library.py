"""PyAV (the libraries of FFmpeg), imported where it is needed and nowhere else."""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType
from typing import Any

from distilfuse.errors import MissingDependencyError, install_line


def pyav() -> ModuleType:
    """The module ``av``, with FFmpeg's own chatter kept off stderr: what goes wrong comes as an exception.

    Raises:
        MissingDependencyError: it is not installed; the message holds the install line.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        raise MissingDependencyError(f"Video needs PyAV, which is not installed: {install_line('video')}") from error
    av.logging.set_level(av.logging.PANIC)
    return av


def reason(error: BaseException) -> str:
    """What FFmpeg says went wrong, fit for brackets in a sentence."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")


def fraction(value: Any) -> Fraction | None:
    """A rational number of PyAV as a fraction; None where it is not known (None or 0, by the version of PyAV)."""
    return Fraction(value.numerator, value.denominator) if value else None

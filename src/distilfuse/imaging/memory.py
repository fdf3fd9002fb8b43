"""Freed memory, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache

_WORTH_IT = 1 << 22
"""Values from which a picture's memory is worth a walk through the heap, which takes some milliseconds."""


def give_back(values: int) -> None:
    """Give freed memory back, after Pillow's pictures of so many values (pixels times channels) are gone.

    glibc keeps what a thread has freed for that thread, in blocks such as those Pillow asks for. With threads that read
    and threads that write, each would hold on to the largest picture it has seen. Elsewhere this does nothing.
    """
    if values >= _WORTH_IT:
        _trim()(0)


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], object]:
    if sys.platform != "linux":
        return lambda kept: None
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library
        return lambda kept: None
    return trim

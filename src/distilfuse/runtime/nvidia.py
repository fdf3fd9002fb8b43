"""NVIDIA cards, asked of the driver itself: a CUDA build of a library says nothing of the machine it is on."""

from __future__ import annotations

import ctypes
import sys


def nvidia_cards() -> list[str]:
    """Names of the cards that this process may use; none where there is no driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return []
    count, card, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    names = []
    for index in range(count.value):
        if driver.cuDeviceGet(ctypes.byref(card), index) or driver.cuDeviceGetName(name, len(name), card):
            continue
        names.append(name.value.decode(errors="replace"))
    return names

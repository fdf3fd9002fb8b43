"""The application segments of a JPEG file: where cameras put what is not the picture.

A JPEG file is a row of segments, each a marker (two bytes), a length (two bytes, big-endian, itself included) and a
payload, until the picture's own data begin (ITU-T T.81, annex B). APP0 to APP15 are free for applications.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from distilfuse.errors import InputError

APP1 = 0xE1
APP3 = 0xE3

MOST_BYTES = 1 << 26
"""Of all application segments together. A FLIR file has at most 256 segments of 64 KiB."""

_START, _SCAN, _END = 0xD8, 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}


@dataclass(frozen=True)
class Segment:
    """One application segment."""

    marker: int
    """0xE0 to 0xEF."""
    payload: bytes


def read_segments(path: Path) -> list[Segment]:
    """Read the application segments of a JPEG file, in their order; the picture itself is left alone.

    Raises:
        InputError: no such file, a folder, empty, no JPEG, or cut off or damaged before the picture begins; names the
            file.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder where a JPEG file is needed: name a file in it.")
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if not start:
                raise InputError(f"{path} is empty: copy it from the camera again.")
            if start != bytes((0xFF, _START)):
                raise InputError(f"{path} is not a JPEG file: give the file as the camera wrote it.")
            return _walk(file, path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the file.") from error


def _walk(file: BinaryIO, path: Path) -> list[Segment]:
    segments: list[Segment] = []
    total = 0
    while True:
        marker = _next_marker(file)
        if marker in (_SCAN, _END):
            return segments
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(file.read(2), "big")
        payload = file.read(max(0, length - 2))
        if marker is None or length < 2 or len(payload) < length - 2:
            raise InputError(f"{path} is cut off or damaged before its picture begins: copy it from the camera again.")
        if 0xE0 <= marker <= 0xEF:
            segments.append(Segment(marker, payload))
            total += length
        if total > MOST_BYTES:
            raise InputError(f"{path} has more than {MOST_BYTES >> 20} MiB before its picture begins: it is no photo.")


def _next_marker(file: BinaryIO) -> int | None:
    """The second byte of the marker that must come now, None where none does; 0xFF before it may be repeated."""
    if file.read(1) != b"\xff":
        return None
    byte = b"\xff"
    while byte == b"\xff":
        byte = file.read(1)
    return byte[0] if byte else None

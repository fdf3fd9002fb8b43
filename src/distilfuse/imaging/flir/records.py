"""From JPEG segments to records: the FFF file that a FLIR camera spreads over APP1 segments.

Each segment begins with ``FLIR``, zero, one, the number of the chunk and that of the last one; the chunks together are
an FFF file: a head of 64 bytes, a directory with 32 bytes a record, the records.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum

from distilfuse.imaging.jpeg_segments import APP1, Segment

_SIGNATURE = b"FLIR\0"
_CHUNK_HEAD = 8
_FILE_HEAD = 64
_ENTRY = 32


class DamagedFileError(Exception):
    """What is wrong inside a FLIR file, as a few words; :func:`~distilfuse.imaging.flir.reading.read_flir` names it."""


class RecordType(IntEnum):
    """The records that are read."""

    RAW_DATA = 0x01
    EMBEDDED_IMAGE = 0x0E
    CAMERA_INFO = 0x20
    PICTURE_IN_PICTURE = 0x2A


def join_chunks(segments: Sequence[Segment]) -> bytes | None:
    """The FFF file of a JPEG, None where there is none.

    Raises:
        DamagedFileError: a chunk is missing, there twice, or of another count than the others.
    """
    found = [
        segment.payload
        for segment in segments
        if segment.marker == APP1 and segment.payload.startswith(_SIGNATURE) and len(segment.payload) >= _CHUNK_HEAD
    ]
    if not found:
        return None
    numbers, last = [chunk[6] for chunk in found], {chunk[7] for chunk in found}
    if numbers and not any(numbers) and last == {0}:  # some software counts no chunks (ExifTool): trust their order
        order = list(range(len(found)))
    elif len(last) > 1 or len(set(numbers)) < len(numbers) or max(numbers) > max(last):
        raise DamagedFileError("the numbers of its chunks contradict each other")
    elif missing := sorted(set(range(max(last) + 1)) - set(numbers)):
        raise DamagedFileError(f"chunk {missing[0] + 1} of {max(last) + 1} is missing")
    else:
        order = sorted(range(len(found)), key=numbers.__getitem__)
    return b"".join(found[index][_CHUNK_HEAD:] for index in order)


def split_records(fff: bytes) -> dict[RecordType, memoryview]:
    """The records of an FFF file that are read, the first of each type.

    Raises:
        DamagedFileError: no FFF file, of an unknown version, a directory or record that reaches beyond its end.
    """
    if len(fff) < _FILE_HEAD or fff[:4] not in (b"FFF\0", b"AFF\0"):
        raise DamagedFileError("its thermal part has no FFF head")
    for order in "><":  # big-endian inside JPEG as a rule, little-endian in files of their own
        version, start, count = struct.unpack_from(f"{order}3I", fff, 0x14)
        if 100 <= version < 200:
            break
    else:
        raise DamagedFileError("its thermal part is of an unknown version")
    if start + count * _ENTRY > len(fff):
        raise DamagedFileError("its directory of records is cut off")
    records: dict[RecordType, memoryview] = {}
    for entry in range(count):
        kind, offset, length = struct.unpack_from(f"{order}H10x2I", fff, start + entry * _ENTRY)
        if kind not in set(RecordType) or RecordType(kind) in records or not length:
            continue
        if offset + length > len(fff):
            raise DamagedFileError(f"its record {RecordType(kind).name} is cut off")
        records[RecordType(kind)] = memoryview(fff)[offset : offset + length]
    return records


def byte_order(record: memoryview) -> str:
    """``<`` or ``>``: the first word of a record is a small number in the right byte order."""
    return "<" if int.from_bytes(record[:2], "little") < 0x100 else ">"

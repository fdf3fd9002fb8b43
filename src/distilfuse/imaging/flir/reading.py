"""A FLIR radiometric JPEG file as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.imaging.flir.counts import parse_counts
from distilfuse.imaging.flir.placement import Placement, parse_placement
from distilfuse.imaging.flir.radiometry import Radiometry, parse_radiometry
from distilfuse.imaging.flir.records import DamagedFileError, RecordType, join_chunks, split_records
from distilfuse.imaging.flir.temperature import celsius
from distilfuse.imaging.flir.visible import parse_visible
from distilfuse.imaging.jpeg_segments import Segment, read_segments

Part = TypeVar("Part")


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Say of which file it is that something is damaged.

    Raises:
        InputError: in place of :class:`~distilfuse.imaging.flir.records.DamagedFileError`.
    """
    try:
        yield
    except DamagedFileError as error:
        raise InputError(f"{path} is a damaged FLIR file ({error}): copy it from the camera again.") from error


@dataclass(frozen=True)
class FlirCapture:
    """What a FLIR camera saw at one press of the button, as stored: turn both by the EXIF orientation of the file."""

    path: Path
    counts: NDArray[np.uint16]
    """Of the thermal sensor, ``H x W``."""
    celsius: NDArray[np.float32]
    """``H x W``, degrees Celsius; NaN where there is no temperature to a count."""
    radiometry: Radiometry
    _records: Mapping[RecordType, memoryview]

    def visible(self) -> Image.Image | None:
        """The visible picture, L or RGB; None where the camera took none.

        Raises:
            InputError: it is damaged.
        """
        return self._part(RecordType.EMBEDDED_IMAGE, parse_visible)

    def placement(self) -> Placement | None:
        """How the two lie on each other; None where the file does not say.

        Raises:
            InputError: what it says is damaged.
        """
        return self._part(RecordType.PICTURE_IN_PICTURE, parse_placement)

    def _part(self, kind: RecordType, parse: Callable[[memoryview], Part]) -> Part | None:
        with blaming(self.path):
            return parse(self._records[kind]) if kind in self._records else None


def read_flir(path: Path, segments: Sequence[Segment] | None = None) -> FlirCapture | None:
    """Read a FLIR radiometric JPEG.

    Args:
        path: the file.
        segments: of the file, where they are read already.

    Returns:
        None where the file is a JPEG without a thermal part of FLIR.

    Raises:
        InputError: no such file, no JPEG, or a thermal part that is damaged or without counts; names the file and why.
    """
    segments = read_segments(path) if segments is None else segments
    with blaming(path):
        fff = join_chunks(segments)
        if fff is None:
            return None
        records = split_records(fff)
        if RecordType.RAW_DATA not in records:
            raise InputError(
                f"{path} is a FLIR file without counts of the sensor: have the camera save radiometric JPEG."
            )
        if RecordType.CAMERA_INFO not in records:
            raise DamagedFileError(f"it has no record {RecordType.CAMERA_INFO.name}")
        radiometry = parse_radiometry(records[RecordType.CAMERA_INFO])
        counts = parse_counts(records[RecordType.RAW_DATA])
        return FlirCapture(path, counts, celsius(counts, radiometry), radiometry, records)

"""DJI's R-JPEG files: recognised, no more. What their counts mean only DJI's Thermal SDK knows."""

from __future__ import annotations

from collections.abc import Sequence

from distilfuse.imaging.exif import find_exif, maker, read_exif
from distilfuse.imaging.jpeg_segments import APP1, APP3, Segment


def is_dji_thermal(segments: Sequence[Segment]) -> bool:
    """Whether a JPEG file of a DJI camera has a thermal part of DJI's own.

    Its counts lie in APP3 segments without a signature (https://exiftool.org/TagNames/JPEG.html), so the maker decides.
    Older DJI cameras with a sensor of FLIR (Zenmuse XT, XT 2) write FLIR files instead.
    """
    if not any(segment.marker == APP3 for segment in segments):
        return False
    return maker(read_exif(find_exif(segments))) == "DJI" or any(
        segment.marker == APP1 and b"drone-dji" in segment.payload for segment in segments
    )

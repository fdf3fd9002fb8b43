from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.ExifTags import IFD, Base

from distilfuse.imaging.exif import exif_of_result, find_exif, maker, orientation, read_exif, turn_upright
from distilfuse.imaging.jpeg_segments import Segment

GPS = {1: "N", 2: (48.0, 8.0, 12.5), 3: "E", 4: (11.0, 34.0, 30.0), 5: b"\0", 6: 519.0}


def block() -> bytes:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = "FLIR Systems AB", "FLIR E8"
    exif[Base.Orientation] = 6
    exif[IFD.Exif] = {
        Base.DateTimeOriginal: "2024:03:01 12:30:45",
        Base.ExposureTime: 0.01,
        Base.ExifImageWidth: 320,
        Base.ExifImageHeight: 240,
        Base.MakerNote: b"positions in the old file",
    }
    exif[IFD.GPSInfo] = GPS
    return exif.tobytes()


def test_what_is_kept_and_what_is_not() -> None:
    kept = read_exif(exif_of_result(block(), 1440, 1080))
    assert (kept[Base.Make], kept[Base.Model]) == ("FLIR Systems AB", "FLIR E8")
    assert orientation(kept) == 1
    details = kept.get_ifd(IFD.Exif)
    assert details[Base.DateTimeOriginal] == "2024:03:01 12:30:45"
    assert float(details[Base.ExposureTime]) == 0.01
    assert (details[Base.ExifImageWidth], details[Base.ExifImageHeight]) == (1440, 1080)
    assert Base.MakerNote not in details
    place = kept.get_ifd(IFD.GPSInfo)
    assert (place[1], place[3], place[5]) == ("N", "E", b"\0")
    assert [float(part) for part in place[2]] == [48, 8, 12.5]
    assert float(place[6]) == 519


@given(st.binary(max_size=80), st.booleans())
@settings(max_examples=30, deadline=None)
def test_damaged_blocks_are_left_out(junk: bytes, with_head: bool) -> None:
    damaged = b"Exif\0\0" + (block()[6:60] if with_head else b"") + junk
    exif_of_result(damaged, 10, 10)
    assert orientation(read_exif(damaged)) in range(1, 9)
    maker(read_exif(damaged))


def test_a_block_that_is_too_large_is_left_out() -> None:
    exif = Image.Exif()
    exif[Base.ImageDescription] = "x" * 70000
    assert exif_of_result(exif.tobytes(), 10, 10) == b""
    assert exif_of_result(b"", 10, 10) == b""


def test_finding_it() -> None:
    assert find_exif([Segment(0xE0, b"JFIF\0"), Segment(0xE1, block()), Segment(0xE1, b"Exif\0\0no")]) == block()
    assert find_exif([]) == b""
    assert maker(read_exif(block())) == "FLIR Systems AB"


@pytest.mark.parametrize("value", range(1, 9))
def test_turning_is_as_pillow_does_it(value: int) -> None:
    pixels = np.random.default_rng(value).integers(0, 256, (4, 7, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.getexif()[Base.Orientation] = value
    np.testing.assert_array_equal(turn_upright(pixels, value), np.asarray(ImageOps.exif_transpose(image)))

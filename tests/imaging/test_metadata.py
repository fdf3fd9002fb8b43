"""What files say besides pixels goes into what is made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base

from distilfuse.imaging.reading import read_picture
from distilfuse.workflows.files import write_planes

PIXELS = np.random.default_rng(8).integers(0, 256, (12, 18, 3), dtype=np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[Base.Make], tags[Base.Model], tags[Base.DateTime] = "FLIR Systems", "T640", "2026:03:01 10:11:12"
    tags[Base.Orientation] = orientation
    tags[IFD.GPSInfo] = {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (48.0, 8.0, 15.5)}
    tags[IFD.Exif] = {Base.DateTimeOriginal: "2026:03:01 10:11:10", Base.MakerNote: b"positions in the old file"}
    return tags


@pytest.mark.parametrize("target", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("source", [".png", ".jpg", ".webp", ".tif"])
def test_date_place_camera_and_profile_are_carried_over(source: str, target: str, tmp_path: Path) -> None:
    before, after = tmp_path / f"before{source}", tmp_path / f"after{target}"
    Image.fromarray(PIXELS).save(before, exif=exif().tobytes(), icc_profile=PROFILE)
    picture = read_picture(before)
    write_planes(after, picture.colour, picture.alpha, picture.metadata, overwrite=False)
    with Image.open(after) as image:
        found = image.getexif()
        assert (found[Base.Make].strip("\0"), found[Base.DateTime]) == ("FLIR Systems", "2026:03:01 10:11:12")
        assert found.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] == (48.0, 8.0, 15.5)
        assert found.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2026:03:01 10:11:10"
        assert Base.MakerNote not in found.get_ifd(IFD.Exif)
        assert image.info["icc_profile"] == PROFILE
        assert image.size == (18, 12)


def test_a_turned_picture_is_upright_and_says_so(tmp_path: Path) -> None:
    before, after = tmp_path / "before.jpg", tmp_path / "after.png"
    Image.fromarray(PIXELS).save(before, exif=exif(6).tobytes(), quality=95)
    picture = read_picture(before)
    assert picture.colour.shape == (18, 12, 3)
    write_planes(after, picture.colour, None, picture.metadata, overwrite=False)
    with Image.open(after) as image:
        assert image.getexif().get(Base.Orientation, 1) == 1
        assert image.getexif()[Base.Make].strip("\0") == "FLIR Systems"


def test_a_file_that_says_nothing_gives_one_that_says_nothing(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert (picture.metadata.profile, picture.metadata.exif) == (None, b"")


def test_bitmaps_hold_nothing_but_pixels(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif().tobytes())
    picture = read_picture(tmp_path / "a.png")
    write_planes(tmp_path / "a.bmp", picture.colour, None, picture.metadata, overwrite=False)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.bmp").colour, PIXELS)

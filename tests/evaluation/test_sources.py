from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.evaluation.sources import Remark, grey_bytes, grouped, has_colour, noticed, read_picture

RNG = np.random.default_rng(3)


def save(path: Path, pixels: NDArray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def test_bytes_come_as_they_are(tmp_path: Path) -> None:
    for shape in ((5, 7), (5, 7, 3)):
        pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
        got, remarks = read_picture(save(tmp_path / "a.png", pixels))
        np.testing.assert_array_equal(got, pixels)
        assert remarks == []


def test_sixteen_bits_are_scaled_by_type_and_remarked(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.array([[0, 257, 65535], [128, 129, 32896]], np.uint16))
    got, remarks = read_picture(path)
    # 65535 / 255 = 257 counts are one level; 128 rounds down and 129 up.
    assert got.tolist() == [[0, 1, 255], [0, 1, 128]]
    assert got.dtype == np.uint8
    assert remarks == [Remark("16-bit values, scaled by type to 8 bit", str(path))]


def test_floats_are_scaled_and_remarked(tmp_path: Path) -> None:
    got, remarks = read_picture(save(tmp_path / "a.tif", np.array([[0, 0.5, 1]], np.float32)))
    assert got.tolist() == [[0, 128, 255]]
    assert [remark.what for remark in remarks] == ["float values, scaled by type to 8 bit"]


def test_alpha_is_dropped(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (4, 4, 4), dtype=np.uint8)
    np.testing.assert_array_equal(read_picture(save(tmp_path / "a.png", pixels))[0], pixels[..., :3])


def test_constant_pictures_are_remarked(tmp_path: Path) -> None:
    for name, pixels in (("a", np.full((4, 4), 9, np.uint8)), ("b", np.full((4, 4, 3), (1, 2, 3), np.uint8))):
        path = save(tmp_path / f"{name}.png", pixels)
        assert read_picture(path)[1] == [Remark("constant, every pixel alike", str(path))]


def test_colour_is_remarked_in_infrared_only_and_only_if_it_is_colour(tmp_path: Path) -> None:
    grey = np.repeat(RNG.integers(0, 256, (4, 4, 1), dtype=np.uint8), 3, axis=2)
    assert read_picture(save(tmp_path / "grey.png", grey), infrared=True)[1] == []
    grey[1, 1] = (9, 8, 9)
    path = save(tmp_path / "a.png", grey)
    assert read_picture(path, infrared=True)[1] == [Remark("infrared in colour, turned to grey", str(path))]
    assert read_picture(path)[1] == []


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(InputError, match=r"a\.png is not a picture"):
        read_picture(tmp_path / "a.png")
    path = save(tmp_path / "b.tif", np.array([[0, np.nan]], np.float32))
    with pytest.raises(InputError, match=r"b\.tif picture holds NaN"):
        read_picture(path)


def test_grey_of_equal_channels_is_that_channel() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(grey_bytes(np.repeat(grey[..., None], 3, axis=2)), grey)
    assert grey_bytes(grey) is grey


def test_colour_is_a_pixel_whose_channels_differ() -> None:
    grey = RNG.integers(0, 256, (4, 4), dtype=np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    assert not has_colour(grey)
    assert not has_colour(picture)
    for channel in range(3):
        tinted = picture.copy()
        tinted[2, 3, channel] ^= 1
        assert has_colour(tinted)


def test_picture_warnings_are_collected_once_and_others_pass(tmp_path: Path) -> None:
    narrow = save(tmp_path / "n.png", np.array([[0, 900], [3, 4]], np.uint16))
    said: list[str] = []
    with noticed(said):
        read_picture(narrow)
        read_picture(narrow)
        with pytest.warns(UserWarning, match="another"):
            warnings.warn("another", UserWarning, stacklevel=1)
    assert len(said) == 1
    assert "n.png picture uses 1.4% of its 16-bit range" in said[0]


def test_remarks_are_grouped_by_what_they_say() -> None:
    remarks = [Remark("x", "a"), Remark("y", "a"), Remark("x", "b"), Remark("x", "a")]
    assert grouped(remarks) == {"x": ["a", "b"], "y": ["a"]}

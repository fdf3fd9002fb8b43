from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import OutputError
from distilfuse.imaging.reading import read_array, read_image
from distilfuse.imaging.writing import LOSSLESS, WRITABLE, Abandoned, check_target, write_bytes, write_image

RNG = np.random.default_rng(8)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (6, 9, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (6, 9), dtype=np.uint16)
FLOATS = RNG.random((6, 9), dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("a.png", GREY),
        ("a.png", COLOUR),
        ("a.png", ALPHA),
        ("a.png", DEEP),
        ("a.tif", GREY),
        ("a.tiff", COLOUR),
        ("a.TIF", ALPHA),
        ("a.tif", DEEP),
        ("a.tif", FLOATS),
        ("a.bmp", COLOUR),
        ("a.webp", COLOUR),
    ],
)
def test_written_is_read_again(tmp_path: Path, name: str, pixels: np.ndarray) -> None:
    write_image(tmp_path / name, pixels)
    found = read_array(tmp_path / name)
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)


def test_jpeg_is_written_well(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    write_image(tmp_path / "a.jpg", smooth)
    assert np.abs(read_array(tmp_path / "a.jpg").astype(int) - smooth).mean() < 2


def test_colour_profile_is_kept(tmp_path: Path) -> None:
    image = Image.fromarray(COLOUR)
    image.info["icc_profile"] = b"profile"
    for name in ("a.png", "a.tif", "a.jpg"):
        write_image(tmp_path / name, image)
        assert read_image(tmp_path / name).info["icc_profile"] == b"profile"


def test_existing_files_are_replaced_only_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, GREY)
    with pytest.raises(OutputError, match="exists: add --overwrite"):
        write_image(path, COLOUR)
    np.testing.assert_array_equal(read_array(path), GREY)
    write_image(path, COLOUR, overwrite=True)
    np.testing.assert_array_equal(read_array(path), COLOUR)


def test_everyone_may_read_what_is_written(tmp_path: Path) -> None:
    # A temporary file made private must not leave a private result.
    write_image(tmp_path / "a.png", GREY)
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    path = tmp_path / "a.png"
    write_image(path, GREY)

    def half(self: Image.Image, file: object, **options: object) -> None:
        file.write(b"half a picture")  # type: ignore[attr-defined]
        raise failure

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises((OutputError, KeyboardInterrupt)) as caught:
        write_image(path, COLOUR, overwrite=True)
    if isinstance(failure, OSError):
        assert "No space left on device" in str(caught.value)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(read_array(path), GREY)


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("a.jpg", ALPHA, "JPEG files hold no transparency: choose .png"),
        ("a.jpg", DEEP, "JPEG files hold no 16-bit values: choose .png, .tif"),
        ("a.png", FLOATS, "PNG files hold no float values: choose .tif, .tiff"),
        ("a.png", np.zeros((2, 3, 3), np.int16), "H x W x 3 or 4 of uint8"),
        ("a.png", np.zeros((0, 3), np.uint8), "cannot be written from an array"),
    ],
)
def test_formats_that_cannot_hold_the_values(tmp_path: Path, name: str, pixels: np.ndarray, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        write_image(tmp_path / name, pixels)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.pdf"])
def test_unknown_suffixes_name_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"\.png, \.tif, \.tiff, \.bmp, \.jpg, \.jpeg, \.webp"):
        check_target(tmp_path / name, overwrite=False)


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for path, message in (
        (tmp_path / "file" / "a.png", "file is not a folder"),
        (tmp_path / "missing" / "a.png", "missing does not exist"),
        (tmp_path / "folder.png", "a folder has that name"),
    ):
        with pytest.raises(OutputError, match=message):
            write_image(path, GREY)


def test_lossless_suffixes_can_be_written() -> None:
    assert set(LOSSLESS) <= set(WRITABLE)


def test_bytes_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_bytes(path, b"old")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]
    with pytest.raises(OutputError, match="cannot be written"):
        write_bytes(tmp_path / "missing" / "record.json", b"")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.bmp", "a.webp"])
def test_a_picture_that_is_no_longer_wanted(tmp_path: Path, name: str) -> None:
    noise = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    asked: list[bool] = []

    def abandon() -> bool:
        asked.append(True)
        return True

    with pytest.raises(Abandoned):
        write_image(tmp_path / name, noise, abandon=abandon)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_of_png_is_stopped_at_work(tmp_path: Path) -> None:
    noise = RNG.integers(0, 256, (1200, 800, 3), dtype=np.uint8)
    asked: list[bool] = []

    def abandon() -> bool:
        asked.append(True)
        return len(asked) == 20

    with pytest.raises(Abandoned):
        write_image(tmp_path / "a.png", noise, abandon=abandon)
    assert len(asked) == 20
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.modes import PLAIN_MODES, to_plain_mode
from distilfuse.imaging.reading import count_pixels, read_array, read_image
from distilfuse.imaging.scaling import PictureWarning

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (6, 9), dtype=np.uint16)
FLOATS = RNG.random((6, 9), dtype=np.float32)


def saved(path: Path, image: Image.Image | np.ndarray, **options: object) -> Path:
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_grey_and_colour(tmp_path: Path, suffix: str) -> None:
    np.testing.assert_array_equal(read_array(saved(tmp_path / f"g{suffix}", GREY)), GREY)
    np.testing.assert_array_equal(read_array(saved(tmp_path / f"c{suffix}", COLOUR)), COLOUR)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits(tmp_path: Path, suffix: str) -> None:
    found = read_array(saved(tmp_path / f"deep{suffix}", DEEP))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, DEEP)


def test_float_tiff(tmp_path: Path) -> None:
    found = read_array(saved(tmp_path / "f.tif", FLOATS))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, FLOATS)


def test_big_endian_tiff_and_sixteen_bit_pgm(tmp_path: Path) -> None:
    header = b"P5\n9 6\n65535\n"
    (tmp_path / "deep.pgm").write_bytes(header + DEEP.astype(">u2").tobytes())
    found = read_array(tmp_path / "deep.pgm")
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, DEEP)
    big = Image.frombytes("I;16B", (9, 6), DEEP.astype(">u2").tobytes())
    np.testing.assert_array_equal(np.asarray(to_plain_mode(big, "visible")), DEEP)


def test_palette_alpha_bilevel_and_inks(tmp_path: Path) -> None:
    few = Image.fromarray(COLOUR).quantize(8)
    found = read_image(saved(tmp_path / "p.png", few))
    assert found.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(found), np.asarray(few.convert("RGB")))
    assert read_image(saved(tmp_path / "pt.png", few, transparency=0)).mode == "RGBA"
    assert read_image(saved(tmp_path / "la.png", Image.fromarray(GREY).convert("LA"))).mode == "LA"
    assert read_image(saved(tmp_path / "a.png", Image.fromarray(COLOUR).convert("RGBA"))).mode == "RGBA"
    bilevel = read_array(saved(tmp_path / "1.png", Image.fromarray(GREY > 128)))
    np.testing.assert_array_equal(bilevel, np.where(GREY > 128, 255, 0))
    inks = Image.fromarray(COLOUR).convert("CMYK")
    np.testing.assert_allclose(read_array(saved(tmp_path / "k.tif", inks)), COLOUR, atol=2)


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr", "HSV", "LAB", "RGBX", "PA", "I"])
def test_every_mode_becomes_a_plain_one(mode: str) -> None:
    assert to_plain_mode(Image.new(mode, (3, 2)), "visible").mode in PLAIN_MODES


def test_integers_that_fit_nowhere_are_refused() -> None:
    with pytest.raises(InputError, match=r"32-bit integers from -5 to 70000: map them to 0\.\.65535"):
        to_plain_mode(Image.fromarray(np.array([[-5, 70000]], np.int32)), "infrared")


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, -1), (8, 1)])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_array(saved(tmp_path / "turned.png", COLOUR, exif=exif))
    np.testing.assert_array_equal(found, np.rot90(COLOUR, turn))


def test_sixteen_bit_colour_is_not_cut_in_silence(tmp_path: Path) -> None:
    # Pillow cannot write it either, so the PNG is put together by hand.
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + RNG.bytes(9 * 6) for _ in range(6))
    header = struct.pack(">IIBBBBB", 9, 6, 16, 2, 0, 0, 0)
    path = tmp_path / "deep-colour.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    with pytest.warns(PictureWarning, match="16-bit colour, of which the upper 8 bits are read"):
        assert read_image(path).mode == "RGB"


def test_eight_bit_colour_draws_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(saved(tmp_path / "c.tif", COLOUR))
        read_image(saved(tmp_path / "c.png", COLOUR))
        read_image(saved(tmp_path / "c.jpg", COLOUR))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp", ".ppm"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / f"cut{suffix}", noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture at all")
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    for path, message in (
        (text, "is not a picture that can be read"),
        (empty, "is empty: copy or export it again"),
        (tmp_path / "missing.png", "does not exist: check the name"),
        (tmp_path, "is a folder where a picture is needed"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            read_image(path)
        assert str(path) in str(caught.value)


def test_a_picture_without_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zero.pgm"
    path.write_bytes(b"P5\n0 4\n255\n")
    with pytest.raises(InputError, match=r"zero\.pgm"):
        read_image(path)


def test_huge_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "c.png", COLOUR)
    monkeypatch.setenv("DISTILFUSE_MAX_PIXELS", "53")
    with pytest.raises(InputError, match=r"c\.png is 9x6 pixels, more than the 53 that are read: cut it .*MAX_PIXELS"):
        read_image(path)
    monkeypatch.setenv("DISTILFUSE_MAX_PIXELS", "54")
    assert read_image(path).size == (9, 6)
    monkeypatch.setenv("DISTILFUSE_MAX_PIXELS", "many")
    with pytest.raises(ConfigError, match="DISTILFUSE_MAX_PIXELS is 'many' but must be a number of pixels"):
        read_image(path)


def test_the_limit_of_pillow_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "c.png", COLOUR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(path).size == (9, 6)
    assert Image.MAX_IMAGE_PIXELS == 10, "it is as it was for others"


def test_pixels_are_counted_without_decoding(tmp_path: Path) -> None:
    path = saved(tmp_path / "c.png", COLOUR)
    path.write_bytes(path.read_bytes()[:60])
    assert count_pixels(path) == 54
    path.write_bytes(b"no picture")
    assert count_pixels(path) == 0
    assert count_pixels(tmp_path / "missing.png") == 0

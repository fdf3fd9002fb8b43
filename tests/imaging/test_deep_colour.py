"""Colour with 16 bits a channel."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import MissingDependencyError, OutputError
from distilfuse.imaging.reading import read_array, read_picture
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.imaging.writing import write_image

pytest.importorskip("cv2", reason="colour with 16 bits a channel needs OpenCV (extra deep)")
RNG = np.random.default_rng(3)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_written_and_read_again(channels: int, suffix: str, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 65536, (9, 7, channels), dtype=np.uint16)
    write_image(tmp_path / f"a{suffix}", pixels)
    again = read_array(tmp_path / f"a{suffix}")
    assert again.dtype == np.uint16
    np.testing.assert_array_equal(again, pixels)


def test_formats_without_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="hold no 16-bit colour"):
        write_image(tmp_path / "a.jpg", np.zeros((4, 4, 3), np.uint16))
    assert not list(tmp_path.iterdir())


def test_without_opencv_the_upper_bits_are_read_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = RNG.integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    write_image(tmp_path / "a.png", pixels)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.warns(PictureWarning, match=r"upper 8 bits are read: .* pip install 'distilfuse\[deep\]'"):
        picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.colour, pixels >> 8)
    with pytest.raises(MissingDependencyError, match="needs OpenCV"):
        write_image(tmp_path / "b.png", pixels)
    assert not (tmp_path / "b.png").exists()

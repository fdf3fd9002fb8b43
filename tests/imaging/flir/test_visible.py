"""The visible picture inside: JPEG, PNG in Y Cb Cr, plain samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, flir_jpeg

from distilfuse.imaging.flir.reading import FlirCapture, read_flir

COUNTS = np.full((6, 8), 15000, np.uint16)


def picture() -> np.ndarray:
    y, x = np.mgrid[0:36, 0:48]
    return np.dstack([x * 5, y * 7, 255 - x * 3]).astype(np.uint8)


def capture(tmp_path: Path, **changes: object) -> FlirCapture:
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(Scene(counts=COUNTS, **changes)))
    read = read_flir(path)
    assert read is not None
    return read


@pytest.mark.parametrize("record_order", ["<", ">"])
@pytest.mark.parametrize("visible_as", ["jpg", "png", "dat"])
def test_colour(visible_as: str, record_order: str, tmp_path: Path) -> None:
    visible = capture(tmp_path, visible=picture(), visible_as=visible_as, record_order=record_order).visible()
    assert visible is not None
    assert visible.mode == "RGB"
    worst = np.abs(np.asarray(visible).astype(int) - picture()).max()
    assert worst <= (12 if visible_as == "jpg" else 3)  # two roundings of YCbCr, and the JPEG's own


@pytest.mark.parametrize("visible_as", ["jpg", "png"])
def test_grey(visible_as: str, tmp_path: Path) -> None:
    visible = capture(tmp_path, visible=picture()[..., 0], visible_as=visible_as).visible()
    assert visible is not None
    assert visible.mode == "L"


def test_none(tmp_path: Path) -> None:
    read = capture(tmp_path, real_to_ir=None)
    assert read.visible() is None
    assert read.placement() is None

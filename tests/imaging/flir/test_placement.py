"""Where the thermal picture lies in the visible one: geometry that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flir_writer import Scene, pip_record
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.imaging.flir.placement import LEAST_SHARE, Overlap, Placement, overlap, parse_placement
from distilfuse.imaging.flir.records import DamagedFileError
from distilfuse.imaging.resampling import resample


def test_the_record() -> None:
    scene = Scene(counts=np.zeros((3, 4), np.uint16), real_to_ir=1.5, offset=(12, -7))
    assert parse_placement(memoryview(pip_record(scene))) == Placement(1.5, 12, -7)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, 1e9])
def test_a_scale_that_is_none(scale: float) -> None:
    scene = Scene(counts=np.zeros((3, 4), np.uint16), real_to_ir=scale)
    with pytest.raises(DamagedFileError, match="times as wide"):
        parse_placement(memoryview(pip_record(scene)))


def test_the_same_view() -> None:
    assert overlap(Placement(1.0, 0, 0), (640, 480), (160, 120)) == Overlap((0, 0, 640, 480), (0, 0, 160, 120))


def test_a_smaller_view_in_the_middle_and_moved() -> None:
    # 640 / 1.25 = 512 pixels wide, 384 high; the middle of the rest is 64, 48.
    whole = (0, 0, 160, 120)
    assert overlap(Placement(1.25, 0, 0), (640, 480), (160, 120)) == Overlap((64, 48, 576, 432), whole)
    assert overlap(Placement(1.25, 12, -7), (640, 480), (160, 120)) == Overlap((76, 41, 588, 425), whole)


def test_a_view_that_reaches_beyond_the_visible_picture() -> None:
    # 3.2 visible pixels a thermal one: 512 wide from 164 to 676, 36 of them outside.
    found = overlap(Placement(1.25, 100, 0), (640, 480), (160, 120))
    assert found.visible == (164, 48, 640, 432)
    assert found.thermal == pytest.approx((0, 0, 476 / 3.2, 120))


def test_hardly_any_overlap() -> None:
    with pytest.raises(DamagedFileError, match=r"only \d+% of its thermal picture"):
        overlap(Placement(1.25, 500, 0), (640, 480), (160, 120))
    with pytest.raises(DamagedFileError, match="only 0% of its thermal picture"):
        overlap(Placement(1.25, 5000, 5000), (640, 480), (160, 120))


@given(
    st.floats(0.8, 10),
    st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    st.integers(50, 2000),
    st.integers(8, 1500),
)
@settings(max_examples=40, deadline=None)
def test_any_placement(scale: float, shift: tuple[float, float], high: int, tall: int) -> None:
    visible, thermal = (high * 4 // 3, high), (tall * 4 // 3, tall)
    offset = tuple(int(part * length) for part, length in zip(shift, visible, strict=True))
    found = overlap(Placement(scale, *offset), visible, thermal)
    left, top, right, bottom = found.visible
    assert 0 <= left < right <= visible[0]
    assert 0 <= top < bottom <= visible[1]
    begin, up, end, down = found.thermal
    assert 0 <= begin < end <= thermal[0]
    assert 0 <= up < down <= thermal[1]
    assert (end - begin) * (down - up) >= LEAST_SHARE * thermal[0] * thermal[1]
    pitch = visible[0] / (scale * thermal[0])
    assert (end - begin) * pitch == pytest.approx(right - left, abs=1e-4 * visible[0])


def test_what_is_aligned_falls_together() -> None:
    """A hot spot whose place in the visible picture is known lies there after the cut."""
    thermal = np.zeros((120, 160), np.float32)
    thermal[60:64, 100:104] = 1  # centre 102, 62 (pixel edges)
    placement = Placement(1.25, 12, -7)
    found = overlap(placement, (640, 480), (160, 120))
    laid = resample(thermal, found.visible[2] - found.visible[0], found.visible[3] - found.visible[1], found.thermal)
    y, x = (axis.mean() + 0.5 for axis in np.nonzero(laid > 0.5))
    # In the whole visible picture: centre + offset + pitch * (place - half of the size).
    expected_x, expected_y = 320 + 12 + 3.2 * (102 - 80), 240 - 7 + 3.2 * (62 - 60)
    assert x + found.visible[0] == pytest.approx(expected_x, abs=0.6)
    assert y + found.visible[1] == pytest.approx(expected_y, abs=0.6)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from distilfuse.imaging.colour import PARTS, luminance, with_luminance, within_gamut
from distilfuse.imaging.scaling import full_scale

TYPES = (np.uint8, np.uint16, np.float32, np.float64)
WEIGHTS = np.array([0.299, 0.587, 0.114])


def exact_luminance(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.float64) @ WEIGHTS / full_scale(rgb.dtype)


@st.composite
def pictures_with_targets(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    dtype = draw(st.sampled_from(TYPES))
    sides = st.integers(1, 6)
    shape = (draw(sides), draw(sides), 3)
    if np.dtype(dtype).kind == "u":
        elements = st.integers(0, np.iinfo(dtype).max)
    else:
        elements = st.floats(0, 1, width=32)
    rgb = draw(hnp.arrays(dtype, shape, elements=elements))
    target = draw(hnp.arrays(np.float32, shape[:2], elements=st.floats(0, 1, width=32)))
    return rgb, target


@pytest.mark.parametrize("dtype", TYPES)
def test_luminance_of_the_corners_of_the_cube(dtype: type) -> None:
    corners = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]], np.float64)
    found = luminance((corners * full_scale(dtype)).astype(dtype))
    np.testing.assert_allclose(found, [[0, 0.299, 0.587, 0.114, 1]], atol=1e-6)
    assert found.dtype == np.float32
    assert found.max() <= 1


@given(pictures_with_targets())
@settings(deadline=None, max_examples=200)
def test_the_new_luminance_is_reached(case: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, target = case
    out = with_luminance(rgb, luminance(rgb), target)
    assert out.shape == rgb.shape
    assert out.dtype == rgb.dtype
    if rgb.dtype.kind == "f":
        assert out.min() >= 0
        assert out.max() <= 1
    # Each channel is off by half a step at most, and so is their weighted mean; float32 adds a little.
    half_step = 0.5 / full_scale(rgb.dtype) if rgb.dtype.kind == "u" else 0
    assert np.abs(exact_luminance(out) - target).max() <= half_step + 2e-6


@given(pictures_with_targets())
@settings(deadline=None, max_examples=200)
def test_the_chroma_keeps_its_direction_and_never_grows(case: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, target = case
    scale = full_scale(rgb.dtype)
    step = 1 / scale if rgb.dtype.kind == "u" else 0
    out = with_luminance(rgb, luminance(rgb), target)
    before = rgb / scale - exact_luminance(rgb)[..., None]
    after = out / scale - exact_luminance(out)[..., None]
    length = np.maximum((before**2).sum(-1), 1e-12)
    factor = (after * before).sum(-1) / length
    aside = after - factor[..., None] * before
    assert np.abs(aside).max() <= 2 * step + 1e-5
    assert (factor * np.sqrt(length) <= np.sqrt(length) + 2 * step + 1e-5).all()
    assert (factor * np.sqrt(length) >= -2 * step - 1e-5).all()


@given(pictures_with_targets())
@settings(deadline=None, max_examples=50)
def test_chroma_is_untouched_where_there_is_room(case: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, _ = case
    scale = full_scale(rgb.dtype)
    middle = (rgb // 2 + int(scale) // 4 if rgb.dtype.kind == "u" else rgb / 2 + 0.25).astype(rgb.dtype)
    y = luminance(middle)
    out = with_luminance(middle, y, np.clip(y + np.float32(0.1), 0, 1))
    shift = out.astype(np.float64) - middle
    assert np.ptp(shift, axis=-1).max() <= 1e-6 * scale  # the same step for R, G and B


@pytest.mark.parametrize("dtype", TYPES)
def test_grey_stays_grey(dtype: type) -> None:
    scale = full_scale(dtype)
    levels = np.linspace(0, scale, 64).astype(dtype)
    before, target = np.meshgrid(levels, np.linspace(0, 1, 65, dtype=np.float32))
    rgb = np.repeat(before[..., None], 3, axis=2)
    out = with_luminance(rgb, luminance(rgb), target)
    assert (out == out[..., :1]).all()


def test_the_factor_is_the_largest_that_fits() -> None:
    rgb = np.array([[[255, 100, 40]]], np.uint8)
    out = with_luminance(rgb, luminance(rgb), np.array([[0.8]], np.float32))
    assert out.max() == 255  # scaled until red just fits, not further
    assert (np.diff(out[0, 0].astype(int)) < 0).all()


def test_same_luminance_is_the_identity() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    y = luminance(rgb)
    np.testing.assert_array_equal(with_luminance(rgb, y, y), rgb)


def test_blocks_of_refitted_pixels_meet() -> None:
    # More pixels out of gamut than are refitted at a time, compared with one row at a time.
    rng = np.random.default_rng(4)
    rgb = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
    target = rng.random((200, 300), dtype=np.float32)
    y = luminance(rgb)
    rows = [with_luminance(rgb[k : k + 1], y[k : k + 1], target[k : k + 1]) for k in range(200)]
    np.testing.assert_array_equal(with_luminance(rgb, y, target), np.concatenate(rows))


def test_views_are_read_right() -> None:
    rgba = np.random.default_rng(5).integers(0, 256, (9, 14, 4), dtype=np.uint8)
    view = rgba[::-1, ::2, :3]
    target = np.full(view.shape[:2], 0.4, np.float32)
    copy = np.ascontiguousarray(view)
    np.testing.assert_array_equal(
        with_luminance(view, luminance(view), target), with_luminance(copy, luminance(copy), target)
    )


@given(st.data(), st.integers(1, 40), st.integers(1, 9))
@settings(deadline=None, max_examples=200)
def test_what_left_the_gamut_comes_back_as_if_it_had_never(data: st.DataObject, height: int, width: int) -> None:
    rgb = data.draw(hnp.arrays(np.uint8, (height, width, 3)))
    target = data.draw(hnp.arrays(np.float32, (height, width), elements=st.floats(0, 1, width=32)))
    y = luminance(rgb)
    moved = 255 * (target - y.astype(float))[..., None] + rgb
    found = within_gamut(rgb, np.floor(PARTS * (moved + 0.5)).astype(np.int16))
    assert found.dtype == np.uint8
    inside = ((moved >= 0) & (moved <= 255)).all(axis=2)
    assert np.abs(found - moved)[inside].max(initial=0) <= 0.5 + 1 / PARTS
    # Half a level of rounding, as for the other way to the same, and one part of it.
    assert np.abs(255 * (exact_luminance(found) - target)).max() <= 0.5 + 1.1 / PARTS
    assert np.abs(found.astype(int) - with_luminance(rgb, y, target)).max() <= 1


def test_many_pixels_out_of_gamut_and_a_part_of_a_picture() -> None:
    rng = np.random.default_rng(6)
    rgb = rng.integers(0, 256, (200, 301, 3), dtype=np.uint8)
    moved = ((rgb + rng.uniform(-200, 200, (200, 301, 1))) * PARTS).astype(np.int16)
    whole = within_gamut(rgb, moved.copy())
    assert (moved < 0).any(axis=2).sum() > 1 << 14  # more than are refitted at a time
    part = within_gamut(rgb[3:90, 5:77], moved.copy()[3:90, 5:77])
    np.testing.assert_array_equal(part, whole[3:90, 5:77])
    again = within_gamut(rgb, moved)
    assert not np.shares_memory(whole, again)

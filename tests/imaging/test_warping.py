from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.errors import InputError
from distilfuse.imaging.transforms import corners, fit, project, scaling
from distilfuse.imaging.warping import Warper

cv2 = pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")


def ramps(width: int, height: int) -> np.ndarray:
    """A picture whose values are its coordinates: what a warp read where is to be seen in it."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        np.array([[1.0, 0, 7.25], [0, 1, -3.5], [0, 0, 1]]),
        np.array([[1.3, -0.1, 5.0], [0.1, 1.3, 8.0], [0, 0, 1]]),
        np.array([[1.05, 0.02, 4.0], [0.01, 0.96, 6.0], [2e-4, -1e-4, 1]]),
    ],
)
def test_pixels_go_where_the_matrix_sends_them(matrix: np.ndarray) -> None:
    warper = Warper(matrix, (90, 60), (100, 80))
    there = warper(ramps(90, 60))
    expected = project(np.linalg.inv(matrix), ramps(100, 80))
    assert there.shape == (80, 100, 2)
    # Coordinates are kept to a 32nd of a pixel.
    np.testing.assert_allclose(there[warper.valid], expected[warper.valid], atol=0.05)
    within = np.minimum(expected, [89, 59] - expected).min(axis=-1)
    assert warper.valid[within >= 0].all()
    assert not warper.valid[within < -0.01].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 1), (30, 40, 3), (30, 40, 4)])
def test_types_and_channels_are_kept(dtype: type, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).uniform(0, 200, shape).astype(dtype)
    there = Warper(np.eye(3), (40, 30), (40, 30))(picture)
    assert there.dtype == dtype
    np.testing.assert_allclose(there, picture, rtol=1e-6)


def test_the_edge_is_repeated_rather_than_black() -> None:
    warper = Warper(np.array([[1.0, 0, 20], [0, 1, 10], [0, 0, 1]]), (40, 30), (80, 60))
    assert (warper(np.full((30, 40), 9, np.uint8)) == 9).all()
    assert warper.valid.sum() == 40 * 30
    assert warper.box == (20, 10, 60, 40)


def test_shrinking_averages() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (240, 160))
    there = Warper(scaling((320, 240), (80, 60)), (320, 240), (80, 60))(stripes)
    assert np.ptp(there[5:-5, 5:-5].astype(int)) < 40, "fine stripes become grey, not a pattern"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_rectangle_lies_in_the_overlap_and_cannot_grow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = (70, 50), (90, 64)
    place = corners(source) * rng.uniform(0.7, 1.3) + rng.uniform(-14, 14, (4, 2))
    warper = Warper(fit("homography", corners(source), place), source, target)
    left, top, right, bottom = warper.box
    assert warper.crop(warper.valid).all()
    assert warper.crop(warper.valid).shape == (bottom - top, right - left)
    for grown in ((left - 1, top, right, bottom), (left, top - 1, right, bottom)):
        if min(grown) >= 0:
            assert not warper.valid[grown[1] : grown[3], grown[0] : grown[2]].all()
    for grown in ((left, top, right + 1, bottom), (left, top, right, bottom + 1)):
        if grown[2] <= target[0] and grown[3] <= target[1]:
            assert not warper.valid[grown[1] : grown[3], grown[0] : grown[2]].all()


def test_beyond_the_horizon_nothing_is_valid() -> None:
    # The line x = 125 of the target is the horizon of the source: right of it the plane would come back mirrored.
    matrix = np.linalg.inv(np.array([[1.0, 0, 0], [0, 1, 0], [-0.008, 0, 1]]))
    warper = Warper(matrix, (60, 60), (300, 60))
    assert warper.valid.any()
    assert not warper.valid[:, 125:].any()
    assert np.isfinite(warper(np.zeros((60, 60), np.float32))).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_visible_picture_stays_where_there_is_no_infrared(dtype: type) -> None:
    warper = Warper(np.array([[1.0, 0, 20], [0, 1, 0], [0, 0, 1]]), (60, 60), (80, 60))
    fused, visible = np.full((60, 80, 3), 200, dtype), np.full((60, 80, 3), 40, dtype)
    mixed = warper.within(fused, visible)
    assert mixed.dtype == dtype
    assert (mixed[:, :20] == 40).all()
    assert (mixed[:, 30:] == 200).all(), "the picture's own edge is no border"
    assert (np.diff(mixed[30, :, 0].astype(float)) >= 0).all()


def test_no_overlap() -> None:
    with pytest.raises(InputError, match="leaves no overlap"):
        Warper(np.array([[1.0, 0, 500], [0, 1, 0], [0, 0, 1]]), (40, 30), (40, 30))


def test_a_singular_matrix() -> None:
    with pytest.raises(InputError, match=r"maps no picture of 40x30 pixels \(singular\)"):
        Warper(np.zeros((3, 3)), (40, 30), (40, 30))


def test_a_side_too_long() -> None:
    with pytest.raises(InputError, match="A side of 30001 pixels"):
        Warper(np.eye(3), (30001, 2), (40, 30))


def test_another_size() -> None:
    with pytest.raises(InputError, match="is 41x30 pixels but the transformation was prepared for 40x30"):
        Warper(np.eye(3), (40, 30), (40, 30))(np.zeros((30, 41), np.uint8))

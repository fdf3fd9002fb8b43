from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from distilfuse.evaluation.baselines import BASELINES, average, brighter, laplacian, msx
from distilfuse.metrics import score

RNG = np.random.default_rng(11)

Fuse = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]


def test_max_and_mean_of_grey_by_hand() -> None:
    visible, infrared = np.array([[10, 200]], np.uint8), np.array([[30, 100]], np.uint8)
    assert brighter(visible, infrared).tolist() == [[30, 200]]
    assert average(visible, infrared).tolist() == [[20, 150]]
    assert average(visible + 1, infrared).tolist() == [[20, 150]]


@pytest.mark.parametrize("name", BASELINES)
@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), colour=st.booleans())
def test_any_size_comes_back_as_bytes_of_that_size(name: str, height: int, width: int, colour: bool) -> None:
    visible = RNG.integers(0, 256, (height, width, 3) if colour else (height, width), dtype=np.uint8)
    infrared = RNG.integers(0, 256, (height, width), dtype=np.uint8)
    before = visible.copy(), infrared.copy()
    fused = BASELINES[name](visible, infrared)
    assert fused.dtype == np.uint8
    assert fused.shape == ((height, width) if name == "msx" else visible.shape)
    np.testing.assert_array_equal(visible, before[0])
    np.testing.assert_array_equal(infrared, before[1])


@pytest.mark.parametrize("fuse", [brighter, average, laplacian])
def test_two_equal_pictures_come_back(fuse: Fuse) -> None:
    # For the pyramid that is perfect reconstruction, whatever the size.
    for size in ((64, 64), (61, 83), (129, 40)):
        picture = RNG.integers(0, 256, size, dtype=np.uint8)
        assert np.abs(fuse(picture, picture).astype(int) - picture).max() <= 1


@pytest.mark.parametrize("fuse", [brighter, average, laplacian])
def test_colour_stays_that_of_the_visible_picture(fuse: Fuse) -> None:
    visible = RNG.integers(60, 120, (48, 48, 3), dtype=np.uint8)
    infrared = RNG.integers(90, 130, (48, 48), dtype=np.uint8)
    fused = fuse(visible, infrared).astype(int)
    # The same step in R, G and B, up to the rounding of YCbCr, wherever nothing leaves the gamut.
    step = fused - visible
    assert np.ptp(step, axis=2).max() <= 3
    assert np.abs(step).max() > 10


def test_the_pyramid_keeps_the_stronger_detail_and_the_mean_of_the_ground() -> None:
    visible = np.full((128, 128), 40, np.uint8)
    infrared = np.full((128, 128), 160, np.uint8)
    visible[30:34, 30:34] = 240  # a light that only the visible picture has
    infrared[90:94, 90:94] = 255  # a warm spot that only infrared has
    fused = laplacian(visible, infrared).astype(int)
    assert fused[64, 64] == pytest.approx(100, abs=3)
    assert fused[31:33, 31:33].min() > 220
    assert fused[91:93, 91:93].min() > 150
    # The weaker spot, of 95 levels, is not halved as in a mean.
    assert fused[92, 92] - fused[64, 64] > 70


def test_msx_draws_visible_edges_on_the_thermal_picture() -> None:
    visible = np.zeros((40, 40, 3), np.uint8)
    visible[:, 20:] = 200
    infrared = np.full((40, 40), 100, np.uint8)
    fused = msx(visible, infrared).astype(int)
    assert fused.ndim == 2
    # Far from the edge there is the thermal picture alone; at it, a dark line beside a bright one, alike in size.
    np.testing.assert_array_equal(fused[:, [0, 8, 31, 39]], 100)
    assert fused[20, 19] < 40
    assert fused[20, 20] > 160
    assert fused[20, 19] + fused[20, 20] == pytest.approx(200, abs=2)


def test_msx_of_a_flat_visible_picture_is_the_thermal_one() -> None:
    infrared = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
    np.testing.assert_array_equal(msx(np.full((20, 30, 3), 77, np.uint8), infrared), infrared)


@pytest.mark.parametrize(("name", "dataset"), [("max", "msrs"), ("mean", "msrs"), ("max", "roadscene")])
def test_scores_of_max_and_mean_are_those_published(name: str, dataset: str, shared_data: Path) -> None:
    with (shared_data.parent / "peers" / f"{dataset}_{name}.csv").open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))[:2]
    for row in published:
        visible, infrared = (
            np.asarray(Image.open(next((shared_data / dataset / folder).glob(f"{row['name']}.*"))).convert(mode))
            for folder, mode in (("vi", "RGB"), ("ir", "L"))
        )
        got = score(visible, infrared, BASELINES[name](visible, infrared), metrics=("EN", "Qabf", "SSIM"))
        for metric, value in got.items():
            assert value == pytest.approx(float(row[metric]), abs=5e-5), (row["name"], metric)

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from distilfuse.metrics.filters import filter_valid, gaussian_taps


def test_taps_by_hand() -> None:
    # exp(-1 / (2 * 0.6^2)) = exp(-1 / 0.72) on either side of 1
    side = math.exp(-1 / 0.72)
    expected = np.array([side, 1, side]) / (1 + 2 * side)
    np.testing.assert_allclose(gaussian_taps(3, 0.6), expected, rtol=1e-14)


def test_filter_is_the_direct_convolution() -> None:
    image = np.random.default_rng(4).uniform(0, 255, (14, 19))
    taps = gaussian_taps(5, 1.0)
    expected = signal.convolve2d(image, np.outer(taps, taps), mode="valid")
    found = filter_valid(image, taps)
    assert found.shape == (10, 15)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(17, 17), (40, 61), (2, 33, 90)])
@pytest.mark.parametrize("size", [3, 17])
@pytest.mark.parametrize("step", [1, 2])
def test_blocks_and_steps_and_stacks(shape: tuple[int, ...], size: int, step: int) -> None:
    images = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    taps = gaussian_taps(size, size / 5)
    found = filter_valid(images, taps, step=step)
    for plane, filtered in zip(images.reshape(-1, *shape[-2:]), found.reshape(-1, *found.shape[-2:]), strict=True):
        expected = signal.convolve2d(plane, np.outer(taps, taps), mode="valid")[::step, ::step]
        np.testing.assert_allclose(filtered, expected, rtol=1e-11)


def test_a_window_as_large_as_the_picture_leaves_one_value() -> None:
    image = np.zeros((3, 3))
    image[1, 1] = 9
    taps = gaussian_taps(3, 0.6)
    np.testing.assert_allclose(filter_valid(image, taps), [[9 * taps[1] ** 2]], rtol=1e-14)

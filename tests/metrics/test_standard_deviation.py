from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.metrics import standard_deviation


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([7, 7, 7], 0.0),
        ([0, 255], 127.5),
        # mean 3; squares 9, 1, 0, 16: 26 / 4
        ([0, 2, 3, 7], math.sqrt(6.5)),
    ],
)
def test_by_hand(levels: list[int], expected: float) -> None:
    assert standard_deviation(np.array([levels], np.uint8)) == pytest.approx(expected, abs=1e-12)


def test_agrees_with_numpy() -> None:
    image = np.random.default_rng(1).integers(0, 256, (31, 17), dtype=np.uint8)
    assert standard_deviation(image) == pytest.approx(image.std(), rel=1e-12)


def test_in_bytes_by_hand() -> None:
    # Mean 33.5. In bytes 0 - 33.5 is 0, and so is 10 - 33.5; 40 - 33.5 = 6.5 rounds to 7; 84 - 33.5 = 50.5 to 51.
    # Their squares: 0, 0, 49, and 255 for 2601.
    image = np.array([[0, 10, 40, 84]], np.uint8)
    assert standard_deviation(image, byte_arithmetic=True) == pytest.approx(math.sqrt((49 + 255) / 4), rel=1e-12)


def test_in_bytes_it_has_a_ceiling() -> None:
    image = np.array([[0, 255]], np.uint8)
    assert standard_deviation(image, byte_arithmetic=True) == pytest.approx(math.sqrt(255 / 2))
    noise = np.random.default_rng(2).integers(0, 256, (50, 50), dtype=np.uint8)
    assert standard_deviation(noise, byte_arithmetic=True) < math.sqrt(255) < standard_deviation(noise)

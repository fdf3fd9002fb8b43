from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from distilfuse.errors import InputError
from distilfuse.metrics import entropy


@pytest.mark.parametrize(
    ("levels", "bits"),
    [
        ([7], 0.0),
        ([0, 255], 1.0),
        # 1/2 log2 2 + 1/4 log2 4 + 1/4 log2 4 = 0.5 + 0.5 + 0.5
        ([9, 9, 10, 200], 1.5),
        # 3/4 log2 4/3 + 1/4 log2 4 = 2 - 3/4 log2 3
        ([1, 1, 1, 2], 2 - 0.75 * math.log2(3)),
        (list(range(256)), 8.0),
    ],
)
def test_known_histograms(levels: list[int], bits: float) -> None:
    assert entropy(np.array([levels], np.uint8)) == pytest.approx(bits, abs=1e-12)


def test_a_constant_picture_has_entropy_plus_zero() -> None:
    # A minus before the sum would print as "-0.000".
    assert math.copysign(1, entropy(np.full((3, 5), 255, np.uint8))) == 1


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    image = rng.normal(120, 20, (31, 17)).clip(0, 255).astype(np.uint8)
    _, counts = np.unique(image, return_counts=True)
    assert entropy(image) == pytest.approx(stats.entropy(counts, base=2), abs=1e-12)


def test_only_the_histogram_matters() -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 40, (12, 10), dtype=np.uint8)
    assert entropy(rng.permutation(image.ravel()).reshape(8, 15)) == pytest.approx(entropy(image), abs=1e-12)
    assert entropy(255 - image) == pytest.approx(entropy(image), abs=1e-12)


def test_levels_of_other_ranges_are_the_nearest_of_256() -> None:
    # 0.4999 of 255 is 127.47, 0.5 is 127.5, which goes to the even 128: four levels, 2 bits.
    unit = np.array([[0.0, 0.4999, 0.5, 1.0]])
    assert entropy(unit, data_range=1) == pytest.approx(2, abs=1e-12)
    assert entropy(np.array([[0, 100, 65535, 65535]], np.uint16), data_range=65535) == pytest.approx(1, abs=1e-12)


def test_refuses_an_empty_picture() -> None:
    with pytest.raises(InputError, match="at least 1 pixels, not 4x0"):
        entropy(np.zeros((0, 4), np.uint8))

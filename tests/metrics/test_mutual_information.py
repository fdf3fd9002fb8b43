from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from skimage.metrics import normalized_mutual_information

from distilfuse.errors import InputError
from distilfuse.metrics import entropy, mutual_information


def random_grey(seed: int, levels: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, levels, (23, 31), dtype=np.uint8)


def test_by_hand() -> None:
    # Pairs (0,0) x 2, (0,9), (5,9): H of the first 1/4, 3/4; of the second 1/2, 1/2; of both 1/2, 1/4, 1/4.
    first, second = np.array([[0, 0, 0, 5]], np.uint8), np.array([[0, 0, 9, 9]], np.uint8)
    expected = (2 - 0.75 * math.log2(3)) + 1 - 1.5
    assert mutual_information(first, second) == pytest.approx(expected, abs=1e-12)
    assert mutual_information(first, second, base=math.e) == pytest.approx(expected * math.log(2), abs=1e-12)


def test_agrees_with_scikit_image() -> None:
    # That gives (H(A) + H(B)) / H(A, B), so MI = (H(A) + H(B)) (1 - 1 / that).
    first = random_grey(1, 12)
    second = (first + random_grey(2, 3)).astype(np.uint8)
    both = entropy(first) + entropy(second)
    found = mutual_information(first, second)
    assert found == pytest.approx(both * (1 - 1 / normalized_mutual_information(first, second, bins=256)), rel=1e-9)


def test_of_a_picture_with_itself_is_its_entropy() -> None:
    image = random_grey(3)
    assert mutual_information(image, image) == pytest.approx(entropy(image), rel=1e-12)
    assert mutual_information(image, 255 - image) == pytest.approx(entropy(image), rel=1e-12)
    assert mutual_information(image, np.full_like(image, 7)) == pytest.approx(0, abs=1e-12)


@given(arrays(np.uint8, (6, 7)), arrays(np.uint8, (6, 7)))
def test_is_symmetric_and_bounded(first: np.ndarray, second: np.ndarray) -> None:
    found = mutual_information(first, second)
    assert found == pytest.approx(mutual_information(second, first), abs=1e-12)
    assert -1e-12 <= found <= min(entropy(first), entropy(second)) + 1e-12


def test_brightest_levels_merged_by_hand() -> None:
    # Levels 254 and 255 fall together in pairs only: H(A) = H(B) = 1, H(A, B) = 0.
    image = np.array([[254, 255]], np.uint8)
    assert mutual_information(image, image) == pytest.approx(1)
    assert mutual_information(image, image, merge_brightest=True) == pytest.approx(2)


@pytest.mark.parametrize("base", [1.0, 0.5, 0.0, math.nan])
def test_refuses_a_base_without_logarithm(base: float) -> None:
    with pytest.raises(InputError, match="base of a logarithm must be above 1"):
        mutual_information(random_grey(4), random_grey(5), base=base)

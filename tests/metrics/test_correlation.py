from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.metrics.correlation import CARD, correlation


def test_worked_by_hand() -> None:
    # Deviations (-1, 0, 1) and (-1, 1, 0): covariance 1, norms sqrt 2 each.
    assert correlation(np.array([[0, 1, 2]], np.uint8), np.array([[0, 2, 1]], np.uint8)) == pytest.approx(0.5)


def test_agrees_with_numpy() -> None:
    a, b = np.random.default_rng(0).integers(0, 256, (2, 23, 29), dtype=np.uint8)
    b = (a // 2 + b // 2).astype(np.uint8)
    assert correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], rel=1e-12)


def test_brightness_contrast_and_negatives() -> None:
    a = np.random.default_rng(1).integers(0, 100, (20, 20), dtype=np.uint8)
    assert correlation(a, 2 * a + 50) == pytest.approx(1)
    assert correlation(a, 255 - a) == pytest.approx(-1)
    assert abs(correlation(a, a)) <= 1


def test_a_constant_picture_has_no_correlation() -> None:
    a = np.arange(9, dtype=np.uint8).reshape(3, 3)
    assert math.isnan(correlation(a, np.full((3, 3), 7, np.uint8)))
    assert math.isnan(correlation(np.full((3, 3), 0.1), a / 255, data_range=1))


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("CC", "each", "↑")

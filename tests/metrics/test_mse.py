from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import mean_squared_error

from distilfuse.metrics.mse import CARD, mse


def test_worked_by_hand() -> None:
    # (1 + 4 + 0 + 9) / 4; the second difference would wrap around in bytes.
    assert mse(np.array([[1, 0], [7, 200]], np.uint8), np.array([[0, 2], [7, 203]], np.uint8)) == 3.5


def test_black_and_white() -> None:
    black, white = np.zeros((3, 5), np.uint8), np.full((3, 5), 255, np.uint8)
    assert mse(black, white) == 255**2
    assert mse(black / 255, white / 255, data_range=1) == 1


def test_agrees_with_scikit_image() -> None:
    a, b = np.random.default_rng(0).integers(0, 256, (2, 37, 41), dtype=np.uint8)
    assert mse(a, b) == pytest.approx(mean_squared_error(a, b), rel=1e-12)


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("MSE", "each", "↓")

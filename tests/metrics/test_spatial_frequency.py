from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.metrics import spatial_frequency


def test_by_hand() -> None:
    # Across: 3, -1 and 0, 4: (9 + 1 + 0 + 16) / 4 = 6.5. Down: 1, -2, 3: (1 + 4 + 9) / 3.
    image = np.array([[1, 4, 3], [2, 2, 6]], np.uint8)
    assert spatial_frequency(image) == pytest.approx(math.sqrt(6.5 + 14 / 3), rel=1e-12)


def test_ramp_and_chequerboard() -> None:
    ramp = np.tile(np.arange(0, 200, 5, dtype=np.uint8), (12, 1))
    assert spatial_frequency(ramp) == pytest.approx(5)
    board = (255 * (np.indices((8, 9)).sum(axis=0) % 2)).astype(np.uint8)
    assert spatial_frequency(board) == pytest.approx(255 * math.sqrt(2))
    assert spatial_frequency(np.full((5, 5), 9, np.uint8)) == 0


def test_turning_and_inverting_change_nothing() -> None:
    image = np.random.default_rng(1).integers(0, 256, (11, 11), dtype=np.uint8)
    for other in (image.T, image[::-1], 255 - image):
        assert spatial_frequency(other) == pytest.approx(spatial_frequency(image), rel=1e-12)


def test_a_line_has_no_neighbours() -> None:
    with pytest.raises(InputError, match="at least 2 pixels"):
        spatial_frequency(np.zeros((1, 9), np.uint8))

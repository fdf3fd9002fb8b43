from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.metrics import average_gradient


def naive(image: np.ndarray) -> float:
    values = image.astype(float)
    height, width = values.shape
    total = 0.0
    for y in range(height):
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            above, below = max(y - 1, 0), min(y + 1, height - 1)
            gx = (values[y, right] - values[y, left]) / (right - left)
            gy = (values[below, x] - values[above, x]) / (below - above)
            total += math.sqrt((gx**2 + gy**2) / 2)
    return total / (height * width)


def test_by_hand() -> None:
    # gx is 4 everywhere in the first row, 0 in the second; gy is 2 on the left, -2 on the right.
    image = np.array([[3, 7], [5, 5]], np.uint8)
    assert average_gradient(image) == pytest.approx((math.sqrt((16 + 4) / 2) + math.sqrt(4 / 2)) / 2, rel=1e-12)
    assert average_gradient(image, fewer_pixels=True) == pytest.approx(4 * average_gradient(image), rel=1e-12)


def test_agrees_with_loops() -> None:
    image = np.random.default_rng(1).integers(0, 256, (9, 14), dtype=np.uint8)
    assert average_gradient(image) == pytest.approx(naive(image), rel=1e-12)
    more = naive(image) * (9 * 14) / (8 * 13)
    assert average_gradient(image, fewer_pixels=True) == pytest.approx(more, rel=1e-12)


def test_a_ramp_and_a_constant() -> None:
    ramp = np.tile(np.arange(0, 200, 5, dtype=np.uint8), (12, 1))
    assert average_gradient(ramp) == pytest.approx(5 / math.sqrt(2))
    assert average_gradient(np.full((5, 5), 9, np.uint8)) == 0


def test_a_line_has_no_gradient() -> None:
    with pytest.raises(InputError, match="at least 2 pixels"):
        average_gradient(np.zeros((9, 1), np.uint8))

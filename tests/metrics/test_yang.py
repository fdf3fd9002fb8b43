from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.metrics.yang import CARD, yang

Y, X = np.mgrid[:7, :7] - 3
WINDOW = np.exp(-(X**2 + Y**2) / (2 * 1.5**2))
WINDOW /= WINDOW.sum()


def textured(seed: int, shape: tuple[int, int] = (24, 27)) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).uniform(0, 255, shape), 1)
    return np.round(255 * (noise - noise.min()) / (noise.max() - noise.min())).astype(np.uint8)


def variance(a: np.ndarray) -> float:
    # Exactly 0 in flat windows: deviations from the first pixel.
    d = a - a[0, 0]
    return float((WINDOW * d**2).sum() - (WINDOW * d).sum() ** 2) if d.any() else 0.0


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    mean_a, mean_b = float((WINDOW * a).sum()), float((WINDOW * b).sum())
    covariance = float((WINDOW * (a - mean_a) * (b - mean_b)).sum())
    variances = variance(a) + variance(b)
    if variances == 0:
        structure = 1.0
    elif variance(a) == 0 or variance(b) == 0:
        structure = 0.0
    else:
        structure = 2 * covariance / variances
    squares = mean_a**2 + mean_b**2
    return structure * (2 * mean_a * mean_b / squares if squares > 0 else 1.0)


def second_implementation(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> float:
    found = []
    for y in range(visible.shape[0] - 6):
        for x in range(visible.shape[1] - 6):
            v, i, f = (picture[y : y + 7, x : x + 7].astype(float) for picture in (visible, infrared, fused))
            to_v, to_i = similarity(v, f), similarity(i, f)
            if similarity(v, i) >= 0.75:
                both = variance(v) + variance(i)
                share = variance(v) / both if both > 0 else 0.5
                found.append(share * to_v + (1 - share) * to_i)
            else:
                found.append(max(to_v, to_i))
    return float(np.mean(found))


def test_agrees_with_loops() -> None:
    visible = textured(0)
    # Alike on the left, not on the right; flat corners of different size, grey above and black below.
    infrared = np.where(np.arange(27) < 14, 0.7 * visible + 0.3 * textured(1), textured(2)).astype(np.uint8)
    visible[:11, :12] = 91
    infrared[:9, :14] = 70
    visible[-9:, :10] = infrared[-10:, :9] = 0
    fused = (0.5 * visible + 0.5 * infrared).astype(np.uint8)
    found = yang(visible, infrared, fused)
    assert found == pytest.approx(second_implementation(visible, infrared, fused), rel=1e-9)
    assert 0.6 < found < 0.97


def test_a_copy_of_a_source_is_perfect_where_they_disagree() -> None:
    visible, infrared = textured(3), 255 - textured(3)
    assert yang(visible, infrared, visible) == pytest.approx(1)
    assert yang(visible, infrared, infrared) == pytest.approx(1)


def test_black_everywhere_is_defined() -> None:
    # The published code divides 0 by 0 here.
    black = np.zeros((20, 20), np.uint8)
    assert yang(black, black, black) == 1
    assert yang(black, black, np.full_like(black, 9)) == 0


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("Qy", "both", "↑")

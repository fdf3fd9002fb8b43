from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import fft

from distilfuse.metrics.features import cosine_transform, edges, gradient, wavelet_transform


@pytest.mark.parametrize("shape", [(8, 8), (7, 12), (1, 5), (33, 20)])
def test_cosine_transform_agrees_with_scipy(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).uniform(0, 255, shape)
    assert cosine_transform(image) == pytest.approx(fft.dctn(image, norm="ortho"), abs=1e-9)


def test_gradient_of_a_slope() -> None:
    y, x = np.mgrid[:6, :7]
    assert gradient(3.0 * x + 4.0 * y) == pytest.approx(np.full((6, 7), 5))


def meyer_tap(n: int) -> float:
    """The n-th tap of Meyer's low pass by integrating its frequency response, midpoint rule."""
    total, steps = 0.0, 4096
    for k in range(steps):
        w = math.pi * (k + 0.5) / steps
        x = min(max(3 * w / math.pi - 1, 0), 1)
        nu = x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)
        total += math.sqrt(2) * math.cos(math.pi / 2 * nu) * math.cos(n * w) / steps
    return total


def test_wavelet_agrees_with_its_definition() -> None:
    image = np.random.default_rng(1).uniform(0, 255, (11, 14))
    taps = {n: meyer_tap(n) for n in range(-30, 31)}
    low = [taps.get(k - 31, 0.0) for k in range(62)]
    high = [(-1) ** (k + 1) * low[61 - k] for k in range(62)]

    def mirrored(line: np.ndarray, position: int) -> float:
        while not 0 <= position < len(line):
            position = -1 - position if position < 0 else 2 * len(line) - 1 - position
        return float(line[position])

    def band(line: np.ndarray, filter_: list[float]) -> list[float]:
        return [
            sum(tap * mirrored(line, 2 * m + 1 - k) for k, tap in enumerate(filter_))
            for m in range((len(line) + 61) // 2)
        ]

    bands = {}
    for name, down in (("low", low), ("high", high)):
        columns = np.array([band(column, down) for column in image.T]).T
        for other, across in (("low", low), ("high", high)):
            bands[name, other] = np.array([band(row, across) for row in columns])
    # Approximation and horizontal details (high pass down the columns) above, vertical and diagonal details below.
    expected = np.block([[bands["low", "low"], bands["high", "low"]], [bands["low", "high"], bands["high", "high"]]])
    assert wavelet_transform(image) == pytest.approx(expected, abs=1e-6)


def test_wavelet_taps_are_near_the_published_ones() -> None:
    # MATLAB's and PyWavelets' dmey: .7446, .4446, -.0351, -.1328, .0307.
    found = [meyer_tap(n) for n in range(5)]
    assert found == pytest.approx([0.7446, 0.4446, -0.0351, -0.1328, 0.0307], abs=1e-3)


def test_wavelet_of_a_constant_has_no_details() -> None:
    bands = wavelet_transform(np.full((20, 24), 10.0))
    assert bands.shape == (80, 84)
    assert bands[:40, :42] == pytest.approx(np.full((40, 42), 20), abs=1e-3)
    assert np.abs(bands[40:]).max() < 1e-2
    assert np.abs(bands[:, 42:]).max() < 1e-2


def test_edges_of_a_step_are_one_pixel_wide() -> None:
    step = np.zeros((40, 40))
    step[:, 20:] = 100
    found = edges(step)
    # The two columns beside the step are equally steep; the second, where the strength falls, is the edge.
    assert np.flatnonzero(found.any(axis=0)).tolist() == [20]
    assert found[1:-1, 20].all()
    assert not found[0].any()
    assert not found[-1].any()
    assert np.array_equal(edges(step.T), found.T)


def test_edges_agree_with_loops() -> None:
    # Sparse and of few levels, so that slopes as steep across as down and equal neighbours occur.
    image = np.random.default_rng(2).choice([0.0, 50.0, 100.0], (60, 61), p=[0.94, 0.03, 0.03])
    height, width = image.shape
    across, down = np.zeros((height - 2, width - 2)), np.zeros((height - 2, width - 2))
    for y in range(height - 2):
        for x in range(width - 2):
            w = image[y : y + 3, x : x + 3]
            across[y, x] = abs(w[:, 2] @ [1, 2, 1] - w[:, 0] @ [1, 2, 1])
            down[y, x] = abs(w[2] @ [1, 2, 1] - w[0] @ [1, 2, 1])
    strength = across**2 + down**2
    expected = np.zeros(image.shape)
    for y in range(1, height - 3):
        for x in range(1, width - 3):
            here = strength[y, x]
            ridge = (across[y, x] >= down[y, x] and strength[y, x - 1] <= here > strength[y, x + 1]) or (
                down[y, x] >= across[y, x] and strength[y - 1, x] <= here > strength[y + 1, x]
            )
            expected[y + 1, x + 1] = here > 4 * strength.mean() and ridge
    assert np.array_equal(edges(image)[2:-2, 2:-2], expected[2:-2, 2:-2])
    assert 5 < expected.sum() < 400


def test_edges_of_flat_and_tiny_pictures() -> None:
    assert not edges(np.full((9, 9), 7.0)).any()
    assert edges(np.ones((2, 5))).shape == (2, 5)

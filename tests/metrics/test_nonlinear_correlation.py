from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.metrics.nonlinear_correlation import CARD, nonlinear_correlation


def second_implementation(*pictures: np.ndarray) -> float:
    matrix = np.eye(3)
    for a in range(3):
        for b in range(3):
            if a != b:
                joint, _, _ = np.histogram2d(
                    pictures[a].ravel(), pictures[b].ravel(), bins=256, range=[[-0.5, 255.5], [-0.5, 255.5]]
                )
                joint /= joint.sum()
                information = 0.0
                for x, y in zip(*np.nonzero(joint), strict=True):
                    p = joint[x, y]
                    information += p * math.log(p / (joint[x].sum() * joint[:, y].sum()), 256)
                matrix[a, b] = information
    return 1 + sum(v / 3 * math.log(v / 3, 256) for v in np.linalg.eigvals(matrix).real if v > 1e-12)


def test_agrees_with_a_second_implementation() -> None:
    rng = np.random.default_rng(0)
    visible, infrared = rng.integers(0, 200, (2, 40, 40), dtype=np.uint8)
    for fused in (visible // 20 + infrared // 20, visible // 2, np.maximum(visible, infrared)):
        found = nonlinear_correlation(visible, infrared, fused)
        assert found == pytest.approx(second_implementation(visible, infrared, fused), rel=1e-9)
        assert 0.803 < found < 0.99


def test_independent_pictures() -> None:
    # Every pair of 4 x 4 levels once, so no picture tells of another: three eigenvalues of 1.
    visible, infrared = np.meshgrid(np.arange(4, dtype=np.uint8), np.arange(4, dtype=np.uint8))
    fused = np.full_like(visible, 3)
    assert nonlinear_correlation(visible, infrared, fused) == pytest.approx(1 - math.log(3, 256))


def test_identical_flat_histograms_reach_one() -> None:
    # All correlations are 1: eigenvalues 3, 0, 0.
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert nonlinear_correlation(picture, picture, picture) == pytest.approx(1)


def test_one_bit_shared_by_all() -> None:
    # Correlation 1 bit / 8 bits each way: eigenvalues 1 + 2/8, 1 - 1/8, 1 - 1/8.
    picture = np.array([[0, 255]], np.uint8)
    expected = 1 + sum(v / 3 * math.log(v / 3, 256) for v in (1.25, 0.875, 0.875))
    assert nonlinear_correlation(picture, picture, picture) == pytest.approx(expected)


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("Qncie", "both", "↑")

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.metrics.piella import CARD_QE, CARD_QW, qe, qw


def textured(seed: int, shape: tuple[int, int] = (21, 26)) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).uniform(0, 255, shape), 1)
    return np.round(255 * (noise - noise.min()) / (noise.max() - noise.min())).astype(np.uint8)


def quality_index(a: np.ndarray, b: np.ndarray) -> float:
    variances, squares = a.var() + b.var(), a.mean() ** 2 + b.mean() ** 2
    covariance = float(np.mean((a - a.mean()) * (b - b.mean())))
    structure = 2 * covariance / variances if variances > 0 else 1.0
    return structure * (2 * a.mean() * b.mean() / squares if squares > 0 else 1.0)


def second_implementation(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> float:
    total = weights = 0.0
    for y in range(visible.shape[0] - 7):
        for x in range(visible.shape[1] - 7):
            v, i, f = (p[y : y + 8, x : x + 8].astype(float) for p in (visible, infrared, fused))
            both = v.var() + i.var()
            share = v.var() / both if both > 0 else 0.5
            saliency = max(v.var(), i.var())
            total += saliency * (share * quality_index(v, f) + (1 - share) * quality_index(i, f))
            weights += saliency
    return total / weights


def prewitt(picture: np.ndarray) -> np.ndarray:
    across = ndimage.correlate(picture.astype(float), np.array([[-1, 0, 1]] * 3))
    down = ndimage.correlate(picture.astype(float), np.array([[-1, 0, 1]] * 3).T)
    return np.hypot(across, down)[1:-1, 1:-1]


def test_agrees_with_loops() -> None:
    visible, infrared = textured(0), textured(1) // 2
    visible[:12, :13] = 40  # flat windows in one source, in both, and in all three
    infrared[:10, :10] = 0
    fused = np.maximum(visible, infrared)
    expected = second_implementation(visible, infrared, fused)
    assert qw(visible, infrared, fused) == pytest.approx(expected, rel=1e-9)
    of_edges = second_implementation(*(prewitt(picture) for picture in (visible, infrared, fused)))
    assert qe(visible, infrared, fused) == pytest.approx(expected * of_edges, rel=1e-9)
    assert 0.5 < expected < 0.99


def test_a_flat_source_weighs_nothing() -> None:
    image, flat = textured(2), np.full((21, 26), 200, np.uint8)
    assert qw(image, flat, image) == pytest.approx(1)
    assert qe(image, flat, image) == pytest.approx(1)
    assert qw(image, flat, flat) == pytest.approx(0)
    assert math.isnan(qw(flat, flat, image))


def test_a_negative_and_a_brighter_copy() -> None:
    image = textured(3) // 2 + np.uint8(64)
    assert qw(image, image, 255 - image) < -0.8
    # Brightness only: 2 m (m + d) / (m^2 + (m + d)^2) in every window, structure is untouched.
    assert 0.9 < qw(image, image, image + np.uint8(60)) < 0.99
    # The gradients of a brighter copy are the same, so both indices agree.
    assert qe(image, image, image + np.uint8(60)) == pytest.approx(qw(image, image, image + np.uint8(60)))


def test_cards() -> None:
    assert [(card.name, card.inputs, card.arrow) for card in (CARD_QW, CARD_QE)] == [
        ("Qw", "both", "↑"),
        ("Qe", "both", "↑"),
    ]

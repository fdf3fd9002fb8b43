from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.metrics.scd import CARD, scd


def test_agrees_with_numpy_and_does_not_wrap_around() -> None:
    visible, infrared, fused = np.random.default_rng(0).integers(0, 256, (3, 31, 17), dtype=np.uint8)
    v, i, f = (picture.astype(float).ravel() for picture in (visible, infrared, fused))
    expected = np.corrcoef(f - i, v)[0, 1] + np.corrcoef(f - v, i)[0, 1]
    assert scd(visible, infrared, fused) == pytest.approx(expected, rel=1e-12)


def test_the_sum_of_the_sources_is_perfect() -> None:
    visible, infrared = np.random.default_rng(1).integers(0, 128, (2, 20, 20), dtype=np.uint8)
    assert scd(visible, infrared, visible + infrared) == pytest.approx(2)


def test_the_average_of_independent_sources_is_not_far_below() -> None:
    # F - I = (V - I) / 2 has correlation 1 / sqrt 2 with V when V and I are uncorrelated and equally strong.
    visible = np.array([[0, 0, 100, 100]], np.uint8)
    infrared = np.array([[0, 100, 0, 100]], np.uint8)
    average = np.array([[0, 50, 50, 100]], np.uint8)
    assert scd(visible, infrared, average) == pytest.approx(math.sqrt(2))


def test_undefined_for_a_copy_and_for_constants() -> None:
    visible, infrared = np.random.default_rng(2).integers(0, 256, (2, 9, 9), dtype=np.uint8)
    assert math.isnan(scd(visible, infrared, visible))
    assert math.isnan(scd(visible, np.full_like(visible, 8), infrared))


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("SCD", "both", "↑")

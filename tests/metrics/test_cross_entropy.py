from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.metrics.cross_entropy import CARD, cross_entropy


def test_worked_by_hand() -> None:
    # p = (1/2, 1/4, 1/4) and q = (1/4, 1/2, 1/4) on levels 0, 10, 20: 1/2 - 1/4 + 0 bit.
    source = np.array([[0, 0, 10, 20]], np.uint8)
    fused = np.array([[10, 10, 0, 20]], np.uint8)
    assert cross_entropy(source, fused) == pytest.approx(0.25)


def test_levels_that_one_picture_lacks_are_left_out() -> None:
    # Only level 5 is shared: p = 1/4, q = 1/2.
    source = np.array([[5, 1, 2, 3]], np.uint8)
    fused = np.array([[5, 5, 7, 8]], np.uint8)
    assert cross_entropy(source, fused) == pytest.approx(-0.25)
    assert cross_entropy(source, np.full_like(source, 200)) == 0


def test_agrees_with_a_loop_over_the_levels() -> None:
    rng = np.random.default_rng(0)
    source, fused = (
        rng.binomial(255, 0.4, (40, 50)).astype(np.uint8),
        rng.binomial(255, 0.45, (40, 50)).astype(np.uint8),
    )
    expected = 0.0
    for level in range(256):
        p, q = float(np.mean(source == level)), float(np.mean(fused == level))
        if p > 0 and q > 0:
            expected += p * math.log2(p / q)
    assert cross_entropy(source, fused) == pytest.approx(expected, rel=1e-12)
    assert expected > 1


def test_where_things_lie_does_not_matter() -> None:
    source = np.random.default_rng(1).integers(0, 256, (30, 30), dtype=np.uint8)
    assert cross_entropy(source, source[::-1].T) == 0


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("CE", "each", "↓")

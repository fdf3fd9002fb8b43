from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import normalized_mutual_information

from distilfuse.metrics.normalised_mutual_information import CARD, normalised_mutual_information


def test_worked_by_hand() -> None:
    # Fused is the visible picture: that term is 1. Infrared has 2 bits, the fused picture is a function
    # of it with 1 bit: 2 * 1 / (2 + 1).
    visible = np.array([[0, 0, 9, 9]], np.uint8)
    infrared = np.array([[1, 2, 3, 4]], np.uint8)
    assert normalised_mutual_information(visible, infrared, visible) == pytest.approx(1 + 2 / 3)


def test_agrees_with_scikit_image() -> None:
    rng = np.random.default_rng(0)
    visible, infrared = rng.integers(0, 20, (60, 60), dtype=np.uint8), rng.integers(0, 30, (60, 60), dtype=np.uint8)
    fused = visible // 2 + infrared // 3
    # Theirs is (H + H) / H(joint) = s; 2 MI / (H + H) = 2 - 2 / s. Bins one level wide keep levels apart.
    expected = 0.0
    for source in (visible, infrared):
        theirs = normalized_mutual_information(source.astype(float), fused.astype(float), bins=256)
        expected += 2 - 2 / theirs
    assert normalised_mutual_information(visible, infrared, fused) == pytest.approx(expected, rel=1e-9)


def test_a_constant_fused_picture_tells_nothing() -> None:
    source = np.arange(64, dtype=np.uint8).reshape(8, 8)
    flat = np.zeros((8, 8), np.uint8)
    assert normalised_mutual_information(source, source[::-1], flat) == pytest.approx(0, abs=1e-12)
    assert math.isnan(normalised_mutual_information(source, flat, flat))


def test_brightness_and_contrast_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    visible, infrared = rng.integers(0, 100, (2, 30, 30), dtype=np.uint8)
    fused = np.maximum(visible, infrared)
    assert normalised_mutual_information(visible, infrared, 255 - 2 * fused) == pytest.approx(
        normalised_mutual_information(visible, infrared, fused)
    )


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("NMI", "both", "↑")

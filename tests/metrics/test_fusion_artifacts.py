from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from distilfuse.metrics.fusion_artifacts import CARD_LABF, CARD_NABF, edge_transfer, labf, nabf

END = math.sqrt(0.9999 / (1 + math.exp(-19 * 0.5)) * 0.9995 / (1 + math.exp(-22 * 0.5)))


def second_implementation(
    visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray, faint: float = 2
) -> tuple[float, float, float]:
    """Pixel by pixel, after the published code."""
    edges = []
    for picture in (visible, infrared, fused):
        image = picture.astype(float)
        across = ndimage.correlate(image, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8, mode="mirror")
        down = ndimage.correlate(image, np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]) / 8, mode="mirror")
        edges.append((across, down))
    kept = lost = added = total = 0.0
    for place in np.ndindex(visible.shape):
        strength = [math.hypot(across[place], down[place]) for across, down in edges]
        angle = []
        for across, down in edges:
            if down[place] != 0:
                angle.append(math.atan(across[place] / down[place]))
            else:
                angle.append(math.copysign(math.pi / 2, across[place]) if across[place] != 0 else 0.0)
        for source in (0, 1):
            larger, smaller = max(strength[source], strength[2]), min(strength[source], strength[2])
            ratio = smaller / larger if larger > 0 else 1.0
            turn = abs(abs(angle[source] - angle[2]) - math.pi / 2) * 2 / math.pi
            q = math.sqrt(0.9999 / (1 + math.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + math.exp(-22 * (turn - 0.5))))
            weight = strength[source] ** 1.5 if strength[source] >= faint else 0.001
            total += weight
            kept += q * weight
            if strength[2] > strength[0] and strength[2] > strength[1]:
                added += (1 - q) * weight
            else:
                lost += (1 - q) * weight
    return kept / total, lost / total, added / total


@pytest.mark.parametrize("faint", [2.0, math.inf])
def test_agrees_with_a_second_implementation(faint: float) -> None:
    # Whole numbers with a common factor of 8, so that both ways of dividing leave equal gradients equal.
    rng = np.random.default_rng(0)
    visible, infrared = (8 * rng.integers(0, 20, (2, 19, 23))).astype(np.uint8)
    fused = np.maximum(visible, infrared) + np.uint8(8) * rng.integers(0, 3, visible.shape, dtype=np.uint8)
    found = edge_transfer(visible, infrared, fused, faint=faint)
    assert found == pytest.approx(second_implementation(visible, infrared, fused, faint), rel=1e-9)
    assert min(found) > 0.01
    assert labf(visible, infrared, fused) == edge_transfer(visible, infrared, fused).lost
    assert nabf(visible, infrared, fused, faint=faint) == found.artifacts


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.integers(2, 12))
def test_the_three_shares_sum_to_one(seed: int, side: int) -> None:
    visible, infrared, fused = np.random.default_rng(seed).integers(0, 256, (3, side, 9), dtype=np.uint8)
    found = edge_transfer(visible, infrared, fused)
    assert sum(found) == pytest.approx(1)
    assert min(found) >= -1e-12


def test_a_step_that_is_kept_lost_or_invented() -> None:
    step = np.zeros((12, 12), np.uint8)
    step[:, 6:] = 100
    flat = np.full_like(step, 50)
    assert edge_transfer(step, flat, step).kept == pytest.approx(END, abs=1e-3)
    assert edge_transfer(step, flat, flat) == pytest.approx((0, 1, 0), abs=2e-3)
    # No source has an edge: what the fused picture shows is artifacts, where it shows it (2 of 12 columns).
    invented = edge_transfer(flat, flat, step)
    assert invented.artifacts == pytest.approx(2 / 12, abs=1e-3)
    assert invented.lost == pytest.approx(0, abs=1e-3)


def test_sharpening_adds_and_blur_loses() -> None:
    image = ndimage.gaussian_filter(np.random.default_rng(1).uniform(0, 255, (60, 60)), 2).astype(np.uint8)
    blurred = ndimage.gaussian_filter(image.astype(float), 2)
    sharpened = (3.0 * image - 2 * blurred).clip(0, 255)
    assert nabf(image, image, sharpened.astype(np.uint8)) > 0.1
    assert nabf(image, image, blurred.astype(np.uint8)) < 0.05
    assert labf(image, image, blurred.astype(np.uint8)) > 0.3


def test_cards() -> None:
    assert [(card.name, card.inputs, card.arrow) for card in (CARD_LABF, CARD_NABF)] == [
        ("Labf", "both", "↓"),
        ("Nabf", "both", "↓"),
    ]

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, signal

from distilfuse.metrics.viff import CARD, viff


def textured(seed: int, shape: tuple[int, int] = (50, 57), *, low: int = 40, high: int = 160) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 1, shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.round(low + (high - low) * smooth).astype(np.uint8)


def second_implementation(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> float:
    """Two-dimensional windows and a loop over all places."""
    planes = [picture.astype(float) for picture in (visible, infrared, fused)]
    value = 0.0
    for scale, weight in zip((1, 2, 3, 4), (1, 0, 0.15, 1), strict=True):
        size = 2 ** (5 - scale) + 1
        y, x = np.mgrid[:size, :size] - size // 2
        window = np.exp(-(x**2 + y**2) / (2 * (size / 5) ** 2))
        window /= window.sum()

        def average(image: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return signal.convolve2d(image, window, mode="valid")

        if scale > 1:
            planes = [average(plane)[::2, ::2] for plane in planes]
        v, i, f = planes
        var = [average(plane**2) - average(plane) ** 2 for plane in planes]
        cov = [average(plane * f) - average(plane) * average(f) for plane in (v, i)]
        kept = present = 0.0
        for place in np.ndindex(var[0].shape):
            at = []
            for source in (0, 1):
                s = max(var[source][place], 0)
                g = cov[source][place] / (s + 1e-10) if s >= 1e-10 and var[2][place] >= 1e-10 else 0
                g = max(g, 0)
                left = max(var[2][place] - g * cov[source][place], 1e-10)
                noise = 0.005 * 255 * 255
                at.append((g, math.log10(1 + g * g * s / (left + noise)), math.log10(1 + s / noise)))
            chosen = at[0] if at[0][0] < at[1][0] else at[1]
            kept += chosen[1] + 1e-7
            present += chosen[2] + 1e-7
        value += weight / 2.15 * kept / present
    return value


@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_a_second_implementation(seed: int) -> None:
    visible, infrared = textured(2 * seed, high=240), textured(2 * seed + 1, low=0)
    fused = np.maximum(visible, infrared)
    found = viff(visible, infrared, fused)
    assert found == pytest.approx(second_implementation(visible, infrared, fused), rel=1e-7)
    assert 0.1 < found < 1


def test_a_flat_source_asks_for_nothing() -> None:
    image, flat = textured(4), np.full((50, 57), 90, np.uint8)
    # Where the gains are equal, both 0 here, the infrared picture decides: nothing was there to be kept.
    assert viff(image, flat, image) == pytest.approx(1)
    assert viff(flat, image, flat) == pytest.approx(0, abs=1e-5)


def test_contrast_earns_and_blur_costs() -> None:
    image = textured(5, low=60, high=120)
    assert viff(image, image, 2 * image) > 1.5
    assert viff(image, image, ndimage.gaussian_filter(image, 2)) < 0.6
    assert viff(image, image, 255 - image) == pytest.approx(0, abs=1e-5)


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("VIFF", "both", "↑")

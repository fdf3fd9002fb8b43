from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.metrics.chen_varshney import CARD, chen_varshney


def textured(seed: int, shape: tuple[int, int]) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).uniform(0, 255, shape), 1.5)
    return np.round(255 * (noise - noise.min()) / (noise.max() - noise.min())).astype(np.uint8)


def second_implementation(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> float:
    height, width = visible.shape

    def axis(count: int) -> np.ndarray:
        return (np.arange(count) - count // 2) * 2 / count

    u, v = np.meshgrid(axis(width) * width / 8, axis(height) * height / 8)
    r = np.hypot(u, v)
    sensitivity = 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1))
    weighted = weights = 0.0
    for source in (visible.astype(float), infrared.astype(float)):
        edge = np.hypot(ndimage.sobel(source, 0, mode="nearest"), ndimage.sobel(source, 1, mode="nearest"))
        spectrum = np.fft.fftshift(np.fft.fft2(source - fused)) * sensitivity
        seen = np.fft.ifft2(np.fft.ifftshift(spectrum)).real
        for y in range(0, height, 16):
            for x in range(0, width, 16):
                window = (slice(y, y + 16), slice(x, x + 16))
                saliency = float((edge[window] ** 5).sum())
                weighted += saliency * float((seen[window] ** 2).mean())
                weights += saliency
    return weighted / weights


@pytest.mark.parametrize("shape", [(32, 48), (37, 50), (16, 31)])
def test_agrees_with_a_second_implementation(shape: tuple[int, int]) -> None:
    visible, infrared = textured(0, shape), textured(1, shape) // 2
    fused = np.maximum(visible, infrared)
    found = chen_varshney(visible, infrared, fused)
    assert found == pytest.approx(second_implementation(visible, infrared, fused), rel=1e-9)
    assert found > 10


def test_a_constant_difference() -> None:
    # Only frequency 0 differs, where the sensitivity is 2.6 * .0192.
    image = textured(2, (32, 32)) // 2
    assert chen_varshney(image, image, image + np.uint8(100)) == pytest.approx((2.6 * 0.0192 * 100) ** 2)


def test_errors_at_strong_edges_decide() -> None:
    image = np.full((64, 64), 100, np.uint8)
    image[4:12, 4:12] = 200
    at_edge, elsewhere = image.copy(), image.copy()
    at_edge[5:11, 5:11] += 20
    elsewhere[53:59, 53:59] += 20
    assert chen_varshney(image, image, at_edge) > 10 * chen_varshney(image, image, elsewhere)


def test_undefined_without_an_edge_in_the_sources() -> None:
    flat = np.full((20, 20), 7, np.uint8)
    assert math.isnan(chen_varshney(flat, flat, textured(3, (20, 20))))


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("Qcv", "both", "↓")

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.metrics.chen_blum import CARD, chen_blum


def textured(seed: int, shape: tuple[int, int] = (40, 53)) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).uniform(0, 255, shape), 1.5)
    return np.round(60 + 190 * (noise - noise.min()) / (noise.max() - noise.min())).astype(np.uint8)


def second_implementation(*pictures: np.ndarray) -> float:
    """Full transforms with frequencies of -1 .. 1 as MATLAB numbers them, Gaussians summed in space."""
    height, width = pictures[0].shape

    def axis(count: int) -> np.ndarray:
        return (np.arange(count) - count // 2) * 2 / count

    u, v = np.meshgrid(axis(width) * width / 30, axis(height) * height / 30)
    r = np.hypot(u, v)
    sensitivity = np.exp(-((r / 15.387) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
    masked = []
    for picture in pictures:
        spectrum = np.fft.fftshift(np.fft.fft2(picture / 255)) * sensitivity
        seen = np.fft.ifft2(np.fft.ifftshift(spectrum)).real
        near = ndimage.gaussian_filter(seen, 2, mode="wrap", truncate=8)
        wide = ndimage.gaussian_filter(seen, 4, mode="wrap", truncate=8)
        contrast = np.abs(near / wide - 1)
        masked.append(contrast**3 / (contrast**2 + 0.0001))
    a, b, f = masked
    share = a**2 / (a**2 + b**2)
    preserved = [np.minimum(source, f) / np.maximum(source, f) for source in (a, b)]
    return float(np.mean(share * preserved[0] + (1 - share) * preserved[1]))


@pytest.mark.parametrize("shape", [(40, 53), (45, 36), (64, 64)])
def test_agrees_with_a_second_implementation(shape: tuple[int, int]) -> None:
    visible, infrared = textured(0, shape), textured(1, shape)
    fused = np.maximum(visible, infrared)
    found = chen_blum(visible, infrared, fused)
    assert found == pytest.approx(second_implementation(visible, infrared, fused), rel=1e-5)
    assert 0.3 < found < 0.95


def test_a_factor_does_not_matter() -> None:
    visible, infrared = textured(2) // 2, textured(3) // 2
    fused = np.maximum(visible, infrared)
    assert chen_blum(2 * visible, 2 * infrared, 2 * fused) == pytest.approx(chen_blum(visible, infrared, fused))


def test_a_flat_source_does_not_count_and_a_flat_result_loses_all() -> None:
    image, flat = textured(4), np.full((40, 53), 128, np.uint8)
    assert chen_blum(image, flat, image) == pytest.approx(1, abs=1e-6)
    assert chen_blum(image, flat, flat) == pytest.approx(0, abs=1e-6)


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("Qcb", "both", "↑")

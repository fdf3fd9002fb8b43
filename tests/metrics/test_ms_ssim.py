from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, signal
from skimage.metrics import structural_similarity

from distilfuse.metrics.ms_ssim import CARD, MIN_SIDE, WEIGHTS, ms_ssim


def textured(seed: int, shape: tuple[int, int]) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 1, shape)
    smooth = sum(ndimage.gaussian_filter(noise, sigma) * sigma for sigma in (1, 4, 12))
    return np.round(255 * (smooth - smooth.min()) / (smooth.max() - smooth.min())).astype(np.uint8)


def second_implementation(a: np.ndarray, b: np.ndarray, data_range: float) -> float:
    """Wang's code: two-dimensional window, halving by a mirrored 2 x 2 mean of which every other value is kept."""
    y, x = np.mgrid[:11, :11] - 5
    window = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    window /= window.sum()

    def average(image: np.ndarray) -> np.ndarray:
        return signal.fftconvolve(image, window, mode="valid")

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    a, b = a.astype(float), b.astype(float)
    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        mu_a, mu_b = average(a), average(b)
        var_a, var_b = average(a * a) - mu_a**2, average(b * b) - mu_b**2
        structure = (2 * (average(a * b) - mu_a * mu_b) + c2) / (var_a + var_b + c2)
        if scale == 4:
            structure = structure * (2 * mu_a * mu_b + c1) / (mu_a**2 + mu_b**2 + c1)
        result *= max(structure.mean(), 0) ** weight
        a, b = (ndimage.uniform_filter(image, 2, mode="reflect", origin=-1)[::2, ::2] for image in (a, b))
    return result


@pytest.mark.parametrize("shape", [(161, 200), (176, 177), (190, 163)])
def test_agrees_with_a_second_implementation(shape: tuple[int, int]) -> None:
    a, b = textured(0, shape), textured(1, shape)
    fused = (0.6 * a + 0.4 * b).astype(np.uint8)
    found = ms_ssim(a, fused)
    assert found == pytest.approx(second_implementation(a, fused, 255), rel=1e-8)
    assert 0.1 < found < 0.99


def test_flat_difference_is_luminance_alone() -> None:
    # Structure is 1 at every scale; the luminance term enters once, to the weight of the coarsest.
    a, b = np.full((170, 170), 100, np.uint8), np.full((170, 170), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    luminance = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert ms_ssim(a, b) == pytest.approx(luminance**0.1333)


def test_coarse_scales_forgive_fine_noise() -> None:
    image = textured(2, (176, 176))
    noise = np.random.default_rng(3).normal(0, 25, image.shape)
    noisy = (image + noise).clip(0, 255).astype(np.uint8)
    assert ms_ssim(image, noisy) > structural_similarity(image, noisy, data_range=255, gaussian_weights=True) + 0.2


def test_a_negative_scores_nothing() -> None:
    image = textured(4, (176, 176))
    assert ms_ssim(image, 255 - image) == 0


def test_weights_and_smallest_side() -> None:
    assert sum(WEIGHTS) == pytest.approx(1, abs=2e-4)
    side = MIN_SIDE
    for _ in range(4):
        side = -(-side // 2)
    assert side == 11
    assert (CARD.name, CARD.inputs, CARD.arrow) == ("MS-SSIM", "each", "↑")

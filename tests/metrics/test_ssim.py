from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy import signal
from skimage.metrics import structural_similarity

from distilfuse.errors import InputError
from distilfuse.metrics import ssim
from distilfuse.metrics.ssim import ssim_each

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def random_grey(seed: int, shape: tuple[int, int] = (17, 23)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def second_implementation(a: np.ndarray, b: np.ndarray, data_range: float) -> float:
    """Wang et al. with one two-dimensional window, moments about the local mean."""
    offset = np.arange(-5, 6)
    window = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = (image[y : y + 11, x : x + 11].astype(float) for image in (a, b))
            mu_p, mu_q = (window * p).sum(), (window * q).sum()
            var_p, var_q = (window * (p - mu_p) ** 2).sum(), (window * (q - mu_q) ** 2).sum()
            cov = (window * (p - mu_p) * (q - mu_q)).sum()
            luminance = (2 * mu_p * mu_q + c1) / (mu_p**2 + mu_q**2 + c1)
            values.append(luminance * (2 * cov + c2) / (var_p + var_q + c2))
    return float(np.mean(values))


@pytest.mark.parametrize("dynamic_range", [255.0, 1.0])
def test_agrees_with_a_second_implementation(dynamic_range: float) -> None:
    first = random_grey(1)
    second = signal.convolve2d(first, np.ones((3, 3)) / 9, mode="same").astype(np.uint8)
    found = ssim(first, second, dynamic_range=dynamic_range)
    assert found == pytest.approx(second_implementation(first, second, dynamic_range), rel=1e-10)
    assert 0 < found < 1


def test_identity_is_one_and_the_order_does_not_matter() -> None:
    first, second = random_grey(2), random_grey(3)
    assert ssim(first, first) == pytest.approx(1, abs=1e-12)
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-14)
    assert ssim(first, second) < 0.5


def test_constant_pictures_by_hand() -> None:
    # No variance: (2 * 100 * 50 + C1) / (100^2 + 50^2 + C1), and the second factor is C2 / C2.
    first, second = np.full((11, 12), 100, np.uint8), np.full((11, 12), 50, np.uint8)
    assert ssim(first, second) == pytest.approx((10000 + C1) / (12500 + C1), rel=1e-9)
    assert ssim(first, first) == pytest.approx(1, abs=1e-9)


def test_one_bright_pixel_by_hand() -> None:
    # One window of 11 x 11, its centre weight w^2: against black the means are 255 w^2 and 0, the
    # variance is 255^2 (w^2 - w^4), the covariance 0.
    w = 1 / sum(math.exp(-(k**2) / 4.5) for k in range(-5, 6))
    dot, black = np.zeros((11, 11), np.uint8), np.zeros((11, 11), np.uint8)
    dot[5, 5] = 255
    mean, variance = 255 * w**2, 255**2 * (w**2 - w**4)
    assert ssim(dot, black) == pytest.approx(C1 * C2 / ((mean**2 + C1) * (variance + C2)), rel=1e-9)


def test_a_negative_scores_below_zero() -> None:
    image = random_grey(4)
    assert ssim(image, 255 - image) < 0


def test_ten_pixels_are_too_few() -> None:
    assert ssim(random_grey(5, (11, 11)), random_grey(5, (11, 11))) == pytest.approx(1)
    for shape in ((10, 30), (30, 10), (1, 1)):
        with pytest.raises(InputError, match="at least 11 pixels"):
            ssim(random_grey(5, shape), random_grey(6, shape))


@pytest.mark.parametrize("dynamic_range", [0.0, -255.0, float("nan")])
def test_refuses_a_range_that_is_not_positive(dynamic_range: float) -> None:
    with pytest.raises(InputError, match="dynamic_range must be positive"):
        ssim(random_grey(7), random_grey(8), dynamic_range=dynamic_range)


def test_refuses_an_unknown_window() -> None:
    with pytest.raises(InputError, match="no window 'box': choose from gaussian, uniform"):
        ssim(random_grey(7), random_grey(8), window="box")


def test_agrees_with_scikit_image() -> None:
    first, second = random_grey(9, (40, 53)), random_grey(10, (40, 53))
    second[:, :30] = first[:, :30]
    floats = first.astype(float), second.astype(float)
    gaussian = structural_similarity(
        *floats, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, win_size=11
    )
    assert ssim(first, second) == pytest.approx(gaussian, rel=1e-9)
    uniform = structural_similarity(*floats, data_range=2)
    assert ssim(first, second, window="uniform", dynamic_range=2) == pytest.approx(uniform, rel=1e-9)
    with pytest.raises(InputError, match="at least 7 pixels"):
        ssim(first[:6], second[:6], window="uniform")


def test_both_sources_at_once_are_each_alone() -> None:
    first, second, fused = (random_grey(seed, (50, 31)) for seed in (11, 12, 13))
    assert ssim_each((first, second), fused) == pytest.approx((ssim(first, fused), ssim(second, fused)), rel=1e-12)


@given(arrays(np.uint8, (13, 12)), arrays(np.uint8, (13, 12)))
def test_lies_between_minus_one_and_one(first: np.ndarray, second: np.ndarray) -> None:
    assert -1 - 1e-9 <= ssim(first, second) <= 1 + 1e-9
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-12)

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from distilfuse.errors import InputError
from distilfuse.metrics import vif
from distilfuse.metrics.vif import vif_each


def textured(seed: int, shape: tuple[int, int] = (48, 57), *, low: int = 40, high: int = 160) -> np.ndarray:
    """Random, correlated over a few pixels, so that the coarse scales hold something too."""
    noise = np.random.default_rng(seed).uniform(0, 1, (shape[0] + 4, shape[1] + 4))
    smooth = signal.convolve2d(noise, np.ones((5, 5)) / 25, mode="valid")
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.round(low + (high - low) * smooth).astype(np.uint8)


def second_implementation(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Pixel-domain VIF as Sheikh and Bovik published it, with two-dimensional windows."""
    ref, dist = reference.astype(float), distorted.astype(float)
    eps, noise = 1e-10, 2.0
    kept = present = 0.0
    for scale in (1, 2, 3, 4):
        size = 2 ** (4 - scale + 1) + 1
        y, x = np.mgrid[:size, :size] - size // 2
        window = np.exp(-(x**2 + y**2) / (2 * (size / 5) ** 2))
        window /= window.sum()

        def average(image: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return signal.convolve2d(image, window, mode="valid")

        if scale > 1:
            ref, dist = average(ref)[::2, ::2], average(dist)[::2, ::2]
        mu_r, mu_d = average(ref), average(dist)
        var_r, var_d = average(ref**2) - mu_r**2, average(dist**2) - mu_d**2
        cov = average(ref * dist) - mu_r * mu_d
        places = zip(np.maximum(var_r, 0).flat, np.maximum(var_d, 0).flat, cov.flat, strict=True)
        for r, d, c in places:
            gain = c / (r + eps)
            residual = d - gain * c
            if r < eps:
                gain, residual = 0.0, d
            if d < eps:
                gain, residual = 0.0, 0.0
            if gain < 0:
                gain, residual = 0.0, d
            kept += np.log10(1 + gain**2 * r / (max(residual, eps) + noise))
            present += np.log10(1 + (r if r >= eps else 0) / noise)
    return kept / present


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_a_second_implementation(seed: int) -> None:
    reference, other = textured(2 * seed), textured(2 * seed + 1)
    fused = np.maximum(reference, other)
    found = vif(reference, fused)
    assert found == pytest.approx(second_implementation(reference, fused), rel=1e-9)
    assert 0.05 < found < 1


def test_identity_is_one() -> None:
    image = textured(10)
    assert vif(image, image) == pytest.approx(1, abs=1e-9)


def test_a_shift_in_brightness_costs_nothing_and_contrast_earns() -> None:
    image = textured(11, low=60, high=120)
    assert vif(image, image + np.uint8(50)) == pytest.approx(1, abs=1e-9)
    assert vif(image, 2 * image) > 1.1
    assert vif(2 * image, image) < 0.9


def test_nothing_is_kept_by_a_constant_or_a_negative() -> None:
    image = textured(12)
    assert vif(image, np.full_like(image, 90)) == pytest.approx(0, abs=1e-9)
    assert vif(image, 255 - image) == pytest.approx(0, abs=1e-6)


def test_a_constant_reference_has_no_information_to_divide_by() -> None:
    black = np.zeros((41, 41), np.uint8)
    assert math.isnan(vif(black, textured(13, (41, 41))))
    assert math.isnan(vif(black, black))
    # At grey levels above 0 rounding leaves variances of some 1e-12 behind, where black has none.
    flat = np.full((41, 41), 77, np.uint8)
    assert math.isnan(vif(flat, flat))
    assert math.isnan(vif(flat, textured(13, (41, 41))))
    assert vif(flat, flat, constant_reference=1.0) == 1.0


def test_is_not_symmetric() -> None:
    first, second = textured(14, low=0, high=250), textured(15, low=100, high=130)
    blend = (0.5 * first + 0.5 * second).astype(np.uint8)
    assert abs(vif(first, blend) - vif(blend, first)) > 0.05


def test_less_noise_variance_makes_the_same_damage_weigh_more() -> None:
    reference = textured(16)
    noise = np.random.default_rng(17).integers(-6, 7, reference.shape)
    fused = (reference.astype(int) + noise).clip(0, 255).astype(np.uint8)
    assert vif(reference, fused, noise_variance=0.5) < vif(reference, fused, noise_variance=8.0)


def test_forty_pixels_are_too_few() -> None:
    assert 0 < vif(textured(18, (41, 41)), textured(19, (41, 41))) < 1
    for shape in ((40, 60), (60, 40), (1, 1)):
        image = np.zeros(shape, np.uint8)
        with pytest.raises(InputError, match="at least 41 pixels"):
            vif(image, image)


def test_both_sources_at_once_are_each_alone() -> None:
    first, second, fused = textured(20), textured(21), textured(22)
    assert vif_each((first, second), fused) == pytest.approx((vif(first, fused), vif(second, fused)), rel=1e-12)


def test_noise_has_a_variance_above_zero() -> None:
    image = textured(23)
    with pytest.raises(InputError, match="noise_variance must be positive, not 0"):
        vif(image, image, noise_variance=0)


def test_flat_bright_places_lose_nothing_to_rounding() -> None:
    # Variances are differences of numbers near 65025 here. A patch of one level off, on flat 254: in float32 the
    # differences would be noise of the size of what is measured.
    reference = np.full((64, 64), 254, np.uint8)
    reference[30:34, 30:34] = 255
    blurred = reference.copy()
    blurred[30:34, 30:32] = 254
    dark = vif(reference - np.uint8(254), blurred - np.uint8(254))
    assert 0.2 < dark < 0.8
    assert vif(reference, blurred) == pytest.approx(dark, abs=1e-6)
    assert vif(reference, reference) == pytest.approx(1, abs=1e-6)

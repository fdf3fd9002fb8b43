from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.metrics.mef_ssim import mef_ms_ssim, mef_ssim

EPS = np.finfo(float).eps


def random_grey(seed: int, shape: tuple[int, int] = (15, 17)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def naive(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> float:
    """Window by window, as the method is described: unit structures, blended, stretched, compared."""
    offset = np.arange(-5, 6)
    gaussian = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
    gaussian /= gaussian.sum()
    values = []
    for y in range(fused.shape[0] - 10):
        for x in range(fused.shape[1] - 10):
            windows = [picture[y : y + 11, x : x + 11].astype(float) for picture in (visible, infrared, fused)]
            flat = [window - window.mean() for window in windows[:2]]
            norms = [math.sqrt((window**2).sum()) for window in flat]
            strengths = [norm + 0.001 for norm in norms]
            agreement = (math.sqrt(((flat[0] + flat[1]) ** 2).sum()) + EPS) / (sum(norms) + EPS)
            power = min(math.tan(math.pi / 2 * min(agreement, 1 - EPS)), 10)
            weights = [(strength / 11) ** power + EPS for strength in strengths]
            wanted = sum(w / sum(weights) * z / s for w, z, s in zip(weights, flat, strengths, strict=True))
            norm = math.sqrt((wanted**2).sum())
            if norm > 0:
                wanted = wanted / norm * max(strengths)
            mean_w, mean_f = (gaussian * wanted).sum(), (gaussian * windows[2]).sum()
            var_w = (gaussian * (wanted - mean_w) ** 2).sum()
            var_f = (gaussian * (windows[2] - mean_f) ** 2).sum()
            cov = (gaussian * (wanted - mean_w) * (windows[2] - mean_f)).sum()
            c = (0.03 * 255) ** 2
            values.append((2 * cov + c) / (var_w + var_f + c))
    return float(np.mean(values))


def test_agrees_with_a_second_implementation() -> None:
    for seed in range(3):
        visible, infrared = random_grey(seed), random_grey(seed + 10)
        infrared[4:, :9] = visible[4:, :9] // 2
        fused = np.maximum(visible, infrared // 2)
        assert mef_ssim(visible, infrared, fused) == pytest.approx(naive(visible, infrared, fused), rel=1e-7)


def test_flat_windows() -> None:
    visible, infrared = random_grey(20), np.full((15, 17), 77, np.uint8)
    visible[:, :12] = 90
    for fused in (visible, infrared, random_grey(21)):
        assert mef_ssim(visible, infrared, fused) == pytest.approx(naive(visible, infrared, fused), rel=1e-6)
    assert mef_ssim(infrared, infrared, infrared) == pytest.approx(1, abs=1e-6)


def test_a_picture_of_itself_and_brightness() -> None:
    image = random_grey(22) // 2
    assert mef_ssim(image, image, image) == pytest.approx(1, abs=1e-4)
    assert mef_ssim(image, image, image + np.uint8(100)) == pytest.approx(mef_ssim(image, image, image), abs=1e-9)
    assert mef_ssim(image, image, 255 - image) < 0


def test_scales_by_hand() -> None:
    # Blocks of 4 x 4 equal pixels: halved twice nothing but the size changes, and each scale can be had alone.
    visible, infrared = random_grey(30, (13, 14)), random_grey(31, (13, 14))
    small = (visible, infrared, np.maximum(visible, infrared))
    pictures = [np.kron(picture, np.ones((4, 4), np.uint8)) for picture in small]
    scales = [mef_ssim(*(picture[::step, ::step] for picture in pictures)) for step in (1, 2, 4)]
    total = 0.0448 + 0.2856 + 0.3001
    expected = math.prod(q ** (w / total) for q, w in zip(scales, (0.0448, 0.2856, 0.3001), strict=True))
    assert mef_ms_ssim(*pictures) == pytest.approx(expected, rel=1e-9)


def test_a_negative_scale_has_no_power() -> None:
    image = random_grey(33, (48, 48)) // 2
    assert math.isnan(mef_ms_ssim(image, image, 255 - image))


def test_too_small() -> None:
    small = random_grey(34, (10, 60))
    with pytest.raises(InputError, match="at least 11 pixels"):
        mef_ssim(small, small, small)
    small = random_grey(35, (43, 60))
    with pytest.raises(InputError, match="at least 44 pixels"):
        mef_ms_ssim(small, small, small)

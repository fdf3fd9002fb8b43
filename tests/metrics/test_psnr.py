from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from distilfuse.metrics.psnr import CARD, psnr


def test_worked_by_hand() -> None:
    # Errors 100 and 0 towards the sources, 50 in the mean.
    visible, fused = np.full((4, 4), 10, np.uint8), np.zeros((4, 4), np.uint8)
    assert psnr(visible, fused, fused) == pytest.approx(10 * math.log10(255**2 / 50))
    assert psnr(visible, visible, 245 + visible) == pytest.approx(20 * math.log10(255 / 245))


def test_agrees_with_scikit_image_for_one_source_given_twice() -> None:
    source, fused = np.random.default_rng(0).integers(0, 256, (2, 30, 31), dtype=np.uint8)
    assert psnr(source, source, fused) == pytest.approx(peak_signal_noise_ratio(source, fused, data_range=255))


def test_another_peak() -> None:
    visible, infrared, fused = np.random.default_rng(1).integers(0, 256, (3, 20, 20), dtype=np.uint8)
    plain = psnr(visible, infrared, fused)
    assert psnr(visible, infrared, fused, peak=127.5) == pytest.approx(plain - 20 * math.log10(2))
    # Peak 255 on pictures of 0..1, as one published code has it: 48.13 dB too many.
    units = [picture / 255 for picture in (visible, infrared, fused)]
    assert psnr(*units, data_range=1, peak=255) == pytest.approx(plain + 48.1308, abs=1e-4)


def test_the_average_of_the_sources_is_best() -> None:
    visible, infrared = np.random.default_rng(2).integers(0, 256, (2, 20, 20)).astype(np.float64)
    average = (visible + infrared) / 2
    best = psnr(visible, infrared, average)
    assert best > psnr(visible, infrared, 0.9 * average)
    assert best > psnr(visible, infrared, np.maximum(visible, infrared))


def test_card() -> None:
    assert (CARD.name, CARD.inputs, CARD.arrow, CARD.unit) == ("PSNR", "both", "↑", "dB")

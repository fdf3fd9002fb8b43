from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from distilfuse.metrics.filters import gaussian_taps
from distilfuse.metrics.moments import Moments, local_moments


def gathered(stack: np.ndarray, taps: np.ndarray, **options: float) -> Moments:
    strips = list(local_moments(stack, taps, **options))
    return Moments(*(np.concatenate(parts, axis=-2) for parts in zip(*strips, strict=True)))


@pytest.mark.parametrize("height", [7, 22, 23, 60])
def test_are_means_variances_and_covariances_of_every_window(height: int) -> None:
    stack = np.random.default_rng(height).integers(0, 256, (3, height, 19), dtype=np.uint8)
    taps = gaussian_taps(7, 1.2)

    def average(image: np.ndarray) -> np.ndarray:
        return signal.convolve2d(image, np.outer(taps, taps), mode="valid")

    found = gathered(stack, taps)
    *sources, fused = stack.astype(float)
    np.testing.assert_allclose(found.fused_means, average(fused), rtol=1e-12)
    np.testing.assert_allclose(found.fused_variances, average(fused**2) - average(fused) ** 2, rtol=1e-9)
    for k, source in enumerate(sources):
        np.testing.assert_allclose(found.source_means[k], average(source), rtol=1e-12)
        np.testing.assert_allclose(found.source_variances[k], average(source**2) - average(source) ** 2, rtol=1e-9)
        covariance = average(source * fused) - average(source) * average(fused)
        np.testing.assert_allclose(found.covariances[k], covariance, atol=1e-8)


def test_scale_and_limit() -> None:
    stack = np.random.default_rng(1).integers(0, 256, (2, 20, 9), dtype=np.uint8)
    taps = gaussian_taps(3, 0.6)
    scaled = gathered(stack, taps, scale=1 / 255)
    np.testing.assert_allclose(scaled.fused_variances * 255**2, gathered(stack, taps).fused_variances, rtol=1e-9)
    # Where every product is cut, its mean is the limit.
    bright = np.full((2, 5, 5), 100, np.uint8)
    cut = gathered(bright, taps, product_limit=255)
    np.testing.assert_allclose(cut.covariances, 255 - 100**2)

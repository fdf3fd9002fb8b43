"""Each measure on pictures of which the right number is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.text.annotators.measures import Plane, box, local_spread, measure, noise_level, stripe_level


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def ramp() -> Plane:
    """A calm picture with an edge down its middle, 160 x 200."""
    y, x = np.mgrid[:160, :200]
    plane = 0.3 + 0.2 * y / 160 + 0.1 * x / 200
    plane[:, 100:] += 0.2
    return plane.astype(np.float32)


def textured() -> Plane:
    noise = ndimage.gaussian_filter(rng().normal(size=(160, 200)), 0.8)
    return np.clip(0.5 + 0.12 * noise / noise.std(), 0, 1).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.1])
def test_noise_is_found_beside_edges_and_ramps(sigma: float) -> None:
    noisy = (ramp() + rng().normal(0, sigma, ramp().shape)).astype(np.float32)
    assert noise_level(ramp()) < 1e-4
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.1)


def test_noise_is_not_looked_for_where_the_picture_is_clipped() -> None:
    noisy = (ramp() + rng().normal(0, 0.05, ramp().shape)).astype(np.float32)
    noisy[:120] = 1.0
    assert noise_level(noisy) == pytest.approx(0.05, rel=0.15)
    assert noise_level(np.ones((64, 64), np.float32)) == 0.0


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_stripes_are_found_and_texture_not_taken_for_them(sigma: float) -> None:
    offsets = rng().normal(0, sigma, 200)
    assert stripe_level((ramp() + offsets).astype(np.float32)[:, :100]) == pytest.approx(sigma, rel=0.2)
    assert 0.4 * sigma < stripe_level((textured() + offsets).astype(np.float32)) < 1.1 * sigma
    assert stripe_level(textured()) < 0.004
    across = textured() + rng().normal(0, sigma, (160, 1))  # rows instead of columns
    assert stripe_level(across.astype(np.float32)) < 0.004


def test_sharpness_falls_with_blur_and_smear_tells_its_direction() -> None:
    sharp = measure(textured())
    soft = measure(ndimage.gaussian_filter(textured(), 2).astype(np.float32))
    moved = measure(ndimage.uniform_filter1d(textured(), 9, axis=1).astype(np.float32))
    assert sharp.sharpness > 1.6
    assert soft.sharpness < 1.5
    assert moved.smear > 0.3
    assert max(sharp.smear, soft.smear) < 0.05


def test_shares_and_levels_by_hand() -> None:
    plane = np.full((100, 100), 0.5, np.float32)
    plane[:10] = 1.0
    plane[10:25] = 0.96
    plane[70:] = 0.1
    found = measure(plane)
    assert found.mean == pytest.approx(0.1 + 0.15 * 0.96 + 0.45 * 0.5 + 0.3 * 0.1, abs=1e-5)
    assert (found.white, found.hot) == (pytest.approx(0.1), pytest.approx(0.25))
    assert (found.dark, found.floor, found.ceiling) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(1.0))
    assert found.flat == pytest.approx(1 - 2 * 8 * 2 / 100, abs=0.02)  # 8 rows on either side of the two large steps


def test_box_and_spread_against_scipy() -> None:
    plane = textured()[:40, :50]
    mean = ndimage.uniform_filter(plane.astype(np.float64), 5, mode="nearest")
    square = ndimage.uniform_filter(plane.astype(np.float64) ** 2, 5, mode="nearest")
    np.testing.assert_allclose(box(plane, 2), mean, atol=1e-6)
    np.testing.assert_allclose(local_spread(plane, 2), np.sqrt(np.maximum(square - mean**2, 0)), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 5), (17, 16), (18, 40)])
def test_any_size_has_finite_measures(shape: tuple[int, int]) -> None:
    found = measure(rng().random(shape, dtype=np.float32))
    assert all(np.isfinite(value) for value in vars(found).values())

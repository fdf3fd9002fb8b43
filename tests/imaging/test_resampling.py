from __future__ import annotations

import numpy as np

from distilfuse.imaging.resampling import resample


def test_a_ramp_and_the_limits_are_kept() -> None:
    ramp = np.tile(np.linspace(0, 1, 41, dtype=np.float32), (5, 1))
    larger = resample(ramp, 410, 50)
    assert larger.shape == (50, 410)
    assert larger.dtype == np.float32
    expected = ((np.arange(410) + 0.5) / 10 - 0.5) / 40
    np.testing.assert_allclose(larger[:, 20:-20], np.tile(expected[20:-20], (50, 1)), atol=2e-3)
    edge = resample(np.float32([[0, 0, 1, 1]] * 4), 64, 64)
    assert edge.min() == 0
    assert edge.max() == 1


def test_a_part_between_pixels() -> None:
    ramp = np.tile(np.arange(40, dtype=np.float32) / 40, (8, 1))
    part = resample(ramp, 10, 4, (10.5, 0, 20.5, 8))
    np.testing.assert_allclose(part[0], (np.arange(10) + 10.5) / 40, atol=2e-3)


def test_smaller_is_averaged() -> None:
    checkers = np.indices((40, 40)).sum(0).astype(np.float32) % 2
    np.testing.assert_allclose(resample(checkers, 10, 10), 0.5, atol=0.02)

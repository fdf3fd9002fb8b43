from __future__ import annotations

import numpy as np
import pytest

from distilfuse.metrics.flicker import flicker


def test_a_still_scene_has_none() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    assert flicker([picture] * 4) == pytest.approx(0, abs=1e-6)


def test_it_is_the_deviation_of_means_in_grey_levels() -> None:
    levels = [100, 104, 100, 104]
    assert flicker([np.full((32, 48), level, np.uint8) for level in levels]) == pytest.approx(2, rel=1e-5)
    assert flicker([np.full((32, 48), level / 255, np.float32) for level in levels]) == pytest.approx(2, rel=1e-4)
    half = [np.full((32, 32, 3), 100, np.uint8) for _ in levels]
    for picture, level in zip(half, levels, strict=True):
        picture[:, :16] = level
    assert flicker(half) == pytest.approx(1, rel=1e-4)


def test_grain_is_averaged_away() -> None:
    rng = np.random.default_rng(2)
    frames = [np.clip(np.rint(rng.normal(128, 8, (64, 64))), 0, 255).astype(np.uint8) for _ in range(40)]
    assert flicker(frames) == pytest.approx(8 / 16, rel=0.15)

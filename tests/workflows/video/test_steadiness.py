from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse import samples
from distilfuse.fuser import DEFAULT_MODEL, Fuser
from distilfuse.metrics.flicker import flicker
from distilfuse.workflows.video.steadiness import (
    CELL,
    LARGEST_SHIFT,
    SteadyBrightness,
    SteadyFuser,
    SteadyReading,
    cell_means,
)
from distilfuse.zoo import list_models


@pytest.fixture(scope="module")
def nano() -> Fuser:
    return Fuser.from_pretrained(DEFAULT_MODEL, backend="onnxruntime", threads=1)


def static_scene(name: str, noise: float, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A scene that stands still, as two sensors see it: the noise is all that moves."""
    rng = np.random.default_rng(7)
    visible, infrared = samples.load(name)
    visible, infrared = visible[100:220, 100:260], infrared[100:220, 100:260]
    infrared = infrared if infrared.ndim == 2 else infrared[..., 0]

    def taken(picture: np.ndarray, sigma: float) -> np.ndarray:
        return np.clip(np.rint(picture + rng.normal(0, sigma, picture.shape)), 0, 255).astype(np.uint8)

    return [taken(visible, noise) for _ in range(count)], [taken(infrared, noise / 2) for _ in range(count)]


@pytest.mark.parametrize("noise", [4, 12])
@pytest.mark.parametrize("name", ["night-street", "smoke-yard", "day-road"])
@pytest.mark.parametrize("model", [name for name in list_models() if name.endswith("ivif")])
def test_fused_flickers_no_more_than_the_inputs(model: str, name: str, noise: float) -> None:
    visible, infrared = static_scene(name, noise, 50)
    fuse = SteadyFuser(Fuser.from_pretrained(model, backend="onnxruntime", threads=1))
    fused = [fuse(*pair, index / 25) for index, pair in enumerate(zip(visible, infrared, strict=True))]
    before = max(flicker(visible), flicker(infrared))
    assert flicker(fused) <= before
    assert flicker(fused[25:]) <= 0.85 * before, "once settled"


def test_without_it_the_fused_flickers_more(nano: Fuser) -> None:
    # What makes the test above one that can fail.
    visible, infrared = static_scene("smoke-yard", 4, 12)
    fuse = SteadyFuser(nano, steady=False)
    fused = [fuse(*pair, index / 25) for index, pair in enumerate(zip(visible, infrared, strict=True))]
    assert flicker(fused) > 1.5 * max(flicker(visible), flicker(infrared))


def test_a_steady_frame_is_the_frame(nano: Fuser) -> None:
    (visible,), (infrared,) = static_scene("night-street", 0, 1)
    fuse = SteadyFuser(nano)
    alone = nano(visible, infrared).astype(int)
    for index in range(3):
        assert np.abs(fuse(visible, infrared, index / 25) - alone).max() <= 1


def test_what_moves_leaves_no_trail(maximum: Fuser) -> None:
    (visible,), (infrared,) = static_scene("night-street", 0, 1)
    fuse = SteadyFuser(maximum)
    for index in range(12):
        hot = infrared.copy()
        hot[40:70, index * 10 : index * 10 + 24] = 250
        difference = fuse(visible, hot, index / 25).astype(int) - maximum(visible, hot)
        assert np.abs(difference).max() <= 3


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_shifts_are_small_whatever_comes(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steady = SteadyBrightness()
    for _ in range(4):
        values = (rng.random((height, width)) * rng.random()).astype(np.float32)
        out = steady(values)
        assert out.shape == values.shape
        assert out.dtype == np.float32
        assert np.abs(out - values).max() <= 6 * LARGEST_SHIFT  # sharpened by two steps, so more than for one cell
        assert 0 <= out.min() <= out.max() <= 1


def test_regions_follow_their_mean() -> None:
    rng = np.random.default_rng(3)
    steady = SteadyBrightness()
    noise = rng.normal(0, 0.003, (60, 6, 8))
    out = []
    for frame in noise:
        values = np.kron(0.4 + frame, np.ones((CELL, CELL))).astype(np.float32)
        out.append(cell_means(steady(values), CELL))
    assert np.std(out[30:], 0).mean() < 0.3 * noise[30:].std(0).mean()
    assert np.abs(np.mean(out[30:]) - 0.4) < 0.001


def test_a_change_of_light_passes_at_once() -> None:
    steady = SteadyBrightness()
    for _ in range(5):
        steady(np.full((48, 64), 0.3, np.float32))
    brighter = np.full((48, 64), 0.4, np.float32)
    assert np.array_equal(steady(brighter), brighter)


def test_the_reading_is_averaged_and_begins_anew_after_a_cut(nano: Fuser) -> None:
    visible, infrared = static_scene("day-road", 20, 30)
    luma = [frame.mean(2).astype(np.float32) / 255 for frame in visible]
    each = [nano._model.measure(*pair) for pair in zip(luma, infrared, strict=True)]
    reading = SteadyReading(nano)
    averaged = [reading(*pair, index / 5) for index, pair in enumerate(zip(luma, infrared, strict=True))]
    assert np.array_equal(averaged[0], each[0])
    assert np.std(averaged[15:], 0).mean() < 0.6 * np.std(each[15:], 0).mean()
    (other,), (thermal,) = static_scene("smoke-yard", 0, 1)
    other = 1 - other.mean(2).astype(np.float32) / 255
    expected = nano._model.measure(other, thermal)
    assert np.allclose(reading(other, thermal, 6.0), expected)


def test_models_without_a_gauge_have_no_reading(maximum: Fuser) -> None:
    assert SteadyReading(maximum)(np.zeros((9, 9), np.float32), np.zeros((9, 9), np.uint8), 0.0) is None

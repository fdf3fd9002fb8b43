"""More or less infrared, masks, inversion, depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse import samples
from distilfuse.errors import ConfigError, InputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.mixing import check_strength, deepen, invert, mask_weights, mix, with_strength

RNG = np.random.default_rng(5)
STEPS = np.linspace(0, 1, 11)


@pytest.fixture(scope="module")
def triple() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    visible, infrared = (np.asarray(picture) for picture in samples.load("night-street"))
    infrared = infrared if infrared.ndim == 2 else infrared[..., 0]
    return visible, infrared, Fuser.from_pretrained("nano-ivif", backend="onnxruntime", threads=1)(visible, infrared)


def test_the_ends_and_the_middle(triple: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    visible, infrared, fused = triple
    np.testing.assert_array_equal(with_strength(visible, infrared, fused, 0), visible)
    np.testing.assert_array_equal(with_strength(visible, infrared, fused, 0.5), fused)
    hottest = with_strength(visible, infrared, fused, 1)
    assert np.abs(luminance(hottest) - infrared / 255).max() < 2 / 255


def test_it_grows_away_from_the_visible_picture_and_then_towards_the_infrared_one(
    triple: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    visible, infrared, fused = triple
    made = [luminance(with_strength(visible, infrared, fused, step)) for step in STEPS]
    from_visible = [np.abs(plane - luminance(visible)).mean() for plane in made]
    to_infrared = [np.abs(plane - infrared / 255).mean() for plane in made]
    assert np.all(np.diff(from_visible[:6]) > 0)
    assert np.all(np.diff(to_infrared[5:]) < 0)
    # Like the infrared picture ever more, over all of the way.
    alike = [np.corrcoef(plane.ravel(), infrared.ravel())[0, 1] for plane in made]
    assert np.all(np.diff(alike) > -1e-3), alike


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_every_type_keeps_its_kind(kind: type) -> None:
    scale = 1 if kind == np.float32 else np.iinfo(kind).max
    visible, infrared, fused = ((RNG.random((6, 5)) * scale).astype(kind) for _ in range(3))
    for strength in (0, 0.25, 0.5, 0.75, 1):
        assert with_strength(visible, infrared, fused, strength).dtype == kind
    hottest = with_strength(visible, infrared, fused, 1).astype(float)
    assert np.abs(hottest - infrared).max() <= scale * 1e-6 + 1


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan")])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(ConfigError, match=r"must lie in 0\.\.1"):
        check_strength(strength)


@given(st.integers(0, 255), st.integers(0, 255), st.floats(0, 1))
def test_mixing_stays_between_and_rounds(first: int, second: int, weight: float) -> None:
    (mixed,) = mix(np.array([[first]], np.uint8), np.array([[second]], np.uint8), weight)[0]
    exact = first + weight * (second - first)
    assert min(first, second) <= mixed <= max(first, second)
    assert abs(float(mixed) - exact) <= 0.5 + 1e-4


def test_a_mask_chooses_by_pixel() -> None:
    first, second = (RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8) for _ in range(2))
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5] = 255
    mixed = mix(first, second, mask_weights(mask, 4, 6))
    np.testing.assert_array_equal(mixed, np.where(mask[..., None] > 0, second, first))
    with pytest.raises(InputError, match="mask is 6x4 pixels but the visible picture is 6x5"):
        mask_weights(mask, 5, 6)


def test_black_for_white() -> None:
    np.testing.assert_array_equal(invert(np.array([0, 10, 255], np.uint8)), [255, 245, 0])
    np.testing.assert_array_equal(invert(np.array([0, 65535], np.uint16)), [65535, 0])
    np.testing.assert_allclose(invert(np.array([0.25], np.float32)), [0.75])


def test_depth() -> None:
    grey = np.array([[0, 1, 255]], np.uint8)
    deep = deepen(grey, 16)
    assert deep.dtype == np.uint16
    np.testing.assert_array_equal(deep, [[0, 257, 65535]])
    np.testing.assert_array_equal(deepen(deep, 8), grey)
    assert deepen(grey, 8) is grey

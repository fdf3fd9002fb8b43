from __future__ import annotations

import numpy as np
import pytest

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.colour import BT601
from distilfuse.imaging.palettes import PALETTES, colourise, palette

IN_ORDER = sorted(set(PALETTES) - {"rainbow"})


@pytest.mark.parametrize("name", PALETTES)
def test_a_palette_has_256_different_colours_without_jumps(name: str) -> None:
    table = palette(name)
    assert (table.shape, table.dtype) == ((256, 3), np.uint8)
    assert len(np.unique(table, axis=0)) == 256
    assert np.abs(np.diff(table.astype(int), axis=0)).max() <= 5
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


@pytest.mark.parametrize("name", IN_ORDER)
def test_luma_runs_evenly(name: str) -> None:
    luma = palette(name) @ np.array(BT601)
    np.testing.assert_allclose(luma, np.linspace(luma[0], luma[-1], 256), atol=0.51)
    steps = np.diff(luma)
    assert (steps < 0).all() if name == "black-hot" else (steps > 0).all()


def test_the_rainbow_says_that_it_is_out_of_order() -> None:
    steps = np.diff(palette("rainbow") @ np.array(BT601))
    assert steps.min() < -1 < 1 < steps.max()
    assert "out of order" in PALETTES["rainbow"]


def test_grey_and_its_opposite() -> None:
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(colourise(picture, "grey"), np.dstack([picture] * 3))
    np.testing.assert_array_equal(colourise(picture, "black-hot"), np.dstack([255 - picture] * 3))


@pytest.mark.parametrize("name", ["iron", "inferno", "lava"])
def test_cold_is_nearly_black_and_hot_nearly_white(name: str) -> None:
    cold, hot = colourise(np.array([[0, 255]], np.uint8), name)[0]
    assert cold.max() <= 4
    assert hot.min() >= 160
    assert hot.max() >= 250


def test_every_kind_of_value_is_coloured_alike() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = colourise(levels, "iron")
    assert (expected.shape, expected.dtype) == ((16, 16, 3), np.uint8)
    for other in (levels.astype(np.uint16) * 257, levels / 255, (levels / 255).astype(np.float32)):
        np.testing.assert_array_equal(colourise(other, "iron"), expected)


def test_unknown_names_and_values_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"There is no palette 'jet': choose grey, black-hot, iron, .*rainbow\.$"):
        colourise(np.zeros((2, 2), np.uint8), "jet")
    with pytest.raises(InputError, match="thermal picture holds NaN"):
        colourise(np.full((2, 2), np.nan), "iron")
    with pytest.raises(InputError, match=r"must lie in 0\.\.1"):
        colourise(np.full((2, 2), 36.6), "iron")
    with pytest.raises(InputError, match="no agreed full scale"):
        colourise(np.zeros((2, 2), np.int32), "iron")

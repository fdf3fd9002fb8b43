from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.imaging.volumes.palettes import PALETTES, paint, palette
from distilfuse.imaging.volumes.volume import Grid, Volume
from distilfuse.imaging.volumes.windows import Window, default_window, find_limits, parse_window, to_bytes


def volume(values: np.ndarray, modality: str = "") -> Volume:
    grid = Grid(name="x.nii", shape=values.shape, affine=np.eye(4))
    return Volume(grid=grid, values=values.astype(np.float32), modality=modality)


def test_windows_are_read() -> None:
    assert parse_window("suv:0,6") == Window("suv", 0, 6)
    assert parse_window("hu:-100,300") == Window("hu", -100, 300)
    assert str(parse_window("percent:0.5,99.5")) == "percent:0.5,99.5"


@pytest.mark.parametrize(
    "text",
    ["", "suv", "suv:", "suv:0", "suv:0,6,9", "suv:a,b", "SUV:0,6", "kev:0,6", "suv:6,0", "suv:1,1", "raw:0,inf",
     "raw:nan,1", "percent:-1,50", "percent:0,101"],
)  # fmt: skip
def test_no_windows(text: str) -> None:
    with pytest.raises(ConfigError, match="window"):
        parse_window(text)


def test_defaults() -> None:
    values = np.arange(8.0).reshape(2, 2, 2)
    assert [str(default_window(volume(values, code))) for code in ("PT", "CT", "MR", "")] == [
        "suv:0,6",
        "hu:-100,300",
        "percent:0.5,99.5",
        "percent:0.5,99.5",
    ]


def test_limits() -> None:
    values = volume(np.arange(1001.0).reshape(7, 11, 13))
    assert find_limits(values, Window("percent", 10, 90)) == (100, 900)
    assert find_limits(values, Window("raw", 3, 5)) == (3, 5)
    assert find_limits(values, Window("suv", 0, 6)) == (0, 6), "values of NIfTI are taken as they are"
    with pytest.raises(InputError, match=r"is a series of CT, but the window suv:0,6 is for PET: name the PET series"):
        find_limits(volume(np.ones((2, 2, 2)), "CT"), Window("suv", 0, 6))
    with pytest.raises(InputError, match="is a series of MR, but the window hu:0,80 is for CT"):
        find_limits(volume(np.ones((2, 2, 2)), "MR"), Window("hu", 0, 80))


def test_percentiles_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"has the value 0 from 0.5 to 99.5 percent: choose a window by values"):
        find_limits(volume(np.zeros((4, 4, 4))), Window("percent", 0.5, 99.5))


def test_bytes() -> None:
    values = np.array([-5, 0, 0.0118, 3, 6, 7e9], np.float32)
    assert to_bytes(values, 0, 6).tolist() == [0, 0, 1, 128, 255, 255]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_bytes_never_fall(low: float, width: float) -> None:
    values = np.linspace(low - width, low + 2 * width, 500, dtype=np.float32)
    assert (np.diff(to_bytes(values, low, low + width).astype(int)) >= 0).all()


@pytest.mark.parametrize("name", ["hot", "ice"])
def test_high_is_bright_and_luminance_is_the_value(name: str) -> None:
    table = palette(name)
    luma = luminance(table[None])[0]
    assert table[0].tolist() == [0, 0, 0]
    assert (np.diff(luma) > 0).all()
    assert np.abs(luma - np.linspace(0, luma[-1], 256)).max() < 0.003, "a step of 8 bits"


@pytest.mark.parametrize(("name", "channel"), [("hot", 2), ("ice", 0)])
def test_high_stays_high_under_any_luminance(name: str, channel: int) -> None:
    # What the network does: chroma stays, luminance becomes another one.
    table = palette(name)[None]
    for level in np.linspace(0.25, 0.75, 6, dtype=np.float32):
        after = np.full((1, 256), level, np.float32)
        fused = with_luminance(table, luminance(table), after).astype(int)
        away = fused[0, :, channel] - 255 * level
        assert away[0] == pytest.approx(0, abs=1), "nothing is grey"
        assert (np.diff(away) <= 1).all(), "rounding aside, more uptake is further from grey"
        assert away[-1] < -40


def test_paint() -> None:
    values = np.array([[0, 128, 255]], np.uint8)
    assert paint(values, "grey") is values
    assert paint(values, "hot")[0, 2].tolist() == [255, 196, 0]
    assert paint(values, "ice")[0, 2].tolist() == [0, 255, 255]
    assert PALETTES == ("hot", "ice", "grey")
    with pytest.raises(ConfigError, match="no palette 'jet': choose hot, ice, grey"):
        paint(values, "jet")

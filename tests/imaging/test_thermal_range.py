from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.imaging.thermal_range import LEAST_COUNTS, LEAST_DEGREES, ThermalRange, grey_plane, to_range

AUTO = ThermalRange()


def counts(low: int = 7000, high: int = 8000, shape: tuple[int, int] = (50, 80)) -> np.ndarray:
    """A ramp of sensor counts."""
    return np.linspace(low, high, shape[0] * shape[1]).astype(np.uint16).reshape(shape)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", ThermalRange("auto")),
        (" Type ", ThermalRange("type")),
        ("20,35.5", ThermalRange("value", 20, 35.5)),
        ("7200.125,8900", ThermalRange("value", 7200.125, 8900)),
        ("-10, 1e2", ThermalRange("value", -10, 100)),
        ("1%,99%", ThermalRange("percent", 1, 99)),
        ("0.5 %, 100%", ThermalRange("percent", 0.5, 100)),
    ],
)
def test_an_option_is_read_and_written(text: str, expected: ThermalRange) -> None:
    assert ThermalRange.parse(text) == expected
    assert ThermalRange.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["5", "a,b", "", ",", "1,2,3", "1%,99", "nan,5", "0,inf", "%,%", "20-35"])
def test_what_is_no_range_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{text!r} is not a thermal range: write LOW,HIGH in the values")):
        ThermalRange.parse(text)


@pytest.mark.parametrize("text", ["35,20", "20,20", "99%,1%"])
def test_a_range_goes_upwards(text: str) -> None:
    with pytest.raises(ConfigError, match=f"The thermal range {text} is empty: name black first"):
        ThermalRange.parse(text)


@pytest.mark.parametrize("text", ["-1%,99%", "1%,101%"])
def test_percentages_lie_within_0_and_100(text: str) -> None:
    with pytest.raises(ConfigError, match="must lie within 0%,100%"):
        ThermalRange.parse(text)


def test_auto_is_percentiles_for_counts_and_degrees() -> None:
    assert AUTO.limits(counts()) == pytest.approx((7005, 7995), abs=1)
    degrees = np.linspace(-20, 80, 4000).reshape(40, 100)
    assert AUTO.limits(degrees) == pytest.approx(np.percentile(degrees, (0.5, 99.5)))


def test_auto_is_the_type_for_what_is_scaled_already() -> None:
    assert AUTO.limits(np.array([[90, 110]], np.uint8)) == (0, 255)
    assert AUTO.limits(np.array([[0.3, 0.4]], np.float32)) == (0, 1)


def test_a_few_dead_pixels_do_not_decide() -> None:
    picture = counts()
    picture[::13, ::29] = 65535
    picture[5, 5] = 0
    low, high = AUTO.limits(picture)
    assert low == pytest.approx(7005, abs=2)
    assert high < 8000


def test_type_and_named_values() -> None:
    assert ThermalRange("type").limits(counts()) == (0, 65535)
    assert ThermalRange.parse("7200,7300").limits(counts()) == (7200, 7300)
    with pytest.raises(InputError, match=r"float values from 20 to 36\.6, which have no full scale: name the thermal"):
        ThermalRange("type").limits(np.array([[20, 36.6]]))


def test_noise_on_an_even_wall_is_not_stretched() -> None:
    wall = np.random.default_rng(0).normal(7500, 3, (60, 80)).round().astype(np.uint16)
    low, high = AUTO.limits(wall)
    assert high - low == LEAST_COUNTS
    assert (low + high) / 2 == pytest.approx(7500, abs=1)
    low, high = AUTO.limits(np.full((4, 4), 21.5, np.float32))
    assert (low, high) == (21.5 - LEAST_DEGREES / 2, 21.5 + LEAST_DEGREES / 2)
    assert to_range(wall, *AUTO.limits(wall)).std() < 0.06


def test_a_sequence_shares_its_limits() -> None:
    frames = [counts(7000, 7400), counts(7300, 9000)]
    assert AUTO.shared_limits(iter(frames)) == pytest.approx(np.percentile(frames, (0.5, 99.5)))
    with pytest.raises(InputError, match="no infrared pictures"):
        AUTO.shared_limits([])
    with pytest.raises(InputError, match="are of uint16 and uint8, which have no range in common"):
        AUTO.shared_limits([counts(), np.zeros((3, 3), np.uint8)])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64, ">u2", ">f4"])
def test_values_become_0_to_1_and_are_clipped(kind: str) -> None:
    picture = np.array([[10, 20, 25], [30, 40, 50]]).astype(kind)
    values = to_range(picture, 20, 40)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, [[0, 0, 0.25], [0.5, 1, 1]], atol=1e-7)


def test_counts_below_the_lower_limit_do_not_wrap_around() -> None:
    assert to_range(np.array([[0, 65535]], np.uint16), 7000, 8000).tolist() == [[0, 1]]


def test_pictures_larger_than_a_strip_are_scaled_whole() -> None:
    picture = np.random.default_rng(0).integers(0, 65536, (900, 700), np.uint16)
    expected = np.clip((picture.astype(np.float64) - 7000) / 9000, 0, 1)
    np.testing.assert_allclose(to_range(picture, 7000, 16000), expected, atol=1e-6)


def test_grey_stored_as_colour_is_what_the_grey_is() -> None:
    grey = np.arange(0, 240, 3, dtype=np.uint8).reshape(8, 10)
    colour = np.dstack([grey] * 3)
    np.testing.assert_allclose(grey_plane(colour, "infrared"), grey, atol=1e-3)
    np.testing.assert_allclose(to_range(colour, 20, 200), to_range(grey, 20, 200), atol=1e-5)
    assert ThermalRange.parse("0%,100%").limits(colour) == pytest.approx((0, 237), abs=1e-3)
    assert AUTO.limits(colour) == (0, 255)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    degrees = np.full((4, 5), 21.0, np.float32)
    degrees[1, 2] = bad
    for call in (AUTO.limits, lambda picture: to_range(picture, 0, 40)):
        with pytest.raises(InputError, match="infrared picture holds NaN or infinite values: replace them"):
            call(degrees)


def test_what_is_no_picture_is_refused() -> None:
    for picture in (np.zeros(4), np.zeros((0, 4)), np.zeros((3, 4, 2)), np.zeros((2, 3, 4, 5))):
        with pytest.raises(InputError, match="infrared array has the shape"):
            AUTO.limits(picture)
    with pytest.raises(InputError, match="no agreed full scale"):
        AUTO.limits(np.zeros((4, 4), np.int32))
    for limits in ((20, 20), (30, 20), (float("nan"), 20)):
        with pytest.raises(InputError, match=r"range .* is empty: black must be a lower value than white"):
            to_range(counts(), *limits)
        with pytest.raises(InputError, match=r"range .* is empty"):
            AUTO.warn(counts(), *limits)


def complaint(picture: np.ndarray, chosen: ThermalRange, *limits: float) -> str:
    """What is said of a picture; empty where nothing is."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        chosen.warn(picture, *(limits or chosen.limits(picture)))
    assert all(issubclass(warning.category, PictureWarning) for warning in caught)
    return " ".join(str(warning.message) for warning in caught)


def test_a_small_part_of_the_range_draws_a_warning() -> None:
    said = complaint(counts(7000, 8966), ThermalRange("type"))
    assert said.startswith("The infrared picture uses 3.0% of its range from 0 to 65535 and will add little")
    said = complaint(np.tile(np.arange(100, 110, dtype=np.uint8), (9, 9)), AUTO)
    assert "uses 3.5% of its range from 0 to 255" in said


def test_pixels_beyond_the_range_draw_a_warning() -> None:
    said = complaint(counts(7000, 8000), ThermalRange.parse("7100,7950"))
    assert (
        "has 10.0% of its pixels below 7100 (black) and 4.9% above 7950 (white), with values from 7000 to 8000: "
        in said
    )
    with pytest.raises(InputError, match=r"no value between 20 \(black\) and 40 \(white\), only values from"):
        complaint(counts(), ThermalRange.parse("20,40"))


def test_a_later_frame_that_leaves_the_shared_limits_draws_a_warning() -> None:
    first, later = counts(7000, 8000), counts(7800, 9000)
    limits = AUTO.limits(first)
    assert complaint(first, AUTO, *limits) == ""
    assert "above 7994" in complaint(later, AUTO, *limits)


def test_an_even_picture_draws_a_warning() -> None:
    assert "has the value 7000 everywhere and adds nothing" in complaint(np.full((4, 4), 7000, np.uint16), AUTO)
    assert "has the value 0 everywhere" in complaint(np.zeros((4, 4), np.uint8), AUTO)


@pytest.mark.parametrize("text", ["auto", "10%,80%", "7000,8000", "7020,8100"])
def test_what_was_asked_for_draws_none(text: str) -> None:
    assert complaint(counts(), ThermalRange.parse(text)) == ""

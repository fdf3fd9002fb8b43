from __future__ import annotations

import warnings

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.imaging.scaling import (
    PictureWarning,
    check_values,
    from_unit,
    full_scale,
    to_unit,
    warn_if_narrow,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_way_there_and_back(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1)
    unit = to_unit(levels)
    assert unit.dtype == np.float32
    assert unit.min() == 0
    assert unit.max() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(from_unit(unit, dtype), levels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_pass_through(dtype: type) -> None:
    values = np.linspace(0, 1, 12, dtype=dtype).reshape(3, 4)
    np.testing.assert_allclose(from_unit(to_unit(values), dtype), values, atol=1e-7)
    assert from_unit(to_unit(values), dtype).dtype == dtype


def test_a_dark_picture_stays_dark() -> None:
    # No stretch by the picture's own minimum and maximum.
    assert to_unit(np.array([[10, 20]], np.uint8)).tolist() == [[pytest.approx(10 / 255), pytest.approx(20 / 255)]]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.bool_, np.float16, np.complex64])
def test_types_without_full_scale_are_refused(dtype: type) -> None:
    with pytest.raises(InputError, match=r"no agreed full scale: convert them to uint8, uint16, float32 or float64"):
        full_scale(dtype)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    picture = np.zeros((4, 5), np.float32)
    picture[2, 3] = bad
    with pytest.raises(InputError, match="The visible picture holds NaN or infinite values"):
        check_values(picture, "visible")


@pytest.mark.parametrize("bad", [-0.5, 1.5, 255.0])
def test_floats_out_of_range_are_refused_with_the_mend(bad: float) -> None:
    picture = np.full((4, 5), 0.5)
    picture[0, 0] = bad
    with pytest.raises(InputError, match=r"must lie in 0\.\.1: divide by the sensor's full scale"):
        check_values(picture, "infrared")


def test_rounding_beyond_the_range_is_forgiven_and_clipped() -> None:
    picture = np.array([[-1e-6, 1 + 1e-6]])
    check_values(picture, "visible")
    assert to_unit(picture).tolist() == [[0, 1]]


def test_raw_counts_draw_a_warning() -> None:
    counts = np.linspace(22000, 24000, 100).astype(np.uint16).reshape(10, 10)
    with pytest.warns(PictureWarning, match=r"infrared picture uses 3\.1% of its 16-bit range"):
        warn_if_narrow(counts, "infrared")


def test_fourteen_bits_in_sixteen_draw_a_warning() -> None:
    counts = np.linspace(0, 16383, 100).astype(np.uint16).reshape(10, 10)
    with pytest.warns(PictureWarning, match=r"uses 25\.0% of its 16-bit range"):
        warn_if_narrow(counts, "infrared")


def test_other_pictures_do_not() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_narrow(np.array([[0, 60000]], np.uint16), "infrared")
        warn_if_narrow(np.array([[10, 12]], np.uint8), "infrared")
        warn_if_narrow(np.array([[0.1, 0.12]]), "infrared")

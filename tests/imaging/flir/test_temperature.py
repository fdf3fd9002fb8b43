"""Temperatures: against a model that runs forward, from the object to the sensor, and against known values."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, camera_info, flir_jpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.imaging.flir.radiometry import Radiometry, parse_radiometry
from distilfuse.imaging.flir.reading import read_flir
from distilfuse.imaging.flir.records import DamagedFileError
from distilfuse.imaging.flir.temperature import black_body, celsius, transmission


def radiometry(**changes: float) -> Radiometry:
    return parse_radiometry(memoryview(camera_info(Scene(**changes))))


def scalar(raw: float, s: Scene) -> float:
    """Term by term as published (Thermimage, raw2temp), apart from the vectorised code."""
    h2o = s.humidity * math.exp(
        1.5587 + 0.06939 * s.atmosphere - 2.7816e-4 * s.atmosphere**2 + 6.8455e-7 * s.atmosphere**3
    )
    root = math.sqrt(s.distance / 2)
    tau = s.x * math.exp(-root * (s.alpha1 + s.beta1 * math.sqrt(h2o)))
    tau += (1 - s.x) * math.exp(-root * (s.alpha2 + s.beta2 * math.sqrt(h2o)))

    def planck(t: float) -> float:
        return s.r1 / (s.r2 * (math.exp(s.b / (t + 273.15)) - s.f)) - s.o

    e, tw = s.emissivity, s.window_transmission
    raw_object = raw / e / tau / tw / tau
    raw_object -= (1 - tau) / e / tau * planck(s.atmosphere)
    raw_object -= (1 - tau) / e / tau / tw / tau * planck(s.atmosphere)
    raw_object -= (1 - tw) / e / tau / tw * planck(s.window)
    raw_object -= (1 - e) / e * planck(s.reflected)
    return s.b / math.log(s.r1 / (s.r2 * (raw_object + s.o)) + s.f) - 273.15


surroundings = st.fixed_dictionaries(
    {
        "emissivity": st.floats(0.3, 1),
        "distance": st.floats(0, 30),
        "reflected": st.floats(-20, 60),
        "atmosphere": st.floats(-20, 50),
        "window": st.floats(-20, 60),
        "window_transmission": st.floats(0.5, 1),
        "humidity": st.floats(0, 1),
    }
)


@given(surroundings, st.lists(st.floats(-10, 400), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_objects_in_any_surroundings(changes: dict[str, float], temperatures: list[float]) -> None:
    scene = Scene(**changes)
    read = radiometry(**changes)
    counts = np.array([[scene.count(value) for value in temperatures]])
    found = celsius(counts, read)  # counts as fractions: no rounding to whole ones
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], temperatures, atol=0.02)
    np.testing.assert_allclose(found[0], [scalar(count, scene) for count in counts[0]], atol=0.02)


@pytest.mark.parametrize("temperature", [-20.0, 0.0, 20.0, 36.6, 100.0, 350.0])
def test_a_black_body_close_by_is_found_to_a_hundredth(temperature: float, tmp_path: Path) -> None:
    scene = Scene(emissivity=1, distance=0, r1=21106.77 * 40, o=-200)  # a count is some thousandths of a kelvin
    assert scene.tau() == 1
    scene.celsius = np.full((4, 5), temperature)
    while scene.count(temperature) > 60000:
        scene.r1 /= 2
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(scene))
    capture = read_flir(path)
    assert capture is not None
    np.testing.assert_allclose(capture.celsius, temperature, atol=0.01)
    exact = radiometry(emissivity=1.0, distance=0.0, r1=scene.r1, o=scene.o)
    count = black_body(temperature, exact)
    assert float(celsius(np.array([[count]]), exact)[0, 0]) == pytest.approx(temperature, abs=0.01)


def test_by_hand() -> None:
    """1501 / ln(21106.77 / (0.012545258 (18109 - 7340)) + 1) = 296.774 K, with the constants of Thermimage's manual."""
    values = radiometry(emissivity=1.0, distance=0.0)
    assert float(celsius(np.array([[18109]]), values)[0, 0]) == pytest.approx(23.624, abs=0.001)


def test_warmer_is_more() -> None:
    counts = np.arange(9000, 60000, 50)[None]
    assert (np.diff(celsius(counts, radiometry())[0]) > 0).all()


def test_counts_below_zero_kelvin_have_no_temperature() -> None:
    found = celsius(np.array([[0, 100, 15000]]), radiometry())
    assert np.isnan(found[0, :2]).all()
    assert np.isfinite(found[0, 2])
    with pytest.raises(DamagedFileError, match="no count has a temperature"):
        celsius(np.zeros((2, 2), np.uint16), radiometry())


def test_air() -> None:
    assert transmission(radiometry(distance=0.0)) == pytest.approx(1)
    near, far = (transmission(radiometry(distance=d)) for d in (1.0, 100.0))
    assert 0.95 < far < near < 1
    with pytest.raises(DamagedFileError, match=r"over 2e\+04 m would let"):
        transmission(dataclasses.replace(radiometry(), distance=2e4, humidity=1.0, atmosphere=60.0))


def test_humidity_in_percent() -> None:
    assert radiometry(humidity=55.0).humidity == pytest.approx(0.55)
    assert radiometry(humidity=0.55).humidity == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"r1": 0.0}, "its Planck constant R1 is 0"),
        ({"r2": 0.0}, "its Planck constant R2 is 0"),
        ({"b": -1.0}, "its Planck constant B is -1"),
        ({"f": math.nan}, "its Planck constant F is not a number"),
        ({"emissivity": 0.0}, "its emissivity is 0"),
        ({"emissivity": 1.5}, "its emissivity is 1.5"),
        ({"distance": -1.0}, "its object distance is -1"),
        ({"reflected": math.inf}, "its reflected temperature is not a number"),
        ({"atmosphere": -300.0}, "its atmospheric temperature is -300"),
        ({"humidity": 300.0}, "its relative humidity is 3"),
        ({"window_transmission": 0.0}, "its window transmission is 0"),
        ({"x": math.nan}, "its atmospheric constant X is not a number"),
    ],
)
def test_values_that_are_none(changes: dict[str, float], said: str) -> None:
    with pytest.raises(DamagedFileError, match=f"^{said}$"):
        radiometry(**changes)


def test_words_hold_all_that_matters() -> None:
    words = radiometry().words()
    assert words["emissivity"] == "0.95"
    assert words["reflected apparent temperature"] == "22.00 C"
    assert words["relative humidity"] == "50.0%"
    assert words["Planck R1, R2, B, F, O"].startswith("21106.77, 0.01254525")

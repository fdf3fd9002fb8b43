"""Counts of the sensor: exactly what was written, in every form and byte order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, flir_jpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from distilfuse.imaging.flir.counts import parse_counts
from distilfuse.imaging.flir.reading import read_flir

HEIGHT, WIDTH = 24, 32


def landscape(low: int = 12000, span: int = 4000) -> np.ndarray:
    """A smooth scene with the noise of a sensor and something hot."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    scene = low + span * (0.5 + 0.3 * np.sin(x / 9) + 0.2 * np.cos(y / 7))
    scene[8:12, 10:16] += span / 2
    return np.round(scene + np.random.default_rng(1).normal(0, 6, scene.shape)).astype(np.uint16)


@pytest.mark.parametrize("directory_order", ["<", ">"])
@pytest.mark.parametrize("record_order", ["<", ">"])
@pytest.mark.parametrize("raw_as", ["png-swapped", "png-plain", "tiff", "raw"])
def test_round_trip(raw_as: str, record_order: str, directory_order: str, tmp_path: Path) -> None:
    counts = landscape()
    scene = Scene(counts=counts, raw_as=raw_as, record_order=record_order, directory_order=directory_order)
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(scene))
    capture = read_flir(path)
    assert capture is not None
    assert capture.counts.dtype == np.uint16
    np.testing.assert_array_equal(capture.counts, counts)


@pytest.mark.parametrize("chunk", [100, 1000, 65000])
def test_any_number_of_chunks(chunk: int, tmp_path: Path) -> None:
    scene = Scene(counts=landscape(), raw_as="raw", chunk=chunk)
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(scene))
    capture = read_flir(path)
    assert capture is not None
    np.testing.assert_array_equal(capture.counts, scene.counts)


@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_in_another_order_than_the_record(order: str, tmp_path: Path) -> None:
    scene = Scene(counts=landscape(), raw_as="raw", record_order="<", raw_order=order)
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(scene))
    capture = read_flir(path)
    assert capture is not None
    np.testing.assert_array_equal(capture.counts, scene.counts)


@pytest.mark.parametrize("raw_as", ["png-swapped", "png-plain"])
@pytest.mark.parametrize(("low", "span"), [(13000, 20), (3000, 40000), (15358, 4)])
def test_the_byte_order_of_png_is_found_at_any_contrast(raw_as: str, low: int, span: int, tmp_path: Path) -> None:
    scene = Scene(counts=landscape(low, span), raw_as=raw_as)
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(scene))
    capture = read_flir(path)
    assert capture is not None
    np.testing.assert_array_equal(capture.counts, scene.counts)


@given(arrays(np.uint16, (3, 4), elements=st.integers(0, 65535)), st.sampled_from("<>"))
@settings(max_examples=30, deadline=None)
def test_the_usual_order_is_kept_without_strong_evidence(values: np.ndarray, order: str) -> None:
    """Noise tells nothing: plain samples are then read as the record says, up to one swap of all of them."""
    record = np.array([2, 4, 3, *([0] * 13)], f"{order}u2").tobytes() + values.astype(f"{order}u2").tobytes()
    read = parse_counts(memoryview(record))
    rough = [
        sum(np.abs(np.diff(v.astype(int), axis=axis)).sum() for axis in (0, 1)) for v in (values, values.byteswap())
    ]
    expected = values.byteswap() if rough[0] > 2 * rough[1] else values
    np.testing.assert_array_equal(read, expected)

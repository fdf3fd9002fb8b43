from __future__ import annotations

import threading

import numpy as np
import pytest

from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.imaging.scratch import Scratch


def test_the_same_name_is_the_same_memory() -> None:
    scratch = Scratch()
    first = scratch.array("a", (4, 6), np.float32)
    first[:] = 7
    again = scratch.array("a", (2, 3), np.int16)
    assert again.shape == (2, 3)
    assert again.dtype == np.int16
    assert np.shares_memory(first, again)
    assert not np.shares_memory(first, scratch.array("b", (4, 6), np.float32))


def test_it_grows() -> None:
    scratch = Scratch()
    small = scratch.array("a", (2,), np.float32)
    large = scratch.array("a", (1000, 3), np.float64)
    large[:] = 1
    assert not np.shares_memory(small, large)
    assert np.shares_memory(large, scratch.array("a", (2,), np.float32))


def test_every_thread_has_its_own() -> None:
    scratch = Scratch()
    mine = scratch.array("a", (8,), np.uint8)
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(scratch.array("a", (8,), np.uint8)))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, theirs[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_results_are_never_scratch(dtype: type) -> None:
    rng = np.random.default_rng(0)
    pictures = [
        (rng.random((30, 40, 3)) * (1 if dtype is np.float32 else np.iinfo(dtype).max)).astype(dtype) for _ in "ab"
    ]
    before = [luminance(picture) for picture in pictures]
    kept = [plane.copy() for plane in before]
    shifted = [with_luminance(picture, plane, 1 - plane) for picture, plane in zip(pictures, before, strict=True)]
    first = shifted[0].copy()
    with_luminance(pictures[1], before[1], before[0])
    assert all(np.array_equal(plane, copy) for plane, copy in zip(before, kept, strict=True))
    assert np.array_equal(shifted[0], first)


def test_bands_of_rows_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (50, 37, 3), np.uint8)
    plane = luminance(picture)
    after = plane[::-1].copy()
    whole = with_luminance(picture, plane, after)
    monkeypatch.setattr("distilfuse.imaging.colour._BAND", 7 * 37)
    assert np.array_equal(luminance(picture), plane)
    assert np.array_equal(with_luminance(picture, plane, after), whole)

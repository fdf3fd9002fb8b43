from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.imaging.bands import share_rows


@given(st.integers(1, 2000), st.integers(1, 5000), st.integers(1, 9))
def test_every_row_once(height: int, width: int, threads: int) -> None:
    seen = np.zeros(height, int)
    bands = []

    def work(rows: slice) -> None:
        bands.append(rows)
        seen[rows] += 1

    share_rows(work, height, width, threads=threads)
    assert (seen == 1).all()
    assert len(bands) <= threads


def test_a_small_picture_stays_in_the_calling_thread() -> None:
    found = []
    share_rows(lambda rows: found.append((rows, threading.current_thread())), 100, 100, threads=8)
    assert found == [(slice(0, 100), threading.current_thread())]


def test_bands_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)  # broken if the second band waits for the first
    share_rows(lambda _: both.wait() and None, 1000, 1000, threads=2)


@pytest.mark.parametrize("bad", [0, 1])
def test_what_a_band_raises_is_raised(bad: int) -> None:
    def work(rows: slice) -> None:
        if (rows.start > 0) == bool(bad):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        share_rows(work, 1000, 1000, threads=2)

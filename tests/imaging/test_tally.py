from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from distilfuse.imaging.tally import Tally

PICTURES = st.one_of(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)),
    hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)),
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-300, 3000, width=32)
    ),
)


@given(PICTURES, st.floats(0, 100))
@settings(deadline=None)
def test_percentiles_are_those_of_numpy(picture: np.ndarray, percent: float) -> None:
    expected = np.percentile(picture.astype(np.float64), percent)
    assert Tally.of(picture).percentile(percent) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(PICTURES, st.floats(-400, 70000))
@settings(deadline=None)
def test_shares_are_those_of_a_count(picture: np.ndarray, value: float) -> None:
    tally = Tally.of(picture)
    assert tally.share_below(value) == pytest.approx((picture.astype(np.float64) < value).mean())
    assert tally.share_above(value) == pytest.approx((picture.astype(np.float64) > value).mean())
    assert (tally.least, tally.most) == (picture.min(), picture.max())


def test_several_pictures_are_counted_as_one() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(low, low + 500, (20, 30), np.uint16) for low in (0, 200, 4000)]
    together = Tally.union([Tally.of(picture) for picture in pictures])
    for percent in (0, 0.5, 33, 50, 99.5, 100):
        assert together.percentile(percent) == pytest.approx(np.percentile(pictures, percent))


def test_pictures_higher_than_a_strip_are_counted_whole() -> None:
    picture = np.arange(700 * 1000, dtype=np.uint32).reshape(700, 1000).astype(np.uint16)
    tally = Tally.of(picture)
    assert tally.upto[-1] == picture.size
    assert tally.percentile(12.5) == pytest.approx(np.percentile(picture, 12.5))


def test_large_float_pictures_are_sampled_but_for_their_extremes() -> None:
    picture = np.random.default_rng(0).normal(20, 3, (1500, 2000)).astype(np.float32)
    picture[777, 1111], picture[3, 5] = 900, -40
    tally = Tally.of(picture)
    assert len(tally.values) < 600_000
    assert (tally.least, tally.most) == (-40, 900)
    for percent in (0.5, 50, 99.5):
        assert tally.percentile(percent) == pytest.approx(np.percentile(picture, percent), abs=0.15)

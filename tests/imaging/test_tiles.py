"""Tiles cover every pixel once and see what surrounds them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.imaging.tiles import tiles


@settings(deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    side=st.integers(1, 60),
    halo=st.integers(0, 30),
    multiple=st.sampled_from([1, 4, 8]),
)
def test_every_pixel_once_at_its_place_in_the_grid(
    height: int, width: int, side: int, halo: int, multiple: int
) -> None:
    picture = np.arange(height * width).reshape(height, width)
    seen = np.zeros_like(picture)
    for tile in tiles(height, width, side=side, halo=halo, multiple=multiple):
        assert (picture[tile.whole][tile.inner] == picture[tile.core]).all()
        seen[tile.core] += 1
        for core, whole, end in zip(tile.core, tile.whole, (height, width), strict=True):
            assert core.start % multiple == whole.start % multiple == 0
            assert core.start - whole.start >= min(halo, core.start)
            assert whole.stop - core.stop >= min(halo, end - core.stop)
            assert core.stop - core.start <= max(side, multiple)
    assert (seen == 1).all()

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.imaging.geometry import crop, pad_to_multiple


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 33))
def test_pad_then_crop_is_the_identity(height: int, width: int, multiple: int) -> None:
    planes = np.arange(2 * height * width, dtype=np.float32).reshape(1, 2, height, width)
    padded = pad_to_multiple(planes, multiple)
    assert padded.shape[-2] % multiple == padded.shape[-1] % multiple == 0
    assert padded.shape[-2] - height < multiple
    assert padded.shape[-1] - width < multiple
    np.testing.assert_array_equal(crop(padded, height, width), planes)


def test_padding_repeats_the_edge() -> None:
    planes = np.array([[[[1, 2, 3]]]], np.float32)
    np.testing.assert_array_equal(pad_to_multiple(planes, 2)[0, 0], [[1, 2, 3, 3], [1, 2, 3, 3]])


def test_nothing_is_copied_for_nothing() -> None:
    planes = np.zeros((1, 1, 8, 12), np.float32)
    assert pad_to_multiple(planes, 4) is planes

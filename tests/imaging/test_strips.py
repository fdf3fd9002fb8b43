from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from distilfuse.imaging import strips
from distilfuse.imaging.modes import PLAIN_MODES
from distilfuse.imaging.strips import picture_of, planes_of

RNG = np.random.default_rng(9)


def picture(mode: str, width: int, height: int) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, (height, width), dtype=np.uint16))
    if mode == "F":
        return Image.fromarray(RNG.random((height, width), dtype=np.float32))
    return Image.frombytes(mode, (width, height), RNG.bytes(width * height * len(mode)))


@pytest.mark.parametrize("mode", PLAIN_MODES)
@pytest.mark.parametrize("size", [(1, 1), (9, 7), (7, 33), (40, 3)])
def test_there_and_back(mode: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "_STRIP", 30)
    image = picture(mode, *size)
    colour, alpha = planes_of(image)
    whole = np.asarray(image)
    assert colour.dtype == whole.dtype
    np.testing.assert_array_equal(colour if alpha is None else np.dstack([colour, alpha]), whole)
    back = picture_of(colour, alpha)
    assert (back.mode, back.size) == (mode, size)
    np.testing.assert_array_equal(np.asarray(back), whole)


def test_the_planes_are_the_caller_s_own() -> None:
    image = picture("RGBA", 5, 4)
    before = np.asarray(image).copy()
    for plane in planes_of(image):
        assert plane is not None
        plane[...] = 0
    np.testing.assert_array_equal(np.asarray(image), before)

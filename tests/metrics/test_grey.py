from __future__ import annotations

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.metrics import paper_grey


@pytest.mark.parametrize(
    ("colour", "level"),
    [
        ((0, 0, 0), 0),
        ((255, 0, 0), 76),  # 76.2195
        ((0, 255, 0), 149),  # 149.685: rounded it would be 150
        ((0, 0, 255), 29),  # 29.07
        ((255, 255, 255), 254),  # the weights add up to .9999: 254.9745
        ((100, 100, 100), 99),  # 99.99
    ],
)
def test_truncates_the_weighted_sum(colour: tuple[int, int, int], level: int) -> None:
    grey = paper_grey(np.array([[colour]], np.uint8))
    assert grey.dtype == np.uint8
    assert grey.tolist() == [[level]]


def test_agrees_with_integer_arithmetic() -> None:
    image = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    red, green, blue = image.astype(np.int64).transpose(2, 0, 1)
    np.testing.assert_array_equal(paper_grey(image), (2989 * red + 5870 * green + 1140 * blue) // 10000)


def test_a_grey_picture_passes_unchanged() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert paper_grey(image) is image


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3)), "takes uint8 pictures .* not float64"),
        (np.zeros((4, 4), np.uint16), "not uint16"),
        (np.zeros((4, 4, 4), np.uint8), r"not shape \(4, 4, 4\)"),
        (np.zeros((4, 4, 1), np.uint8), r"not shape \(4, 4, 1\)"),
        (np.zeros(4, np.uint8), r"not shape \(4,\)"),
    ],
    ids=["float", "uint16", "rgba", "one-channel", "row"],
)
def test_refuses_other_shapes_and_types(image: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        paper_grey(image)

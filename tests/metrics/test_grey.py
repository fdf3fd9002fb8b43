from __future__ import annotations

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.metrics import paper_grey
from distilfuse.metrics.grey import GREY, exact_grey, matlab_grey, rounded_grey


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


@pytest.mark.parametrize(
    ("colour", "rounded", "matlab", "exact"),
    [
        ((255, 0, 0), 76, 76, 76.245),
        ((0, 255, 0), 150, 150, 149.685),
        ((255, 255, 255), 255, 255, 255.0),
        ((7, 7, 7), 7, 7, 7.0),
        # .299 * 10 + .587 * 30 + .114 * 35 = 24.59
        ((10, 30, 35), 25, 25, 24.59),
        # .299 * 250 + .587 * 0 + .114 * 250 = 103.25; .299 * 0 + .587 * 2 + .114 * 16 = 2.998
        ((250, 0, 250), 103, 103, 103.25),
        # .299 * 1 + .587 * 3 + .114 * 65 = 9.47
        ((1, 3, 65), 9, 9, 9.47),
        # .299 * 50 + .587 * 50 + .114 * 125 = 58.55
        ((50, 50, 125), 59, 59, 58.55),
        # .299 * 250 + .587 * 250 + .114 * 125 = 235.75
        ((250, 250, 125), 236, 236, 235.75),
        # halves to even: .299 * 0 + .587 * 0 + .114 * 250 = 28.5
        ((0, 0, 250), 28, 29, 28.5),
    ],
)
def test_other_rules_by_hand(colour: tuple[int, int, int], rounded: int, matlab: int, exact: float) -> None:
    image = np.array([[colour]], np.uint8)
    assert rounded_grey(image).tolist() == [[rounded]]
    assert matlab_grey(image).tolist() == [[matlab]]
    assert exact_grey(image)[0, 0] == pytest.approx(exact, abs=1e-12)
    assert rounded_grey(image).dtype == matlab_grey(image).dtype == np.uint8


@pytest.mark.parametrize("rule", GREY)
def test_a_grey_picture_passes_unchanged(rule: str) -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert GREY[rule](image) is image


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

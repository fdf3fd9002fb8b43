from __future__ import annotations

import math

import pytest

from distilfuse.errors import InputError
from distilfuse.evaluation.detection.boxes import make_boxes


def test_boxes() -> None:
    found = make_boxes([(1, 2, 3.5, 4), (0, 0, 9, 9)], ["person", "car"], scores=[0.5, 0.25], optional=[False, True])
    assert len(found) == 2
    assert found.corners.tolist() == [[1, 2, 3.5, 4], [0, 0, 9, 9]]
    assert found.labels == ("person", "car")
    assert found.scores.tolist() == [0.5, 0.25]
    assert found.optional.tolist() == [False, True]


def test_known_boxes_are_sure_and_count() -> None:
    found = make_boxes([(1, 2, 3, 4)], ["person"])
    assert (found.scores.tolist(), found.optional.tolist()) == ([1], [False])


def test_no_boxes() -> None:
    found = make_boxes([], [])
    assert len(found) == 0
    assert found.corners.shape == (0, 4)


@pytest.mark.parametrize(
    ("corners", "labels", "scores", "said"),
    [
        ([(1, 2, 3, 4)], ["a", "b"], None, "1 boxes with 2 labels"),
        ([(1, 2, 3, 4)], ["a"], [0.1, 0.2], "and 2 scores"),
        ([(1, 2, math.nan, 4)], ["a"], None, "NaN"),
        ([(1, 2, 3, 4)], ["a"], [math.inf], "infinity"),
        ([(1, 2, 3, 4), (5, 2, 3, 4)], ["a", "b"], None, r"box \(5, 2, 3, 4\) ends before it begins"),
        ([(1, 6, 3, 4)], ["a"], None, "left, top, right, bottom"),
    ],
)
def test_refused(corners: list, labels: list, scores: list | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_boxes(corners, labels, scores=scores)

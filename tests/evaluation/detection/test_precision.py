"""Average precision on boxes small enough to work out on paper."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("pycocotools", reason="pycocotools (extra detect) is not installed")

from distilfuse.errors import MissingDependencyError
from distilfuse.evaluation.detection.boxes import Boxes, make_boxes
from distilfuse.evaluation.detection.precision import average_precision

NOTHING = make_boxes([], [])
SQUARE = (10, 10, 20, 20)
ELSEWHERE = (60, 60, 70, 70)
ONE = pytest.approx((1, 1))  # COCO divides by (right + wrong + a little)


def known(*corners: tuple[float, ...], label: str = "person") -> Boxes:
    return make_boxes(corners, [label] * len(corners))


def seen(*boxes: tuple[float, tuple[float, ...]], label: str = "person") -> Boxes:
    return make_boxes([corners for _, corners in boxes], [label] * len(boxes), scores=[score for score, _ in boxes])


def only(truth: dict[str, Boxes], found: dict[str, Boxes]) -> tuple[float, float]:
    (entry,) = average_precision(truth, found)
    return entry.ap50, entry.ap


def test_all_found_and_nothing_else() -> None:
    assert only({"a": known(SQUARE)}, {"a": seen((0.3, SQUARE))}) == ONE


def test_nothing_found() -> None:
    assert only({"a": known(SQUARE)}, {"a": NOTHING}) == (0, 0)


def test_a_surer_mistake_halves_the_precision() -> None:
    # One wrong box before the right one: precision 1/2 at every recall.
    found = {"a": seen((0.9, ELSEWHERE), (0.5, SQUARE))}
    assert only({"a": known(SQUARE)}, found) == pytest.approx((0.5, 0.5))


def test_a_less_sure_mistake_costs_nothing() -> None:
    found = {"a": seen((0.4, ELSEWHERE), (0.5, SQUARE))}
    assert only({"a": known(SQUARE)}, found) == ONE


def test_half_of_the_boxes_found() -> None:
    # Precision 1 at the recalls 0.00, 0.01, ..., 0.50: 51 of 101.
    truth = {"a": known(SQUARE, ELSEWHERE)}
    assert only(truth, {"a": seen((0.5, SQUARE))})[0] == pytest.approx(51 / 101)


def test_precision_is_made_monotonous() -> None:
    # Right, wrong, right: precision 1, 1/2, 2/3; up to recall 1/2 it is 1, beyond it 2/3.
    truth = {"a": known(SQUARE, ELSEWHERE)}
    found = {"a": seen((0.9, SQUARE), (0.8, (30, 30, 40, 40)), (0.7, ELSEWHERE))}
    assert only(truth, found)[0] == pytest.approx((51 + 50 * 2 / 3) / 101)


@pytest.mark.parametrize(
    ("right_edge", "share"),
    [
        (20.0, 1.0),
        (16.4, 0.3),  # overlap 0.64: enough for 0.50, 0.55, 0.60
        (19.7, 1.0),  # 0.97
        (15.2, 0.1),  # 0.52
        (14.9, 0.0),  # 0.49
    ],
)
def test_overlap_decides_at_which_thresholds_a_box_is_found(right_edge: float, share: float) -> None:
    ap50, ap = only({"a": known(SQUARE)}, {"a": seen((0.5, (10, 10, right_edge, 20)))})
    assert ap == pytest.approx(share)
    assert ap50 == pytest.approx(1 if share else 0)


def test_a_box_is_found_once() -> None:
    # The second of two equal boxes is a mistake, but a less sure one.
    truth = {"a": known(SQUARE), "b": known(SQUARE)}
    found = {"a": seen((0.9, SQUARE), (0.8, SQUARE)), "b": seen((0.7, SQUARE))}
    # Right, wrong, right: recall 1/2 at precision 1, then 2/3.
    assert only(truth, found)[0] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_in_another_picture_is_a_mistake() -> None:
    truth = {"a": known(SQUARE), "b": NOTHING}
    assert only(truth, {"a": NOTHING, "b": seen((0.5, SQUARE))}) == (0, 0)


def test_an_empty_picture_costs_what_is_found_in_it() -> None:
    truth = {"a": known(SQUARE), "b": NOTHING}
    found = {"a": seen((0.5, SQUARE)), "b": seen((0.9, ELSEWHERE))}
    assert only(truth, found)[0] == pytest.approx(0.5)
    assert only(truth, found | {"b": NOTHING}) == ONE


def test_mixed_up_classes_are_not_found() -> None:
    truth = {"a": make_boxes([SQUARE, ELSEWHERE], ["person", "car"])}
    swapped = {"a": make_boxes([SQUARE, ELSEWHERE], ["car", "person"], scores=[0.9, 0.8])}
    assert [(entry.label, entry.ap50) for entry in average_precision(truth, swapped)] == [("car", 0), ("person", 0)]
    right = {"a": make_boxes([SQUARE, ELSEWHERE], ["Person", "CAR"], scores=[0.9, 0.8])}
    assert [entry.ap50 for entry in average_precision(truth, right)] == pytest.approx([1, 1])


def test_a_class_that_is_never_there_counts_for_nothing() -> None:
    found = {"a": make_boxes([SQUARE, ELSEWHERE], ["person", "dog"], scores=[0.5, 0.9])}
    (entry,) = average_precision({"a": known(SQUARE)}, found)
    assert (entry.label, entry.ap50) == ("person", pytest.approx(1))


def test_optional_boxes_may_be_found_or_not() -> None:
    truth = {"a": make_boxes([SQUARE, ELSEWHERE], ["person", "person"], optional=[False, True])}
    for found in (seen((0.5, SQUARE)), seen((0.5, SQUARE), (0.9, ELSEWHERE))):
        (entry,) = average_precision(truth, {"a": found})
        assert (entry.ap50, entry.boxes) == (pytest.approx(1), 1)


def test_crowded_pictures_are_measured_to_the_last_box() -> None:
    corners = [(12.0 * (k % 15), 12.0 * (k // 15), 12.0 * (k % 15) + 10, 12.0 * (k // 15) + 10) for k in range(130)]
    scores = np.linspace(0.9, 0.1, 130)
    found = {"a": seen(*zip(scores.tolist(), corners, strict=True))}
    assert only({"a": known(*corners)}, found) == ONE


def test_no_known_box_at_all() -> None:
    assert average_precision({"a": NOTHING}, {"a": seen((0.5, SQUARE))}) == ()


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    average_precision({"a": known(SQUARE)}, {"a": seen((0.3, SQUARE))})
    assert capsys.readouterr() == ("", "")


def test_without_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[detect\]'"):
        average_precision({"a": known(SQUARE)}, {"a": NOTHING})

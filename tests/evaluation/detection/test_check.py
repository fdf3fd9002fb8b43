"""The check as a whole, with a detector of our own that finds bright blobs."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("pycocotools", reason="pycocotools (extra detect) is not installed")
pytest.importorskip("scipy", reason="SciPy (extra evaluate) is not installed")

from samples.catalogue import photograph
from samples.night_street import night_street
from samples.scene import Frames, render
from scipy import ndimage

from distilfuse.errors import InputError
from distilfuse.evaluation.baselines import BASELINES
from distilfuse.evaluation.detection.boxes import make_boxes
from distilfuse.evaluation.detection.check import Detection, DetectionCheck, DetectionScore
from distilfuse.evaluation.detection.files import HEAD, detection_rows, detection_sentences, write_detection
from distilfuse.evaluation.detection.truth import Truth

Bytes = NDArray[np.uint8]


def bright_blobs(picture: Bytes) -> list[tuple[float, float, float, float, float, str]]:
    """Connected bright pixels are people, the brighter the surer; what is as wide as high is a car."""
    grey = picture.astype(float) @ (0.299, 0.587, 0.114)
    labels, _ = ndimage.label(grey > 195)
    found = []
    for k, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        if high * wide >= 12:
            label = "person" if high > 1.2 * wide else "car"
            score = float(grey[labels == k].mean()) / 255
            found.append((columns.start, rows.start, columns.stop, rows.stop, score, label))
    return found


def drawn(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (60, 80)) -> Bytes:
    """A dark picture with bright rectangles."""
    picture = np.full((*size, 3), 20, np.uint8)
    for k, (left, top, right, bottom) in enumerate(boxes):
        picture[top:bottom, left:right] = 250 - k
    return picture


PERSON, SECOND, CAR = (10, 10, 16, 30), (30, 20, 36, 40), (50, 10, 70, 22)
TRUTH = Truth(
    {
        "a": make_boxes([PERSON, CAR], ["person", "car"]),
        "b": make_boxes([PERSON, SECOND], ["person", "person"]),
        "empty": make_boxes([], []),
    },
    unknown=("c",),
)
THERE = {"a": (PERSON, CAR), "b": (PERSON, SECOND), "empty": (), "c": (CAR,)}


def checked(*, methods: dict[str, dict[str, Bytes]], detector=bright_blobs, truth: Truth = TRUTH) -> Detection:
    check = DetectionCheck(detector, truth, methods=[name for name in methods if name not in ("visible", "infrared")])
    for method, pictures in methods.items():
        for name, picture in pictures.items():
            check.look(method, "made", name, picture)
    return check.result()


def of(detection: Detection, method: str) -> DetectionScore:
    (score,) = [score for score in detection.scores if score.method == method]
    return score


def test_sources_and_methods_alike() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    half = good | {"a": drawn(PERSON), "b": drawn(PERSON)}
    detection = checked(methods={"ours": good, "visible": half, "infrared": good})
    assert [score.method for score in detection.scores] == ["visible", "infrared", "ours"]
    for method in ("infrared", "ours"):
        score = of(detection, method)
        assert (score.pictures, score.boxes) == (3, 4)
        assert (score.ap50, score.ap) == pytest.approx((1, 1))
        assert [(entry.label, entry.boxes) for entry in score.classes] == [("car", 1), ("person", 3)]
    # No car at all; two of three people: precision 1 up to recall 2/3, so at 67 of 101 recalls.
    visible = of(detection, "visible")
    assert [entry.ap50 for entry in visible.classes] == pytest.approx([0, 67 / 101])
    assert visible.ap50 == pytest.approx(67 / 202)
    assert detection.unmeasured == ()
    assert detection.notes == ("Without known boxes, so not measured: c.",)


def test_grey_pictures_are_measured_too() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    grey = {name: picture[..., 0] for name, picture in good.items()}
    detection = checked(methods={"visible": good, "infrared": grey})
    assert of(detection, "infrared").ap50 == pytest.approx(1)


def test_fused_pictures_that_help_less_than_a_source_are_named() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    blank = {name: drawn() for name in THERE}
    detection = checked(methods={"visible": blank, "infrared": good, "ours": blank, "theirs": good})
    assert [note for note in detection.notes if "does better" in note] == [
        "made: the detector does better on infrared alone (AP50 1.000) than on ours (0.000)."
    ]


def test_an_error_of_the_detector_ends_one_picture_only() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    broken = good | {"a": drawn(PERSON, CAR, size=(60, 81))}

    def fails_on_odd_sizes(picture: Bytes) -> list:
        if picture.shape[1] == 81:
            raise ValueError("81 is no multiple of 16")
        return bright_blobs(picture)

    detection = checked(methods={"visible": good, "infrared": good, "ours": broken}, detector=fails_on_odd_sizes)
    (failure,) = detection.unmeasured
    assert (failure.method, failure.dataset, failure.name) == ("ours", "made", "a")
    assert "ValueError: 81 is no multiple of 16" in failure.reason
    # All methods are measured without that picture: two people, no car.
    for score in detection.scores:
        assert (score.pictures, score.boxes) == (2, 2)
        assert score.ap50 == pytest.approx(1)
    assert "made: measured on the 2 of 3 pictures that every method has detections for." in detection.notes


def test_a_method_that_lacks_pictures_is_measured_with_the_others_on_what_it_has() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    detection = checked(methods={"visible": good, "infrared": good, "ours": {"b": good["b"]}})
    assert {score.pictures for score in detection.scores} == {1}
    assert [(entry.method, entry.name) for entry in detection.unmeasured] == [("ours", "a"), ("ours", "empty")]


def test_a_method_without_a_single_detection_does_not_stop_the_others() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    odd = {name: drawn(size=(60, 81)) for name in THERE}

    def fails_on_odd_sizes(picture: Bytes) -> list:
        assert picture.shape[1] == 80
        return bright_blobs(picture)

    detection = checked(methods={"visible": good, "ours": odd}, detector=fails_on_odd_sizes)
    assert (of(detection, "visible").pictures, of(detection, "ours").pictures) == (3, 0)
    assert math.isnan(of(detection, "ours").ap50)
    assert len(detection.unmeasured) == 3


def test_labels_that_the_truth_never_says_are_named() -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}

    def other_words(picture: Bytes) -> list:
        return [(*box, "pedestrian" if label == "person" else "Car") for *box, label in bright_blobs(picture)]

    detection = checked(methods={"visible": good}, detector=other_words)
    assert [entry.ap50 for entry in of(detection, "visible").classes] == pytest.approx([1, 0])
    assert any("says pedestrian, which the known boxes never do (they say car, person)" in n for n in detection.notes)


def test_nothing_to_be_found_at_all() -> None:
    truth = Truth({"a": make_boxes([], [])}, unknown=())
    score = of(checked(methods={"visible": {"a": drawn(CAR)}}, truth=truth), "visible")
    assert (score.pictures, score.boxes, score.classes) == (1, 0, ())
    assert math.isnan(score.ap50)


def test_methods_named_like_a_source_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be called 'infrared'"):
        DetectionCheck(bright_blobs, TRUTH, methods=["max", "infrared"])


def test_the_detector_is_called_by_one_thread_at_a_time() -> None:
    busy = threading.Lock()

    def alone(picture: Bytes) -> list:
        assert busy.acquire(blocking=False), "two threads at once"
        time.sleep(0.005)
        busy.release()
        return bright_blobs(picture)

    check = DetectionCheck(alone, TRUTH, methods=[])
    with ThreadPoolExecutor(4) as workers:
        for source in ("visible", "infrared"):
            for name in TRUTH.boxes:
                workers.submit(check.look, source, "made", name, drawn(*THERE[name]))
    detection = check.result()
    assert detection.unmeasured == ()
    assert of(detection, "visible").ap50 == pytest.approx(1)


def test_sets_are_measured_apart() -> None:
    check = DetectionCheck(bright_blobs, TRUTH, methods=[])
    for name, boxes in THERE.items():
        check.look("visible", "made", name, drawn(*boxes))
        check.look("visible", "made/low_light@3", name, drawn(*boxes) // 4)
    clean, dark = check.result().scores
    assert (clean.dataset, dark.dataset) == ("made", "made/low_light@3")
    assert clean.ap50 == pytest.approx(1)
    assert dark.ap50 == 0


def test_table_and_files(tmp_path: Path) -> None:
    good = {name: drawn(*boxes) for name, boxes in THERE.items()}
    odd = {name: drawn(size=(60, 81)) for name in THERE}

    def fails_on_odd_sizes(picture: Bytes) -> list:
        assert picture.shape[1] == 80
        return bright_blobs(picture)

    detection = checked(methods={"visible": good, "infrared": good, "ours": odd}, detector=fails_on_odd_sizes)
    rows = detection_rows(detection)
    assert {len(row) for row in rows} == {len(HEAD)}
    assert rows[0] == ("made", "visible", "mean of classes", "1.000", "1.000", "3", "4")
    assert rows[1] == ("made", "visible", "car", "1.000", "1.000", "3", "1")
    assert rows[-1] == ("made", "ours", "mean of classes", "-", "-", "0", "0")
    assert detection_sentences(detection) == [
        "Detection on made, AP50 (AP50-95): visible 1.000 (1.000), infrared 1.000 (1.000), ours - (-)."
    ]
    assert [path.name for path in write_detection(tmp_path, detection)] == ["detection.csv", "detection.json"]
    with (tmp_path / "detection.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["method"], line["class"]) for line in lines[:3]] == [
        ("visible", ""),
        ("visible", "car"),
        ("visible", "person"),
    ]
    assert float(lines[0]["AP50"]) == pytest.approx(1)
    assert (lines[-1]["method"], lines[-1]["AP50"]) == ("ours", "")
    content = json.loads((tmp_path / "detection.json").read_text("utf-8"))
    assert content["scores"][-1]["ap50"] is None
    assert [entry["name"] for entry in content["unmeasured"]] == ["a", "b", "empty"]
    assert content["notes"] == list(detection.notes)


class Night(NamedTuple):
    """A rendered street at night: people in the dark, warm."""

    visible: Bytes
    infrared: Bytes
    frames: Frames


@pytest.fixture(scope="module")
def night() -> Night:
    scene = night_street(0)
    street = [thing for thing in scene.things if thing.label in ("road", "person")]
    scene = dataclasses.replace(scene, things=street, lamps=[])
    frames = render(scene, 160, 120, samples=1)
    return Night(*photograph(scene, frames, 0), frames)


def test_people_in_the_dark_are_found_where_they_are_warm(night: Night) -> None:
    people = night.frames.boxes("person")
    people = people[people[:, 3] - people[:, 1] > 8]
    assert len(people) == 6
    truth = Truth({"street": make_boxes(people, ["person"] * len(people))}, unknown=())
    fused = {name: BASELINES[name](night.visible, night.infrared) for name in ("max", "mean")}
    check = DetectionCheck(bright_blobs, truth, methods=list(fused))
    for method, picture in (("visible", night.visible), ("infrared", night.infrared), *fused.items()):
        check.look(method, "night", "street", picture)
    detection = check.result()
    assert of(detection, "visible").ap50 == 0
    assert of(detection, "infrared").ap50 > 0.6
    assert of(detection, "max").ap50 > 0.6
    assert of(detection, "mean").ap50 == 0, "half of the heat is below the detector's threshold"
    assert any("better on infrared alone" in note and "than on mean" in note for note in detection.notes)


def test_boxes_of_the_renderer_hold_what_is_seen_and_no_more(night: Night) -> None:
    seen = night.frames.mask("person")
    covered = np.zeros(seen.shape, bool)
    for left, top, right, bottom in night.frames.boxes("person"):
        inside = seen[top:bottom, left:right]
        assert inside[[0, -1]].any(axis=1).all()
        assert inside[:, [0, -1]].any(axis=0).all()
        covered[top:bottom, left:right] = True
    assert seen.any()
    assert not (seen & ~covered).any()
    assert night.frames.boxes("car").shape == (0, 4)

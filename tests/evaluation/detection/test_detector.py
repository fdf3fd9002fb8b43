from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.detection.boxes import Boxes, make_boxes
from distilfuse.evaluation.detection.detector import detect, load_detector

PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_function_of_a_file(folder: Path) -> None:
    (folder / "beside.py").write_text("LABEL = 'person'\n", encoding="utf-8")
    (folder / "own.py").write_text(
        "import beside\n\n\ndef find(picture):\n    return [(0, 0, picture.shape[1], 2, 0.5, beside.LABEL)]\n",
        encoding="utf-8",
    )
    found = detect(load_detector(f"{folder / 'own.py'}:find"), PICTURE)
    assert found.corners.tolist() == [[0, 0, 4, 2]]
    assert found.labels == ("person",)


def test_function_of_a_module_in_the_working_directory(folder: Path) -> None:
    (folder / "own_detectors.py").write_text(
        "class Net:\n    def find(self, picture):\n        return []\n\n\nnet = Net()\n", encoding="utf-8"
    )
    assert len(detect(load_detector("own_detectors:net.find"), PICTURE)) == 0


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("find", "write module:function"),
        ("own.py:", "write module:function"),
        ("absent.py:find", "absent.py does not exist"),
        ("own.py:seek", "own.py has no 'seek'"),
        ("own.py:NUMBER", "cannot be called"),
        ("no_such_module_of_ours:find", "ModuleNotFoundError: No module named 'no_such_module_of_ours'"),
        ("broken.py:find", "ZeroDivisionError"),
    ],
)
def test_refused(folder: Path, spec: str, said: str) -> None:
    (folder / "own.py").write_text("NUMBER = 3\n", encoding="utf-8")
    (folder / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_detector(spec)


def test_grey_pictures_are_repeated() -> None:
    seen = []
    detect(lambda picture: seen.append(picture) or [], PICTURE[..., 0])
    assert seen[0].shape == (4, 4, 3)
    assert (seen[0] == PICTURE[..., :1]).all()


def test_a_detector_may_draw_on_the_picture() -> None:
    picture = PICTURE.copy()

    def draw(picture: np.ndarray) -> list:
        picture[:] = 0
        return []

    detect(draw, picture)
    assert (picture == PICTURE).all()


def test_answers_of_every_kind() -> None:
    as_boxes = make_boxes([(1, 1, 3, 3)], ["2"], scores=[0.5])
    for answer in (as_boxes, [(1, 1, 3, 3, 0.5, "2")], [(1, 1, 3, 3, 0.5, 2)], np.array([[1, 1, 3, 3, 0.5, 2.0]])):
        found: Boxes = detect(lambda picture, answer=answer: answer, PICTURE)
        assert found.corners.tolist() == [[1, 1, 3, 3]]
        assert found.labels == ("2",)
        assert found.scores.tolist() == [0.5]
    assert len(detect(lambda picture: np.zeros((0, 6)), PICTURE)) == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "is no list"),
        (7, "is no list"),
        ([(1, 2, 3, 4, 0.5)], "is no list"),
        ([(1, 2, 3, "x", 0.5, "person")], "is no list"),
        ([(3, 2, 1, 4, 0.5, "person")], "cannot be used. The box .* ends before it begins"),
        ([(1, 2, 3, 4, float("nan"), "person")], "cannot be used. A box has NaN"),
        ([(1, 2, 3, 4, 0.5, None)], "is no list"),
    ],
)
def test_answers_that_are_no_boxes(answer: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        detect(lambda picture: answer, PICTURE)


def test_what_the_detector_raises_is_said() -> None:
    def fail(picture: np.ndarray) -> list:
        raise RuntimeError("no memory on the GPU")

    with pytest.raises(InputError, match=r"failed \(RuntimeError: no memory on the GPU\)"):
        detect(fail, PICTURE)

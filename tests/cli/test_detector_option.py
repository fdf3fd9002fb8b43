"""``distilfuse evaluate --detector``."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pycocotools", reason="pycocotools (extra detect) is not installed")
pytest.importorskip("scipy", reason="SciPy (extra evaluate) is not installed")

from distilfuse.cli.main import main

DETECTOR = """
import numpy as np


def hottest(picture):
    rows, columns = np.nonzero(picture[..., 0] > 200)
    if not rows.size:
        return []
    return [(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9, "person")]


def moody(picture):
    if picture[0, 0, 0] == 7:
        raise RuntimeError("not this one")
    return hottest(picture)
"""
PEOPLE = {"a": (10, 10, 20, 40), "b": (30, 5, 38, 35), "c": (40, 20, 50, 50)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pairs whose people are warm and cannot be seen, their boxes, and a detector."""
    rng = np.random.default_rng(1)
    for band in ("vi", "ir", "boxes"):
        (tmp_path / band).mkdir()
    for name, (left, top, right, bottom) in PEOPLE.items():
        visible = rng.integers(20, 60, (56, 64), dtype=np.uint8)
        infrared = rng.integers(20, 90, (56, 64), dtype=np.uint8)
        infrared[top:bottom, left:right] = 240
        Image.fromarray(visible).save(tmp_path / "vi" / f"{name}.png")
        Image.fromarray(infrared).save(tmp_path / "ir" / f"{name}.png")
        sides = {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}
        place = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())
        text = f"<annotation><object><name>person</name><bndbox>{place}</bndbox></object></annotation>"
        (tmp_path / "boxes" / f"{name}.xml").write_text(text, encoding="utf-8")
    (tmp_path / "own.py").write_text(DETECTOR, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    fixed = ("evaluate", "vi", "ir", "--baseline", "max", "--metrics", "EN,Qabf", "--set", "street", "-j", 2)
    monkeypatch.setattr(sys, "argv", ["distilfuse", *map(str, (*fixed, *arguments))])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def shown(said: str) -> dict[str, list[str]]:
    lines = said.split("Detection, average precision")[1].splitlines()[1:]
    return {line.split()[1]: line.split()[2:] for line in lines if line.startswith("street")}


def test_sources_and_methods_are_measured_alike(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--detector", "own.py:hottest", "--boxes", "boxes", "--baseline", "mean", "-o", "out") == 0
    said = capsys.readouterr()
    assert shown(said.out) == {
        "visible": ["person", "0.000", "0.000", "3", "3"],
        "infrared": ["person", "1.000", "1.000", "3", "3"],
        "max": ["person", "1.000", "1.000", "3", "3"],
        "mean": ["person", "0.000", "0.000", "3", "3"],
    }
    note = "street: the detector does better on infrared alone (AP50 1.000) than on mean (0.000)."
    assert note in said.err
    assert said.out.rstrip().endswith("detection.csv, detection.json")
    with (folder / "out" / "detection.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["method"], row["class"]): float(row["AP50"]) for row in csv.DictReader(file)}
    assert rows["infrared", ""] == rows["infrared", "person"] == pytest.approx(1)
    assert rows["mean", ""] == 0
    notes = json.loads((folder / "out" / "scores.json").read_text("utf-8"))["notes"]
    assert note in notes
    assert any(entry.startswith("Detection on street, AP50 (AP50-95): visible 0.000 (0.000)") for entry in notes)
    assert "Detection on street" in (folder / "out" / "report.html").read_text("utf-8")
    # Without a detector, results of the old one would belong to other scores.
    assert run(monkeypatch, "-o", "out") == 1
    assert "detection.csv" in capsys.readouterr().err
    assert run(monkeypatch, "-o", "out", "--overwrite") == 0
    assert not (folder / "out" / "detection.csv").exists()


def test_an_error_of_the_detector_is_named_and_costs_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = np.array(Image.open(folder / "vi" / "b.png"))
    picture[0, 0] = 7
    Image.fromarray(picture).save(folder / "vi" / "b.png")
    assert run(monkeypatch, "--detector", "own.py:moody", "--boxes", "boxes") == 1
    said = capsys.readouterr()
    assert "street, b, visible: The detector failed (RuntimeError: not this one)." in said.err
    assert shown(said.out)["infrared"] == ["person", "1.000", "1.000", "2", "2"]
    assert "n = 3 pairs" in said.out, "the scores are whole"


def test_degraded_inputs_are_looked_at_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--detector", "own.py:hottest", "--boxes", "boxes", "--degrade", "ir_low_contrast@5")
    assert run(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines() if line.startswith("street/ir_low_contrast@5 ")]
    assert [(line[1], line[3]) for line in lines] == [("visible", "0.000"), ("infrared", "0.000"), ("max", "0.000")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--detector", "own.py:hottest"), "--detector needs --boxes as well"),
        (("--boxes", "boxes"), "--boxes needs --detector as well"),
        (("--detector", "own.py:coldest", "--boxes", "boxes"), "own.py has no 'coldest'"),
        (("--detector", "own.py:hottest", "--boxes", "absent"), "absent does not exist"),
        (("--detector", "own.py:hottest", "--boxes", "vi"), "neither .xml nor .txt"),
    ],
)
def test_wrong_input(
    folder: Path,
    arguments: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, *arguments) == 2
    caught = capsys.readouterr()
    assert said in caught.err
    assert caught.out == ""


def test_without_pycocotools(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    assert run(monkeypatch, "--detector", "own.py:hottest", "--boxes", "boxes") == 1
    assert "pip install 'distilfuse[detect]'" in capsys.readouterr().err
    assert run(monkeypatch) == 0, "only the detection check needs it"

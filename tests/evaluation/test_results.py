from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from distilfuse.errors import OutputError
from distilfuse.evaluation.results import RESULTS, ROBUSTNESS, check_folder, definition, write_results
from distilfuse.evaluation.scores import Row, ScoreTable, read_scores
from distilfuse.evaluation.statistics import summarise


def table(*sets: str) -> ScoreTable:
    rows = tuple(
        Row(method, dataset, f"{k}", {"Qabf": value + k / 10}, None)
        for dataset in sets
        for method, value in (("max", 0.5), ("ours", 0.6))
        for k in range(3)
    )
    return ScoreTable("paper@1", ("Qabf",), rows)


def write(folder: Path, scores: ScoreTable) -> list[Path]:
    return write_results(
        folder,
        scores,
        summarise(scores),
        protocol="paper",
        problems=["vi/x.png has no infrared counterpart."],
        unscored=["vi/z.png (max on road): It broke."],
        notes=["Constant: vi/y.png."],
        sources={},
        fused=lambda method, dataset, name: None,
        title="road",
    )


def test_a_folder_of_results(tmp_path: Path) -> None:
    scores = table("road")
    written = write(tmp_path / "new" / "folder", scores)
    assert sorted(path.name for path in written) == sorted(RESULTS)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(RESULTS)
    for name in ("scores.csv", "scores.json"):
        again = read_scores(tmp_path / "new" / "folder" / name)
        assert [(row.method, row.name, row.values) for row in again.rows] == [
            (row.method, row.name, pytest.approx(dict(row.values))) for row in scores.rows
        ]
    content = json.loads((tmp_path / "new" / "folder" / "scores.json").read_text("utf-8"))
    assert content["protocol"] == "paper@1"
    assert content["protocol_definition"]["name"] == "paper"
    assert content["problems"] == ["vi/x.png has no infrared counterpart.", "vi/z.png (max on road): It broke."]
    assert content["notes"] == ["Constant: vi/y.png."]
    assert set(content["versions"]) >= {"distilfuse", "numpy", "python"}
    best = next(entry for entry in content["summary"] if entry["method"] == "ours")
    assert (best["n"], best["place"], best["p"]) == (3, 1, None)
    assert math.isclose(best["mean"], 0.7)
    text = (tmp_path / "new" / "folder" / "table.md").read_text("utf-8")
    assert "vi/x.png has no infrared counterpart." in text
    assert "Constant: vi/y.png." in text
    assert "vi/z.png" not in text  # a row of the table, which names it where it is one
    assert "vi/x.png has no infrared counterpart." in (tmp_path / "new" / "folder" / "report.html").read_text("utf-8")


def test_degraded_sets_add_tables_and_a_picture_and_leave_nothing_old(tmp_path: Path) -> None:
    write(tmp_path, table("road", "road/jpeg@3"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(RESULTS + ROBUSTNESS)
    (tmp_path / "mine.txt").touch()
    write(tmp_path, table("road"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*RESULTS, "mine.txt"))


def test_results_are_not_written_over_unasked(tmp_path: Path) -> None:
    check_folder(tmp_path, overwrite=False)
    check_folder(tmp_path / "missing", overwrite=False)
    (tmp_path / "robustness.png").touch()
    with pytest.raises(OutputError, match=r"holds results already \(robustness.png\): add --overwrite"):
        check_folder(tmp_path, overwrite=False)
    check_folder(tmp_path, overwrite=True)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="is a file"):
            check_folder(folder, overwrite=True)


def test_a_protocol_is_written_as_data() -> None:
    data = definition("paper")
    assert json.loads(json.dumps(data)) == data
    assert data["version"] == 1

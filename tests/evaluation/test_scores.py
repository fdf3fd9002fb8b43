from __future__ import annotations

import json
import math
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.errors import ConfigError, InputError, OutputError
from distilfuse.evaluation.scores import (
    Degraded,
    Row,
    ScoreTable,
    degraded_set,
    merge,
    parse_degraded_set,
    read_csv,
    read_json,
    read_scores,
    write_csv,
    write_json,
)


def row(method: str, name: str, *values: float, dataset: str = "road", problem: str | None = None) -> Row:
    return Row(method, dataset, name, dict(zip(("EN", "Qabf"), values, strict=True)), problem)


TABLE = ScoreTable(
    "paper@1",
    ("EN", "Qabf"),
    (
        row("max", "a", 7.0, 0.5),
        row("max", "b", 6.5, math.nan, problem="Qabf not defined."),
        row("ours", "a", 7.1, 0.6),
    ),
)


def same(first: ScoreTable, second: ScoreTable, *, precision: float = 1e-8) -> bool:
    return (
        (first.protocol, first.metrics) == (second.protocol, second.metrics)
        and [(r.method, r.dataset, r.name) for r in first.rows] == [(r.method, r.dataset, r.name) for r in second.rows]
        and all(
            (math.isnan(x.values[m]) and math.isnan(y.values[m]))
            or math.isclose(x.values[m], y.values[m], rel_tol=precision)
            for x, y in zip(first.rows, second.rows, strict=True)
            for m in first.metrics
        )
    )


def test_the_csv_is_what_the_documents_say(tmp_path: Path) -> None:
    write_csv(tmp_path / "scores.csv", TABLE)
    assert (tmp_path / "scores.csv").read_text("utf-8").splitlines() == [
        "method,set,name,protocol,EN,Qabf",
        "max,road,a,paper@1,7,0.5",
        "max,road,b,paper@1,6.5,",
        "ours,road,a,paper@1,7.1,0.6",
    ]


def test_csv_comes_back(tmp_path: Path) -> None:
    write_csv(tmp_path / "scores.csv", TABLE)
    again = read_scores(tmp_path / "scores.csv")
    assert same(again, TABLE)
    assert again.rows[1].problem == "scores.csv holds no value for Qabf."


def test_json_comes_back_with_problems_and_what_else_was_said(tmp_path: Path) -> None:
    table = ScoreTable("paper@1", ("EN", "Qabf"), (*TABLE.rows, row("copy", "a", math.inf, 1 / 3)))
    write_json(tmp_path / "s.json", table, about={"notes": ["one"]})
    again = read_scores(tmp_path / "s.json")
    assert same(again, table, precision=0)
    assert again.rows[1].problem == "Qabf not defined."
    content = json.loads((tmp_path / "s.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert content["notes"] == ["one"]
    assert content["rows"][1]["values"] == {"EN": 6.5, "Qabf": None}
    assert content["rows"][3]["values"]["EN"] == "inf"


# What file systems allow in names, and a byte that is no UTF-8.
NAMES = st.text(string.ascii_letters + " ,;\"'\n\\|&é漢\udcff", min_size=1)


@given(
    names=st.lists(NAMES, min_size=1, max_size=5, unique=True),
    values=st.lists(st.floats(-1e9, 1e9), min_size=5, max_size=5),
)
def test_any_name_and_number_survives_both_files(names: list[str], values: list[float]) -> None:
    rows = tuple(row("m", name, value, math.nan) for name, value in zip(names, values[: len(names)], strict=True))
    table = ScoreTable("paper@1", ("EN", "Qabf"), rows)
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder) / "s.csv", table)
        write_json(Path(folder) / "s.json", table)
        assert same(read_csv(Path(folder) / "s.csv"), table)
        assert same(read_json(Path(folder) / "s.json"), table, precision=0)


def test_a_spreadsheets_byte_order_mark_and_line_ends_do_no_harm(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", TABLE)
    text = (tmp_path / "a.csv").read_text("utf-8")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert same(read_csv(tmp_path / "b.csv"), TABLE)


@pytest.mark.parametrize(
    ("lines", "kind", "words"),
    [
        (["method,set,name,protocol,EN", "a,s,1,paper@1,7", "a,s,2,paper@2,7"], ConfigError, "paper@1 and paper@2"),
        (["method,set,name,protocol,EN", "a,s,1,paper@1,7", "a,s,1,paper@1,7"], ConfigError, "two rows for '1'"),
        (["method,set,name,protocol,ENT", "a,s,1,paper@1,7"], ConfigError, "no metric 'ENT'"),
        (["method,set,name,protocol,EN", "a,s,1,paper@1,x"], InputError, "line 2: 'x' under EN is no number"),
        (["method,set,name,protocol,EN", "a,s,1,paper@1"], InputError, "line 2: 4 cells, but the first line has 5"),
        (["method,set,name,protocol,EN"], InputError, "no rows"),
        (["name,EN", "1,7"], InputError, "no score table"),
        ([], InputError, "no score table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, lines: list[str], kind: type[Exception], words: str) -> None:
    (tmp_path / "s.csv").write_text("\n".join(lines), "utf-8")
    with pytest.raises(kind, match=words):
        read_csv(tmp_path / "s.csv")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "distilfuse scores", "format_version": 99}', "\x00"])
def test_json_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"s\.json is no score table"):
        read_json(tmp_path / "s.json")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither in"):
        read_scores(tmp_path / "s.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read_scores(tmp_path / "missing.csv")


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_csv(tmp_path / "no folder" / "s.csv", TABLE)
    assert list(tmp_path.iterdir()) == []


def test_methods_and_sets_keep_their_order() -> None:
    table = ScoreTable("paper@1", ("EN",), tuple(Row(m, s, "a", {"EN": 1.0}) for s in "zy" for m in ("b", "a")))
    assert table.methods == ("b", "a")
    assert table.datasets == ("z", "y")


def test_two_protocols_or_versions_are_never_merged() -> None:
    for other in ("standard@1", "paper@2"):
        with pytest.raises(ConfigError, match=f"protocol {other} cannot be compared with those of paper@1"):
            merge([TABLE, ScoreTable(other, ("EN", "Qabf"), (row("x", "a", 1, 1),))])


def test_merging_keeps_the_columns_that_all_have() -> None:
    other = ScoreTable("paper@1", ("Qabf", "SSIM"), (Row("theirs", "road", "a", {"Qabf": 0.4, "SSIM": 1.4}),))
    merged = merge([TABLE, other])
    assert merged.metrics == ("Qabf",)
    assert [r.values for r in merged.rows if r.method == "theirs"] == [{"Qabf": 0.4}]
    with pytest.raises(ConfigError, match="no metric in common"):
        merge([TABLE, ScoreTable("paper@1", ("SSIM",), ())])
    with pytest.raises(ConfigError, match="two rows"):
        merge([TABLE, TABLE])


def test_names_of_degraded_sets() -> None:
    assert degraded_set("roadscene", "ir_noise", 3.0) == "roadscene/ir_noise@3"
    assert degraded_set("a/b", "low_light+ir_noise", 2.5) == "a/b/low_light+ir_noise@2.5"
    assert parse_degraded_set("a/b/low_light+ir_noise@2.5") == Degraded("a/b", "low_light+ir_noise", 2.5)
    for clean in ("roadscene", "a/b", "x@3", "a/b@c"):
        assert parse_degraded_set(clean) is None

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.evaluation.published import published_tables
from distilfuse.evaluation.scores import Row, ScoreTable, write_csv
from distilfuse.metrics import find_protocol

PAPER = find_protocol("paper").label


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["distilfuse", "reproduce", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pairs that lie like MSRS."""
    rng = np.random.default_rng(5)
    for band, channels in (("vi", (3,)), ("ir", ())):
        folder = tmp_path / "data" / "msrs" / band
        folder.mkdir(parents=True)
        for name in ("00001D", "00002N", "00003D"):
            pixels = rng.integers(0, 256, (7, 8, *channels), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 56), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return tmp_path / "data"


def test_table_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = tmp_path / "earlier.csv"
    values = {"EN": 5.5, "VIF": 0.512, "Qabf": 0.4}
    write_csv(scores, ScoreTable(PAPER, tuple(values), (Row("U2Fusion", "msrs", "x", values),)))
    pictures = data / "msrs" / "vi"
    out = tmp_path / "out"
    arguments = ("table1", "--data", data, "--fused", f"IFCNN:msrs={pictures}", "--scores", scores, "-j", 1, "-o", out)
    assert run(monkeypatch, *arguments) == 0
    said = capsys.readouterr()
    assert said.err == ""
    (written,) = [line for line in said.out.splitlines() if line.startswith(str(out))]
    assert written.endswith("table1.md, table1.json, table1-scores.csv")
    msrs, m3fd = said.out.split("M3FD, its fusion pairs: ")
    assert "not the full set: 3 of 361 pairs" in msrs
    assert m3fd.startswith("nothing was scored; ")
    ours = [line.split() for line in msrs.splitlines() if line.startswith("U2Fusion")]
    assert ours == [
        ["U2Fusion", "paper", "361", "5.246", "0.512", "0.391"],
        ["U2Fusion", "scores", "1", "5.500", "(+0.254)", "0.512", "(+0.000)", "0.400", "(+0.009)", "U2Fusion"],
    ]
    content = json.loads((out / "table1.json").read_text("utf-8"))
    shown = {line.split()[0]: line.split() for line in msrs.splitlines() if " Ours-distilled" in line}
    for entry in content["sets"][0]["rows"]:
        if entry["origin"] in ("model", "baseline"):
            cells = entry["values"].values()
            figures = [text for cell in cells for text in (f"{cell['ours']:.3f}", f"({cell['difference']:+.3f})")]
            assert shown[entry["method"]] == [entry["method"], entry["origin"], "3", *figures, "Ours-distilled"]
    assert {"nano-ivif", "max", "mean"} <= shown.keys()

    assert run(monkeypatch, *arguments) == 1
    assert "add --overwrite" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, "--overwrite", "--limit", 1) == 0
    assert "limited to 1 of 3 pairs" in capsys.readouterr().out


def test_data_of_which_nothing_can_be_scored(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(monkeypatch, "table1", "--data", tmp_path / "empty") == 1
    assert capsys.readouterr().err == f"Nothing of {tmp_path / 'empty'} could be scored: see the reasons above.\n"
    for path in (data / "msrs" / "vi").iterdir():
        path.write_bytes(b"no picture")
    assert run(monkeypatch, "table1", "--data", data, "-j", 1) == 1
    assert "Nothing of" in capsys.readouterr().err


@pytest.mark.parametrize("table", published_tables())
def test_every_table_without_data(
    table: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, table) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{table}: ")
    assert "no data given (--data DIR)" in said
    assert "needs training" in said
    assert "Beware:" in said


def test_on_a_narrow_terminal_nothing_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if standard output were a terminal
    monkeypatch.setenv("COLUMNS", "60")
    assert run(monkeypatch, "table4") == 0
    said = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" not in said
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in said.splitlines()) <= 60
    for figure in ("6.695", "1.027", "0.697"):
        assert figure in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("table8",), "The paper has no 'table8': choose from table1"),
        (("table1", "--fused", "IFCNN=somewhere"), "write --fused METHOD:SET=DIR"),
        (("table1", "--fused", "A:tno=somewhere"), "table1 has no set 'tno'"),
        (("table1", "--fused", "A:msrs=x", "--fused", "A:msrs=y"), "names A:msrs twice"),
        (("table1", "--fused", "A:msrs=x"), "The pictures of A cannot be scored without those of msrs: no data given"),
        (("table1", "--scores", "absent.csv"), "absent.csv cannot be read"),
        (("table1", "--model", "nono-ivif"), "There is no model named 'nono-ivif'"),
        (("table1", "--limit", "0"), "Invalid value for '--limit'"),
    ],
)
def test_wrong_input(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert run(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err


def test_scores_of_another_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "s.csv", ScoreTable("standard@1", ("EN",), (Row("A", "msrs", "x", {"EN": 5.5}),)))
    assert run(monkeypatch, "table1", "--scores", tmp_path / "s.csv") == 2
    assert f"Scores of protocol standard@1 cannot stand beside the paper's: score the pictures in {PAPER}." in (
        capsys.readouterr().err
    )

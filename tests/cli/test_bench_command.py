"""``distilfuse bench``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distilfuse.cli.main import app
from distilfuse.errors import ConfigError

SIZES = ["--size", "64x48", "--size", "48x64", "--size", "96x64"]
ASKED = ["bench", "--model", "nano-ivif", "--backend", "onnxruntime", "--threads", "1", "--rounds", "3", *SIZES]


def test_it_measures_writes_and_finds_what_was_lost(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = CliRunner().invoke(app, [*ASKED, "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "nano-ivif" in done.output
    assert "GFLOP/s in a matrix product" in done.output
    assert "cold" in done.output
    report = json.loads(out.read_text())
    assert [(case["width"], case["height"]) for case in report["cases"]] == [(64, 48), (48, 64), (96, 64)]
    assert out.with_suffix(".png").is_file()
    case = report["cases"][1]  # as if it had been a hundred times as fast once
    case["least_ms"], case["median_ms"] = case["least_ms"] / 100, case["median_ms"] / 100
    out.write_text(json.dumps(report))
    done = CliRunner().invoke(app, [*ASKED, "--check", str(out)])
    assert done.exit_code == 1
    assert "nano-ivif on onnxruntime, 48x64" in done.output


def test_a_backend_that_cannot_load_a_model_is_left_out_unless_it_was_named(project: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is the backend that cannot load it")
    model = str(project / "tests/assets/maximum-luminance.json")
    words = ["bench", "-m", model, "-t", "1", "--rounds", "3", "--size", "32x16"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "maximum-luminance" in done.output
    assert "Left out" in done.output
    assert "on torch at 32x16" in done.output
    done = CliRunner().invoke(app, [*words, "-b", "torch"])
    assert done.exit_code != 0
    assert isinstance(done.exception, ConfigError)


def test_two_runs_that_cannot_be_compared_are_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bench.json"
    cases = [{"method": "nano-ivif", "backend": "abacus", "width": 64, "height": 48, "threads": 1, "batch": 1}]
    out.write_text(json.dumps({"schema": 1, "cases": cases}))
    monkeypatch.setattr("distilfuse.evaluation.speed.running.measure", lambda *arguments, **options: 1 / 0)
    done = CliRunner().invoke(app, [*ASKED, "--check", str(out)])
    assert "fewer than three cases in common" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--size", "640"], "like 640x480"),
        (["--batch", "0"], "at least 1 pair"),
        (["--backend", "abacus"], "no backend named"),
        (["--model", "nano-ivf"], "nano-ivif"),
        (["--check", "missing.json"], "cannot be read"),
        (["-o", "missing/bench.json"], "no folder"),
        (["-o", "bench.txt"], "does not end in .json"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    from distilfuse.errors import DistilfuseError

    done = CliRunner().invoke(app, ["bench", *words])
    assert isinstance(done.exception, DistilfuseError)
    assert said in str(done.exception)

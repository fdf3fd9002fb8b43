"""A training table again, in miniature: trained, scored and put beside the paper's figures by the real command."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.errors import ConfigError, ModelError
from distilfuse.evaluation.published import published_table
from distilfuse.training.experiment import experiment_stages
from distilfuse.training.recipe import find_recipe, load_stages
from distilfuse.training.trained import load_trained

SMALL = {"kind": "nano", "width": 8, "deep_width": 8, "gauge_width": 4}
RECIPE = {
    "card": {"summary": "A toy.", "data_terms": "None."},
    "data": {"sets": [{"name": "toy"}], "crop": 48, "batch": 2},
    "objective": {"intensity": 12.0, "signed_gradient": 20.0},
    "optimiser": {"lr": 2.0e-3, "warmup": 3},
    "steps": 1000000,
    "validation_pairs": 0,
    "network": SMALL,
    "stages": {
        "teacher": {
            "name": "teacher",
            "network": {**SMALL, "text_channels": 32},
            "text": {"encoder": "events", "captions": "none"},
        },
        "base": {"name": "base"},
        "all": {"name": "base-feat-res", "distillation": {"teacher": "teacher"}},
    },
}


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["distilfuse", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "small7.yaml"
    path.write_text(yaml.safe_dump(RECIPE, sort_keys=False))
    return path


@pytest.fixture
def msrs(data: Path) -> Path:
    """Two pairs of a test set beside the toy one."""
    rng = np.random.default_rng(3)
    for band, channels in (("vi", (3,)), ("ir", ())):
        (data / "msrs" / band).mkdir(parents=True)
        for name in ("00001D", "00002N"):
            pixels = rng.integers(0, 256, (7, 8, *channels), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 56), Image.Resampling.BICUBIC).save(
                data / "msrs" / band / f"{name}.png"
            )
    return data / "msrs"


def test_rows_are_trained_under_one_budget_and_stand_beside_the_papers(
    data: Path,
    msrs: Path,
    recipe_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    words = ("reproduce", "table7", "--data", data, "--recipe", recipe_file, "--minutes", 0.02)
    words += ("--runs", tmp_path / "runs", "-j", 1, "-o", out)
    assert run(monkeypatch, *words) == 0
    assert "3 trainings of 0.02 minutes each" in capsys.readouterr().err
    content = json.loads((out / "table7.json").read_text("utf-8"))
    rows = {row["method"]: row for row in content["sets"][0]["rows"]}
    assert rows.keys() == {"L_base", "L_base + L_feat + L_res"}
    assert [absent["method"] for absent in content["sets"][0]["absent"]] == ["L_base + L_res"]
    for method, row in rows.items():
        assert (row["origin"], row["pairs"], row["stands_for_it"]) == ("training", 2, True)
        assert row["values"]["Qabf"]["published"] == published_table("table7").row(method).values["msrs", "Qabf"]
        assert 0 < row["values"]["Qabf"]["ours"] < 1
        assert re.fullmatch(r"Trained here for 0.02 minutes: \d+ steps of 2 crops.", row["notes"][0])
    # What is trained is not trained again.
    before = (tmp_path / "runs" / "base" / "base.safetensors").stat().st_mtime_ns
    assert run(monkeypatch, *words, "--overwrite") == 0
    assert (tmp_path / "runs" / "base" / "base.safetensors").stat().st_mtime_ns == before


def test_a_trained_teacher_is_scored_with_and_without_its_words(
    data: Path, msrs: Path, recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    words = (
        "train",
        recipe_file,
        "--data",
        data,
        "-o",
        runs,
        "--steps",
        4,
        "--stage",
        "teacher",
        "--accelerator",
        "cpu",
    )
    assert run(monkeypatch, *words) == 0
    weights = runs / "teacher" / "teacher.safetensors"
    out = tmp_path / "out"
    words = ("evaluate", msrs / "vi", msrs / "ir", "--set", "msrs", "--trained", weights, "--degrade", "ir_noise@3")
    assert run(monkeypatch, *words, "--embeddings", tmp_path / "e", "--metrics", "EN,Qabf", "-j", 1, "-o", out) == 0
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    value = {(row["method"], row["set"], row["name"]): float(row["EN"]) for row in rows}
    assert {method for method, _, _ in value} == {"teacher", "teacher told"}
    # Nothing is said of clean pairs in this run, and something of degraded ones.
    assert value["teacher", "msrs", "00001D"] == value["teacher told", "msrs", "00001D"]


def test_what_cannot_be_trained_or_read_is_said(
    data: Path, recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="table1 compares methods"):
        experiment_stages(published_table("table1"), None, 1.0)
    with pytest.raises(ConfigError, match="trains no row of table5: call its models concatenation"):
        experiment_stages(published_table("table5"), str(recipe_file), 1.0)
    stages = experiment_stages(published_table("table7"), None, 2.0)
    assert [stage.minutes for stage in stages.values()] == [2.0] * 4
    assert run(monkeypatch, "reproduce", "table7", "--minutes", 1) == 2
    assert "needs --minutes N and --data DIR" in capsys.readouterr().err
    words = (
        "reproduce",
        "table7",
        "--recipe",
        recipe_file,
        "--minutes",
        1,
        "--data",
        data,
        "--runs",
        tmp_path / "runs",
    )
    assert run(monkeypatch, *words) == 2
    assert "no pairs to score the rows of table7 on" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be read"):
        load_trained(tmp_path / "w.safetensors")


def test_weights_beside_the_package_are_of_stages_of_packaged_recipes(project: Path) -> None:
    files = sorted((project / "weights").glob("*.safetensors"))
    assert files
    stages = [stage for path in find_recipe("smoke").parent.glob("*.yaml") for stage in load_stages(path).values()]
    for path in files:
        trained = load_trained(path)
        assert path.stem == trained.name
        assert trained.network.config in [stage.network for stage in stages if stage.name == trained.name]
        assert path.stat().st_size < 5_000_000

"""The loop: it learns, resumes exactly, and survives being killed."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from distilfuse.errors import ConfigError, DistilfuseError, ModelError
from distilfuse.training.loop import learning_rate, train
from distilfuse.training.recipe import Recipe
from distilfuse.training.settings import OptimiserConfig, SteadinessConfig


def losses(out: Path) -> dict[int, float]:
    return scalars(out, "loss")


def scalars(out: Path, name: str) -> dict[int, float]:
    events = EventAccumulator(str(out / "events"), size_guidance={"scalars": 0})
    events.Reload()
    return {event.step: event.value for event in events.Scalars(name)}


def run(recipe: Recipe, data: Path, out: Path, **options: object) -> Path:
    return train(recipe, data=data, out=out, accelerator="cpu", **options)  # type: ignore[arg-type]


def test_a_run_that_was_stopped_gives_the_losses_of_an_unbroken_one(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    whole = run(recipe, data, tmp_path / "whole")
    assert run(recipe, data, tmp_path / "parts", stop_after=5).name == "last.safetensors"
    assert run(recipe, data, tmp_path / "parts", stop_after=2, workers=1).name == "last.safetensors"
    parts = run(recipe, data, tmp_path / "parts")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert len(losses(tmp_path / "whole")) == recipe.steps
    first, second = load_file(whole), load_file(parts)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_training_lowers_the_loss_on_what_it_sees(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    longer = dataclasses.replace(recipe, steps=60, validate_every=60, checkpoint_every=60)
    run(longer, data, tmp_path / "run")
    values = list(losses(tmp_path / "run").values())
    assert sum(values[-15:]) < 0.9 * sum(values[:15])


def test_flicker_is_noted_where_it_counts(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    run(dataclasses.replace(recipe, steadiness=SteadinessConfig(weight=1.0)), data, tmp_path / "run", stop_after=3)
    assert len(scalars(tmp_path / "run", "terms/steadiness")) == 3


def test_validation_is_recorded_clean_varied_and_degraded(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    run(recipe, data, tmp_path / "run")
    with (tmp_path / "run" / "validation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["6", "12"]
    assert {"toy/Qabf", "varied/VIF", "ir_noise@3/Qabf", "degraded/Qabf"} <= rows[0].keys()
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())


def test_a_log_shows_how_far_a_run_has_come(
    recipe: Recipe, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(dataclasses.replace(recipe, validate_every=100), data, tmp_path / "run", stop_after=9)
    told = [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("step")]
    assert [line.split(":")[0] for line in told] == ["step 4 of 12", "step 8 of 12"]


def test_a_checkpoint_of_another_recipe_is_refused(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    run(recipe, data, tmp_path / "run", stop_after=1)
    other = dataclasses.replace(recipe, seed=1)
    with pytest.raises(ConfigError, match="another recipe"):
        run(other, data, tmp_path / "run")


def test_a_damaged_checkpoint_is_refused(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    run(recipe, data, tmp_path / "run", stop_after=1)
    last = tmp_path / "run" / "last.safetensors"
    last.write_bytes(last.read_bytes()[:200])
    with pytest.raises(ModelError, match="cannot be read"):
        run(recipe, data, tmp_path / "run")


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_checkpoint(
    recipe: Recipe, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, data, tmp_path / "run", stop_after=4)
    before = (tmp_path / "run" / "last.safetensors").read_bytes()
    monkeypatch.setitem(
        __import__("distilfuse.losses.objective", fromlist=["TERMS"]).TERMS,
        "intensity",
        lambda fused, visible, infrared: fused.sum() * math.nan,
    )
    with pytest.raises(DistilfuseError, match="The loss is nan at step 5"):
        run(recipe, data, tmp_path / "run")
    assert (tmp_path / "run" / "last.safetensors").read_bytes() == before


def test_a_killed_process_leaves_a_checkpoint_to_go_on_from(data: Path, tmp_path: Path) -> None:
    """SIGTERM, as schedulers send it, saves; what is on disk is whole at any time."""
    out = tmp_path / "run"
    code = f"""
from pathlib import Path
from distilfuse.training.loop import train
from distilfuse.training.recipe import recipe_from_dict
recipe = recipe_from_dict({{
    "name": "toy", "card": {{"summary": "", "data_terms": ""}},
    "network": {{"kind": "nano", "width": 8, "deep_width": 8}},
    "data": {{"sets": [{{"name": "toy"}}], "crop": 48, "batch": 1}}, "objective": {{"intensity": 1.0}},
    "steps": 100000, "checkpoint_every": 3, "validate_every": 100000}})
train(recipe, data=Path({str(data)!r}), out=Path({str(out)!r}), accelerator="cpu")
"""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (out / "last.safetensors").is_file():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert load_file(out / "last.safetensors")
    assert not list(out.glob(".*.part"))


def test_learning_rate_warms_up_and_falls_to_its_end_in_steps() -> None:
    config = OptimiserConfig(lr=1.0, final_lr=0.1, warmup=10)
    rates = [learning_rate(config, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx((1.0 + 0.1) / 2)
    assert rates[100] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


@pytest.mark.slow
def test_two_processes_train_one_model(data: Path, tmp_path: Path) -> None:
    """Data-parallel on two CPU processes, as on two GPUs: one result, each batch seen once."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, json\n"
        "from pathlib import Path\n"
        "from distilfuse.training.loop import train\n"
        "from distilfuse.training.recipe import recipe_from_dict\n"
        "recipe = recipe_from_dict(json.loads(Path(sys.argv[1]).read_text()))\n"
        "train(recipe, data=Path(sys.argv[2]), out=Path(sys.argv[3]), accelerator='cpu', devices=sys.argv[4])\n"
    )
    recipe = {
        "name": "toy",
        "card": {"summary": "", "data_terms": ""},
        "network": {"kind": "nano", "width": 8, "deep_width": 8, "gauge_width": 4},
        "data": {"sets": [{"name": "toy"}], "crop": 48, "batch": 2},
        "objective": {"intensity": 12.0, "structure": 2.0},
        "steps": 6,
        "checkpoint_every": 3,
        "validate_every": 6,
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    command = [sys.executable, str(script), str(tmp_path / "recipe.json"), str(data), str(tmp_path / "run"), "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(losses(tmp_path / "run")) == [1, 2, 3, 4, 5, 6]
    assert load_file(tmp_path / "run" / "toy.safetensors")

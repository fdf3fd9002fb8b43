"""README's way from a recipe to a fused picture, on the real data sets, in two steps of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distilfuse.cli.main import main
from distilfuse.training.recipe import find_recipe


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["distilfuse", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_train_export_fuse(shared_data: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "nano-ivif.yaml"
    text = find_recipe("nano-ivif").read_text()
    recipe.write_text(text + "validation_pairs: 1\n")
    out = tmp_path / "run"
    options = ("--data", shared_data, "-o", out, "--steps", 2, "--accelerator", "cpu", "--stage", "nano-l")
    assert run(monkeypatch, "train", recipe, *options) == 0
    assert run(monkeypatch, "export", recipe, out / "nano-l" / "nano-l-ivif.safetensors", "-o", tmp_path / "zoo") == 0
    record = tmp_path / "zoo" / "nano-l-ivif.json"
    assert json.loads(record.read_text())["training_data"] == ["roadscene/train", "llvip/train"]
    samples = project / "src" / "distilfuse" / "samples"
    pair = (samples / "ct-mri_visible.png", samples / "ct-mri_infrared.png")
    assert run(monkeypatch, "fuse", *pair, "-o", tmp_path / "f.png", "--model", record) == 0
    assert (tmp_path / "f.png").is_file()


@pytest.mark.parametrize(
    ("recipe", "data", "message"),
    [
        ("missing.yaml", ".", "missing.yaml cannot be read"),
        ("nono-ivif", ".", "No recipe 'nono-ivif' comes with distilfuse: choose from"),
        ("nano-ivif", "nowhere", "check the path of the data set"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(
    recipe: str,
    data: str,
    message: str,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    words = ("train", recipe, "--data", tmp_path / data, "-o", out, "--accelerator", "cpu")
    assert run(monkeypatch, *words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert message in " ".join(said)
    assert "Traceback" not in " ".join(said)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_export_refuses_what_is_no_checkpoint(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"not tensors")
    recipe = "nano-ivif"
    assert run(monkeypatch, "export", recipe, weights, "-o", tmp_path / "zoo") == 2
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "zoo").exists()


def test_the_smoke_recipe_runs_all_stages(
    shared_data: Path,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = "smoke"
    out = tmp_path / "run"
    options = ("--data", shared_data, "-o", out, "--accelerator", "cpu", "--minutes", 1.5)
    assert run(monkeypatch, "train", recipe, *options) == 0
    results = [out / stage / f"smoke-{stage}.safetensors" for stage in ("teacher", "student", "nano")]
    assert all(path.is_file() for path in results)
    assert capsys.readouterr().out.count("Averaged weights") == 3
    assert run(monkeypatch, "export", recipe, results[2], "-o", tmp_path / "zoo") == 0
    assert (tmp_path / "zoo" / "smoke-nano.onnx").is_file()
    assert run(monkeypatch, "train", recipe, *options, "--stage", "tutor") == 2
    assert "no stage 'tutor': choose from teacher, student, nano, all" in capsys.readouterr().err


def test_every_option_reaches_the_run(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that does nothing is worse than none."""
    given: dict[str, object] = {}

    def remember(stages: object, chosen: object, **options: object) -> dict[str, Path]:
        given.update(options, chosen=chosen, stages=stages)
        return {}

    monkeypatch.setattr("distilfuse.training.stages.train_stages", remember)
    words = ["--stage", "nano", "--minutes", "9", "--steps", "7", "--precision", "bf16-mixed", "--teacher", "t.st"]
    words += ["--start", "s.st"]
    words += ["--embeddings", "e", "--accelerator", "cpu", "--devices", "2", "--compile", "--workers", "3"]
    recipe = "smoke"
    assert run(monkeypatch, "train", recipe, "--data", tmp_path, "-o", tmp_path / "o", *words) == 0
    stages = given.pop("stages")
    assert [(r.minutes, r.steps, r.precision) for r in stages.values()] == [(3.0, 7, "bf16-mixed")] * 3  # type: ignore[attr-defined]
    assert given == {
        "chosen": ("nano",),
        "data": tmp_path,
        "out": tmp_path / "o",
        "teacher": Path("t.st"),
        "start": Path("s.st"),
        "cache": Path("e"),
        "accelerator": "cpu",
        "devices": "2",
        "compiled": True,
        "workers": 3,
    }

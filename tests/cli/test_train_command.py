"""README's way from a recipe to a fused picture, on the real data sets, in two steps of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distilfuse.cli.main import main


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["distilfuse", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_train_export_fuse(shared_data: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "nano-ivif.yaml"
    text = (project / "recipes" / "nano-ivif.yaml").read_text()
    recipe.write_text(text + "validation_pairs: 1\n")
    out = tmp_path / "run"
    options = ("--data", shared_data, "-o", out, "--steps", 2, "--accelerator", "cpu")
    assert run(monkeypatch, "train", recipe, *options) == 0
    assert run(monkeypatch, "export", recipe, out / "nano-ivif.safetensors", "-o", tmp_path / "zoo") == 0
    record = tmp_path / "zoo" / "nano-ivif.json"
    assert json.loads(record.read_text())["training_data"] == ["roadscene/train", "llvip/train"]
    samples = project / "src" / "distilfuse" / "samples"
    pair = (samples / "ct-mri_visible.png", samples / "ct-mri_infrared.png")
    assert run(monkeypatch, "fuse", *pair, "-o", tmp_path / "f.png", "--model", record) == 0
    assert (tmp_path / "f.png").is_file()


@pytest.mark.parametrize(
    ("recipe", "data", "message"),
    [
        ("missing.yaml", ".", "missing.yaml cannot be read"),
        ("nano-ivif.yaml", "nowhere", "check the path of the data set"),
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
    words = ("train", project / "recipes" / recipe, "--data", tmp_path / data, "-o", out, "--accelerator", "cpu")
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
    recipe = project / "recipes" / "nano-ivif.yaml"
    assert run(monkeypatch, "export", recipe, weights, "-o", tmp_path / "zoo") == 2
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "zoo").exists()

"""A quantised model is chosen by what it loses, refused when that is too much, and used like any other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from distilfuse import Fuser
from distilfuse.errors import ConfigError, ModelError, OutputError
from distilfuse.export.judging import losses, refuse_beyond, worst
from distilfuse.export.quantized_release import quantize, time_beside, write_quantized
from distilfuse.export.release import release
from distilfuse.nets import build
from distilfuse.training.checkpoint import write_tensors
from distilfuse.training.recipe import recipe_from_dict
from distilfuse.zoo import load_record


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A released model with random weights, and the folder with the pictures it was not trained on."""
    root = tmp_path_factory.mktemp("toy")
    rng = np.random.default_rng(0)
    for kind in ("vi", "ir"):
        (root / "toy" / kind).mkdir(parents=True)
        for k in range(14):  # the fifth and the fourteenth are for validation
            coarse = rng.integers(0, 256, (8, 10), np.uint8)
            picture = Image.fromarray(coarse).resize((80, 64), Image.Resampling.BICUBIC)
            picture.save(root / "toy" / kind / f"{k:02}.png")
    recipe = recipe_from_dict(
        {
            "name": "toy",
            "card": {"summary": "A toy.", "data_terms": "None."},
            "network": {"kind": "nano", "width": 16, "deep_width": 16, "gauge_width": 8},
            "data": {"sets": [{"name": "toy"}]},
            "objective": {"intensity": 1.0},
            "steps": 1,
        }
    )
    torch.manual_seed(0)
    network = build(recipe.network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    weights = root / "toy.safetensors"
    write_tensors(weights, network.state_dict(), {"recipe": recipe.to_json()})
    release(recipe, weights, root / "models", file="toy")
    return str(root / "models" / "toy.json"), root


def test_a_choice_is_searched_within_the_budget_and_the_files_are_a_model(
    toy: tuple[str, Path], tmp_path: Path
) -> None:
    name, root = toy
    told: list[tuple[int, int, str]] = []
    made = quantize(name, root, pairs=2, budget=5, told=lambda *step: told.append(step))
    assert worst(made.before, made.after) <= 5
    assert made.chosen
    assert {*made.chosen} & {*made.kept} == set()
    assert {one.name for one in made.chosen} <= made.alone.keys()
    assert {condition for condition, _ in made.before} == {"clean", "degraded"}
    assert {metric for _, metric in made.before} == {"Qabf", "VIF", "SSIM"}
    assert all(0 <= done <= total for done, total, _ in told)
    assert "deep.0.main alone" in [following for _, _, following in told]

    path = write_quantized(made, name, tmp_path / "new" / "folder")
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "toy-int8.gauge.onnx",
        "toy-int8.json",
        "toy-int8.onnx",
    ]
    record = load_record(path)
    content = (path.parent / record.file).read_bytes()
    assert (record.sha256, record.size) == (hashlib.sha256(content).hexdigest(), len(content))
    rng = np.random.default_rng(1)
    visible, infrared = rng.integers(0, 256, (53, 61, 3), np.uint8), rng.integers(0, 256, (53, 61), np.uint8)
    fused = Fuser.from_pretrained(str(path), threads=1)(visible, infrared)
    plain = Fuser.from_pretrained(name, threads=1)(visible, infrared)
    assert fused.shape == plain.shape
    assert np.abs(fused.astype(int) - plain.astype(int)).mean() < 3
    with pytest.raises(ModelError, match="use another backend, onnxruntime for one"):
        Fuser.from_pretrained(str(path), backend="torch")  # whose network is one of floats


def test_the_gauge_is_used_on_parts_of_large_pictures(
    toy: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, root = toy
    made = quantize(name, root, pairs=1, budget=100, keep=["stem", "head"])
    path = write_quantized(made, name, tmp_path)
    rng = np.random.default_rng(1)
    visible, infrared = rng.integers(0, 256, (200, 240), np.uint8), rng.integers(0, 256, (200, 240), np.uint8)
    whole = Fuser.from_pretrained(str(path), threads=1)(visible, infrared)
    monkeypatch.setattr("distilfuse.fuser.model.WHOLE", 1)
    monkeypatch.setattr("distilfuse.fuser.model.TILE", 64)
    tiles = Fuser.from_pretrained(str(path), threads=1)(visible, infrared)
    assert np.abs(whole.astype(int) - tiles.astype(int)).max() <= 2


def test_what_is_kept_is_said_and_stays(toy: tuple[str, Path]) -> None:
    name, root = toy
    made = quantize(name, root, pairs=1, budget=100, keep=["head", "node_conv2d"])
    assert sorted(one.weight for one in made.kept) == ["head", "stem"]
    assert made.alone == {}


def test_a_result_that_loses_too_much_is_refused(toy: tuple[str, Path]) -> None:
    name, root = toy
    with pytest.raises(ModelError, match=r"toy-int8 changes the scores .* Qabf clean [+-]\d\.\d+ %.*nothing was writ"):
        quantize(name, root, pairs=1, budget=-100, keep=["head"])
    with pytest.raises(ModelError, match=r"No convolution can be quantised within -100 %.*deep\.0\.main .* %"):
        quantize(name, root, pairs=1, budget=-100)


def test_convolutions_that_are_not_there_are_refused(toy: tuple[str, Path]) -> None:
    name, root = toy
    with pytest.raises(ConfigError, match=r"no convolution 'tail' to keep: choose from stem, gauge\.energy"):
        quantize(name, root, pairs=1, keep=["head", "tail"])
    everything = ["stem", "gauge.energy", "gauge.threshold", "down", "up", "head"]
    everything += [f"{part}.{k}.main" for part in ("deep", "detail") for k in (0, 1)]
    with pytest.raises(ConfigError, match="leave at least one"):
        quantize(name, root, pairs=1, keep=everything)


def test_a_folder_that_cannot_be_made(toy: tuple[str, Path], tmp_path: Path) -> None:
    name, root = toy
    made = quantize(name, root, pairs=1, budget=100, keep=["head"])
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        write_quantized(made, name, tmp_path / "file" / "folder")


def test_losses_are_relative_and_gains_do_not_count() -> None:
    before = {("clean", "VIF"): 0.8, ("degraded", "VIF"): 0.5}
    after = {("clean", "VIF"): 0.796, ("degraded", "VIF"): 0.6}
    assert losses(before, after) == pytest.approx({("clean", "VIF"): 0.5, ("degraded", "VIF"): -20})
    assert worst(before, after) == pytest.approx(0.5)
    refuse_beyond(0.51, "m", before, after)
    with pytest.raises(ModelError, match=r"VIF clean -0\.50 %, VIF degraded \+20\.00 %"):
        refuse_beyond(0.49, "m", before, after)
    assert worst(before, {key: float("nan") for key in before}) == 100


def test_times_are_of_all_on_all(toy: tuple[str, Path]) -> None:
    name, _ = toy
    content = Path(name).with_suffix(".onnx").read_bytes()
    times = time_beside({"a": content, "b": content}, rounds=3)
    assert {label for label, _ in times} == {"a", "b"}
    assert all(0 < timed.least <= timed.median and timed.processor > 0 for timed in times.values())


@pytest.mark.slow
def test_the_released_model_stays_within_half_a_percent(shared_data: Path) -> None:
    keep = ["stem", "gauge.energy", "gauge.threshold", "down", "up", "head"]
    made = quantize("nano-ivif", shared_data, pairs=6, keep=keep)
    assert worst(made.before, made.after) <= 0.5

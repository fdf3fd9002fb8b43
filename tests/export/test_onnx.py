"""Export: what ONNX Runtime computes is what PyTorch computes, at any size."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from distilfuse import Fuser
from distilfuse.errors import ConfigError, ModelError
from distilfuse.export import onnx as exporting
from distilfuse.export.release import release
from distilfuse.nets import build, config_from_dict
from distilfuse.training.checkpoint import write_tensors
from distilfuse.training.recipe import Recipe, recipe_from_dict

CONFIGS = {
    "nano": {"kind": "nano", "width": 16, "deep_width": 16, "gauge_width": 8},
    "small-student": {
        "kind": "student",
        "channels": 4,
        "blocks": [1, 1],
        "refinement": 1,
        "channel_heads": [1, 2],
        "spatial_heads": [1, 2],
        "head_dim": 4,
        "window": 4,
        "overlap_window": 6,
    },
    "student": {"kind": "student"},
}
CONFIGS["small-reduced-student"] = CONFIGS["small-student"] | {"reduction": 2}


def scrambled(kind: str) -> nn.Module:
    """A network whose every weight counts (fresh ones have zeros at the end)."""
    torch.manual_seed(0)
    network = build(config_from_dict(CONFIGS[kind]))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def recipe(kind: str) -> Recipe:
    return recipe_from_dict(
        {
            "name": f"{kind}-toy",
            "card": {"summary": "A toy.", "data_terms": "None."},
            "network": CONFIGS[kind],
            "data": {"sets": [{"name": "roadscene"}]},
            "objective": {"intensity": 1.0},
            "steps": 1,
        }
    )


@pytest.mark.parametrize(
    "kind", ["nano", "small-student", "small-reduced-student", pytest.param("student", marks=pytest.mark.slow)]
)
def test_ten_sizes_agree_and_the_released_model_fuses_any_size(kind: str, tmp_path: Path) -> None:
    network = scrambled(kind)
    chosen = recipe(kind)
    weights = tmp_path / "run.safetensors"
    write_tensors(weights, network.state_dict(), {"recipe": chosen.to_json()})
    record, worst = release(chosen, weights, tmp_path, file="family", scores={"toy": {"EN": 1.0}})
    assert worst <= 1e-3
    assert len(set(exporting.SIZES)) == 10
    path = tmp_path / f"{kind}-toy.onnx"
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record.size == path.stat().st_size
    assert record.recipe == "family"  # the file, which need not bear the model's name
    assert str(Path(exporting.__file__).parents[1]).encode() not in path.read_bytes()  # no path of this machine

    # From the outside: the Fuser on the ONNX file and the network agree to a grey level, at an awkward size.
    fuser = Fuser.from_pretrained(str(tmp_path / f"{kind}-toy.json"))
    rng = np.random.default_rng(1)
    visible, infrared = rng.random((37, 51, 1), np.float32), rng.random((37, 51), np.float32)
    grey = np.repeat(visible, 3, axis=2)
    with torch.no_grad():
        expected = network.eval()(
            torch.from_numpy(grey).permute(2, 0, 1)[None], torch.from_numpy(infrared)[None, None]
        ).clamp(0, 1)[0]
    luminance = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1).mul(expected).sum(0)
    fused = fuser(visible[..., 0], infrared)
    if kind == "nano":  # the student pads to another multiple outside than inside, which its channel part sees
        assert np.abs(fused - luminance.numpy()).max() < 4e-3
    assert fused.shape == (37, 51)
    if kind != "nano":
        assert record.colour == {}
        return

    # In 8-bit colours, with which the file beside it comes in.
    beside = tmp_path / "nano-toy.colour.onnx"
    assert record.colour == {"file": beside.name, "sha256": hashlib.sha256(beside.read_bytes()).hexdigest()}
    assert str(Path(exporting.__file__).parents[1]).encode() not in beside.read_bytes()
    colours, heat = rng.integers(0, 256, (37, 51, 3), np.uint8), rng.integers(0, 256, (37, 51), np.uint8)
    with torch.no_grad():
        planes = torch.from_numpy(colours).permute(2, 0, 1)[None] / 255
        moved = network(planes, torch.from_numpy(heat)[None, None] / 255)[0].permute(1, 2, 0).numpy()
    inside = ((moved >= 0) & (moved <= 1)).all(axis=2)
    assert inside.mean() > 0.1
    assert np.abs(255 * moved - fuser(colours, heat))[inside].max() < 0.53  # rounding, and a 64th of a level


def test_a_network_in_colour_that_computes_differently_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "parity", lambda *arguments, **options: 255.0)
    with pytest.raises(ModelError, match="differs from PyTorch"):
        exporting.export_in_colour(scrambled("nano"), tmp_path / "m.onnx")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_computes_differently_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "parity", lambda *arguments, **options: 0.5)
    with pytest.raises(ModelError, match="differs from PyTorch"):
        exporting.export_onnx(scrambled("nano"), tmp_path / "m.onnx")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "run.safetensors"
    write_tensors(weights, scrambled("nano").state_dict(), {"recipe": recipe("nano").to_json()})
    with pytest.raises(ConfigError, match="another network"):
        release(recipe("student"), weights, tmp_path, file="s.yaml")


def test_merging_changes_nothing() -> None:
    network = scrambled("nano").eval()
    visible, infrared = torch.rand(1, 3, 21, 34), torch.rand(1, 1, 21, 34)
    with torch.no_grad():
        before = network(visible, infrared)
        after = network.merge()(visible, infrared)
    assert torch.allclose(before, after, atol=1e-5)

"""``distilfuse quantize``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from distilfuse import Fuser
from distilfuse.cli.main import app
from distilfuse.errors import DistilfuseError, ModelError

KEEP = ["stem", "gauge.energy", "gauge.threshold", "down", "up", "detail.0.main", "detail.1.main", "head"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that stand for the two sets of nano-ivif: those that the lists name are drawn, small."""
    from distilfuse.datasets.splits import listed_pairs

    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name in ("roadscene", "llvip"):
        for pair in listed_pairs(name):
            for file in (pair.visible, pair.infrared):
                path = root / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                coarse = Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8))
                coarse.resize((48, 48), Image.Resampling.BICUBIC).save(path)
    return root


def asked(data: Path, out: Path, *more: str) -> list[str]:
    return ["quantize", "nano-ivif", "--data", str(data), "-o", str(out), "--pairs", "1", *more]


def test_it_measures_writes_and_prints(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distilfuse.export import quantized_release

    monkeypatch.setattr(quantized_release, "_SIZE", (48, 64))
    keep = [word for name in KEEP for word in ("--keep", name)]
    done = CliRunner().invoke(app, asked(data, tmp_path, *keep))
    assert done.exit_code == 0, done.output
    for word in ("deep.0.main", "int8", "float32", "VIF, degraded", "int8 on onnxruntime", "bytes before"):
        assert word in done.output
    record = tmp_path / "nano-ivif-int8.json"
    fuser = Fuser.from_pretrained(str(record), threads=1)
    assert fuser(np.zeros((30, 40), np.uint8), np.full((30, 40), 200, np.uint8)).shape == (30, 40)


def test_too_great_a_loss_leaves_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distilfuse.export import quantized_release

    scores = iter([{("clean", "VIF"): 0.9}, {("clean", "VIF"): 0.89}])
    monkeypatch.setattr(quantized_release, "quality", lambda *arguments: next(scores))
    done = CliRunner().invoke(app, asked(data, tmp_path / "out", "--keep", "gauge.threshold"))
    assert isinstance(done.exception, ModelError)
    assert "VIF clean -1.11 %, and none may lose more than 0.5 %" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "magic"], "choose onnxruntime or nncf"),
        (["--keep", "tail"], "no convolution 'tail'"),
        (["--data", "missing"], "missing"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(words: list[str], said: str, data: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, asked(data, tmp_path, *words))
    assert isinstance(done.exception, DistilfuseError)
    assert said in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "distilfuse.export.quantized_release", raising=False)
    monkeypatch.delitem(sys.modules, "distilfuse.export.quantization", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = CliRunner().invoke(app, asked(data, tmp_path))
    assert isinstance(done.exception, DistilfuseError)
    assert "pip install 'distilfuse[train]'" in str(done.exception)


def test_without_nncf_it_says_what_to_install(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    done = CliRunner().invoke(app, asked(data, tmp_path, "--method", "nncf"))
    assert isinstance(done.exception, DistilfuseError)
    assert "nncf is not installed" in str(done.exception)

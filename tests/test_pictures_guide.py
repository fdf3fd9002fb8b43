"""The commands of docs/pictures.md run as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import guides
import numpy as np
import pytest
from PIL import Image

from distilfuse import samples
from distilfuse.imaging.reading import read_array


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the page begins with."""
    visible, infrared = samples.load("day-road")
    visible, infrared = visible[:96, :128], infrared[:96, :128]
    Image.fromarray(visible).save(tmp_path / "street.jpg", quality=95)
    Image.fromarray(infrared).save(tmp_path / "street_ir.png")
    Image.fromarray(infrared[:, ::-1].copy()).save(tmp_path / "street_nir.png")
    Image.fromarray(np.tile(np.linspace(0, 255, 128).astype(np.uint8), (96, 1))).save(tmp_path / "mask.png")
    Image.fromarray(6500 + 12 * infrared.astype(np.uint16)).save(tmp_path / "counts.png")
    for name in ("a", "day/b"):
        for top, plane in (("visible", visible), ("thermal", infrared)):
            (tmp_path / top / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(plane).save(tmp_path / top / f"{name}.png")
    (tmp_path / "pairs.csv").write_text("visible,infrared,output\nvisible/a.png,thermal/day/b.png,one\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands(
    project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (project / "docs" / "pictures.md").read_text("utf-8")
    found = guides.commands(guide)
    assert len(found) >= 12
    for command in found:
        guides.run(command, "--backend", "onnxruntime", monkeypatch=monkeypatch, capsys=capsys)
    assert read_array(folder / "deep.tif").dtype == np.uint16
    assert read_array(folder / "grey.png").ndim == 2
    assert (folder / "results" / "day" / "b.png").is_file()
    assert (folder / "listed" / "one.png").is_file()
    assert json.loads((folder / "results.json").read_text())["counts"]["fused"] == 2
    promised = re.findall(r"`(beside_\w+\.png)`", guide)
    assert len(promised) == 2
    assert all((folder / name).is_file() for name in promised)

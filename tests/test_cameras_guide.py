"""The commands of docs/cameras.md run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import guides
import numpy as np
import pytest
from flir_writer import Scene, flir_jpeg, segment
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the page begins with."""
    celsius = np.tile(np.linspace(15, 35, 40), (30, 1))
    visible = np.full((60, 80, 3), 90, np.uint8)
    content = flir_jpeg(Scene(celsius=celsius, visible=visible))
    (tmp_path / "inspection").mkdir()
    for name in ("FLIR0001.jpg", "inspection/FLIR0002.jpg", "inspection/FLIR0003.jpg"):
        (tmp_path / name).write_bytes(content)
    Image.fromarray(visible).save(tmp_path / "DJI_0001_V.jpg")
    Image.fromarray(np.round(celsius * 5).astype(np.uint8)).save(tmp_path / "DJI_0001_T.JPG", "JPEG")
    shown = (tmp_path / "DJI_0001_T.JPG").read_bytes()
    (tmp_path / "DJI_0001_T.JPG").write_bytes(shown[:2] + segment(0xE3, bytes(2400)) + shown[2:])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands(
    project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (project / "docs" / "cameras.md").read_text("utf-8")
    found = guides.commands(guide)
    assert len(found) >= 5
    for command in found:
        guides.run(command, "--backend", "onnxruntime", monkeypatch=monkeypatch, capsys=capsys)
    promised = re.findall(r"`(\w+\.(?:csv|tiff|jpg|png))`", guide)
    assert promised
    assert [name for name in promised if not list(folder.rglob(name))] == []
    assert sorted(path.name for path in (folder / "fused").iterdir()) == [
        "FLIR0002.jpg",
        "FLIR0002_temperature.tiff",
        "FLIR0003.jpg",
        "FLIR0003_temperature.tiff",
    ]

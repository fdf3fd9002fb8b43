"""The commands of docs/alignment.md run as they stand there."""

from __future__ import annotations

from pathlib import Path

import guides
import numpy as np
import pytest
from PIL import Image

from distilfuse import samples
from distilfuse.imaging.reading import read_array

pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of a rig whose infrared camera sees less, and points on one pair."""
    for name in ("day-road", "smoke-yard"):
        visible, infrared = samples.load(name)
        height, width = infrared.shape[:2]
        for place, picture in (("visible", visible), ("infrared", infrared[24 : height - 16, 30 : width - 20])):
            (tmp_path / place).mkdir(exist_ok=True)
            Image.fromarray(picture).save(tmp_path / place / f"{name}.png")
    (tmp_path / "visible.png").write_bytes((tmp_path / "visible" / "day-road.png").read_bytes())
    (tmp_path / "infrared.png").write_bytes((tmp_path / "infrared" / "day-road.png").read_bytes())
    corners = [(0, 0), (200, 10), (20, 150), (220, 160), (100, 80)]
    lines = [f"{x + 30},{y + 24},{x},{y}" for x, y in corners]
    (tmp_path / "points.csv").write_text("\n".join(["x_vis,y_vis,x_ir,y_ir", *lines]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands(
    project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (project / "docs" / "alignment.md").read_text("utf-8")
    found = guides.commands(guide)
    assert len(found) >= 3
    for command in found:
        more = ["--overwrite"] if " align " in command else ["--backend", "onnxruntime"]
        guides.run(command, *more, monkeypatch=monkeypatch, capsys=capsys)
    assert len(list((folder / "look").glob("*.png"))) == 4
    fused = read_array(folder / "fused" / "day-road.png")
    visible = samples.load("day-road")[0]
    assert np.all(np.abs(np.subtract(fused.shape[:2], visible.shape[:2])) < 64)
    assert fused.shape[0] < visible.shape[0]

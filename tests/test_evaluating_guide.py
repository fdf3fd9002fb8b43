"""The commands of docs/evaluating.md run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import guides
import numpy as np
import pytest
from PIL import Image

for module in ("scipy", "jinja2", "matplotlib", "pycocotools"):
    pytest.importorskip(module, reason=f"{module} (extras evaluate and detect) is not installed")

SIZE = (64, 56)


@pytest.fixture
def folder(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the guide begins with, of made pictures."""
    rng = np.random.default_rng(3)
    for name in ("00001D", "00002N", "00003D"):
        visible = rng.integers(0, 160, (7, 8, 3), dtype=np.uint8)
        infrared = rng.integers(0, 120, (7, 8), dtype=np.uint8)
        pictures = [Image.fromarray(plane).resize(SIZE, Image.Resampling.BICUBIC) for plane in (visible, infrared)]
        pictures[1].paste(240, (20, 10, 30, 40))
        for root in (tmp_path, tmp_path / "data" / "msrs"):
            for band, picture in zip(("vi", "ir"), pictures, strict=True):
                (root / band).mkdir(parents=True, exist_ok=True)
                picture.save(root / band / f"{name}.png")
        (tmp_path / "results" / "seafusion").mkdir(parents=True, exist_ok=True)
        pictures[0].save(tmp_path / "results" / "seafusion" / f"{name}.png")
        (tmp_path / "boxes").mkdir(exist_ok=True)
        (tmp_path / "boxes" / f"{name}.txt").write_text("0 0.390625 0.446429 0.15625 0.535714\n", encoding="utf-8")
    (tmp_path / "boxes" / "classes.txt").write_text("person\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def test_commands(
    project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (project / "docs" / "evaluating.md").read_text("utf-8")
    for code in guides.blocks(guide, "python"):
        name = re.match(r"# (\S+\.py)\n", code).group(1)
        (folder / name).write_text(code, encoding="utf-8")
    exec((folder / "score_arrays.py").read_text("utf-8"), {})
    assert "'Qabf'" in capsys.readouterr().out
    found = guides.commands(guide)
    assert len(found) >= 12
    for command in found:
        guides.run(command, monkeypatch=monkeypatch, capsys=capsys)
    for name in re.findall(r"`([\w-]+\.(?:csv|json|md|tex|html|png))`", guide):
        if "-" not in name and name != "record.json":
            assert list(folder.rglob(name)), f"{name} is promised, but no command wrote it"


def test_links(project: Path) -> None:
    guide = (project / "docs" / "evaluating.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", guide)
    assert links
    assert [link for link in links if not (project / "docs" / link).is_file()] == []

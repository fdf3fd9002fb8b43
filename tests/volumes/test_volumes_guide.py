"""The commands of docs/volumes.md run as they stand there, with the released model."""

from __future__ import annotations

import re
from pathlib import Path

import guides
import numpy as np
import phantoms
import pytest
from phantoms import affine_of, anatomy, pet_tags, save_nifti, save_series, uptake, world

SHAPE = (32, 36, 6)
AFFINE = affine_of(SHAPE, (3.5, 3.5, 14.0), np.diag([-1.0, -1, 1]))


@pytest.fixture
def guide(project: Path) -> str:
    return (project / "docs" / "volumes.md").read_text("utf-8")


def test_commands(
    guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = world(SHAPE, AFFINE)
    save_nifti(tmp_path / "PET.nii.gz", uptake(points), AFFINE)
    save_nifti(tmp_path / "MR.nii.gz", anatomy(points), AFFINE)
    save_series(tmp_path / "PET", uptake(points) / phantoms.SUV_PER_BQML, AFFINE, "PT", **pet_tags())
    save_series(tmp_path / "MR", anatomy(points), AFFINE, "MR")
    monkeypatch.chdir(tmp_path)
    found = guides.commands(guide)
    assert len(found) == 3
    for command in found:
        guides.run(command, monkeypatch=monkeypatch, capsys=capsys)
    for name in re.findall(r"`([\w-]+\.(?:nii\.gz|png))`", guide):
        assert list(tmp_path.rglob(name)), f"{name} is promised, but no command wrote it"
    assert len(list((tmp_path / "fused-series").iterdir())) == 6


def test_links(project: Path, guide: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", guide)
    assert links
    assert [link for link in links if not (project / "docs" / link).is_file()] == []

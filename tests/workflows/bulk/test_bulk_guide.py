"""The local command of docs/bulk.md runs as it stands there, with the released model and pairs that ship."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from distilfuse import samples
from distilfuse.cli.main import main


@pytest.fixture
def guide(project: Path) -> str:
    return (project / "docs" / "bulk.md").read_text("utf-8")


def test_the_local_command(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (table,) = re.findall(r"^```\n(visible,.*?)^```$", guide, re.M | re.S)
    (command,) = re.findall(r"^```sh\n(.*?)\n```$", guide, re.M | re.S)
    local = "".join(line for line in table.splitlines(keepends=True) if "s3://" not in line)
    (tmp_path / "manifest.csv").write_text(local)
    for place, sample in zip(local.splitlines()[1].split(",")[:2], samples.paths("night-street"), strict=True):
        (tmp_path / place).parent.mkdir(parents=True)
        shutil.copy(sample, tmp_path / place)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert (tmp_path / "fused" / "night" / "0001.png").is_file()
    for name in re.findall(r"`(_distilfuse/[\w.]*)`", guide):
        assert (tmp_path / "fused" / name).exists(), f"{name} is promised, but nothing wrote it"


def test_links(project: Path, guide: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", guide) if "://" not in link]
    assert links
    assert [link for link in links if not (project / "docs" / link).is_file()] == []

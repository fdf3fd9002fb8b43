"""Pages of docs whose commands run as they stand there."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

from distilfuse.cli.main import main


def blocks(page: str, language: str) -> list[str]:
    """The code of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """The commands of a page, those of distilfuse."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("distilfuse ")]


def run(
    command: str, *more: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[str, str]:
    """Run a command, which must succeed; what it said and complained about."""
    monkeypatch.setattr(sys, "argv", [*shlex.split(command), *more])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert (left.value.code or 0) == 0, f"{command}\n{said.out}\n{said.err}"
    return said.out, said.err

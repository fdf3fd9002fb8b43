"""What the tests of volumes share, beside ``tests/assets/phantoms.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from distilfuse.cli.main import main

for module in ("nibabel", "pydicom", "scipy"):
    pytest.importorskip(module, reason=f"{module} (extra medical) is not installed")


@pytest.fixture
def model(project: Path) -> str:
    """A network that takes the greater luminance: what it makes of two slices is known."""
    return str(project / "tests/assets/maximum-luminance.json")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run ``distilfuse volume`` as its main program does, and give its exit status."""

    def command(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["distilfuse", "volume", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return command

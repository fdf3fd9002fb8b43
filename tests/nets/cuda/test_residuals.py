"""The kernels in Triton's interpreter, which computes what a card would, block by block, on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("interpreted.py")


@pytest.mark.parametrize("name", ["feed_forward", "channel", "spatial", "wide", "network"])
def test_kernels_compute_what_the_network_does(name: str) -> None:
    pytest.importorskip("triton", reason="Triton is not installed (it has no wheels for this system)")
    # Read when Triton is imported, so in a process of its own.
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, SCRIPT, name], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

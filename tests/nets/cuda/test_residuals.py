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


@pytest.mark.gpu
def test_on_a_card() -> None:
    import torch

    from distilfuse.nets import FusionNet, StudentConfig
    from distilfuse.nets.cuda.recording import Recording
    from distilfuse.nets.cuda.residuals import accelerated

    torch.manual_seed(0)
    network = FusionNet(config=StudentConfig()).cuda().eval()
    inputs = torch.rand(2, 3, 72, 104, device="cuda"), torch.rand(2, 1, 72, 104, device="cuda")
    with torch.inference_mode():
        wanted = network(*inputs)
        recording = Recording(accelerated(network), *inputs)
        torch.testing.assert_close(recording.replay(), wanted, atol=5e-3, rtol=0)

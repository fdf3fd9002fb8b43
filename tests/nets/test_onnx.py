"""The network can be written as ONNX with free batch and sides, and ONNX Runtime computes the same."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from distilfuse.nets import FusionNet, StudentConfig

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


class Fused(nn.Module):
    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.net.fuse_padded(visible, infrared)[0]


def exported(net: FusionNet, path: Path) -> object:
    side = 2 * net.export_multiple
    example = torch.rand(2, 3, side, side), torch.rand(2, 1, side, side)
    rows, columns = (torch.export.Dim(name, min=1, max=256) for name in ("rows", "columns"))
    free = {0: torch.export.Dim("batch"), 2: rows * net.export_multiple, 3: columns * net.export_multiple}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own notices
        program = torch.onnx.export(
            Fused(net).eval(),
            example,
            input_names=["visible", "infrared"],
            output_names=["fused"],
            dynamic_shapes=(free, free),
            opset_version=20,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(path)
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


SMALL = StudentConfig(
    channels=4,
    blocks=(1, 1),
    refinement=1,
    channel_heads=(1, 2),
    spatial_heads=(1, 2),
    head_dim=4,
    window=4,
    overlap_window=6,
)


@pytest.mark.slow
@pytest.mark.parametrize("config", [SMALL, StudentConfig()], ids=["small", "student"])
def test_onnx_equals_torch_on_any_size(config: StudentConfig, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = FusionNet(config=config).eval()
    session = exported(net, tmp_path / "net.onnx")
    for batch, rows, columns in ((1, 1, 1), (1, 2, 3), (3, 1, 2), (1, 4, 1)):
        height, width = rows * net.export_multiple, columns * net.export_multiple
        visible, infrared = torch.rand(batch, 3, height, width), torch.rand(batch, 1, height, width)
        with torch.no_grad():
            expected = net(visible, infrared).numpy()
        (fused,) = session.run(None, {"visible": visible.numpy(), "infrared": infrared.numpy()})
        assert fused.shape == expected.shape
        assert np.abs(fused - expected).max() < 1e-3

"""From trained weights to an ONNX file that is proved to compute the same."""

from __future__ import annotations

import copy
import hashlib
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from distilfuse.errors import ModelError
from distilfuse.nets.build import Network
from distilfuse.nets.nano import NanoNet

SIZES = ((1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 5), (4, 4), (5, 3), (6, 8), (8, 10))
"""Sizes of the parity check, in units of the network's ``export_multiple``."""
TOLERANCE = 1e-3
OPSET = 18


class _Core(nn.Module):
    """What is exported: inputs are padded already, the output is not clamped."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.network.fuse_padded(visible, infrared)[0]


def export_onnx(network: Network, path: Path) -> float:
    """Write ``network`` to ``path`` as ONNX with dynamic batch, height and width, and check it.

    Inputs ``visible`` (``N x C x H x W``, C = 1 for a luminance network, else 3) and ``infrared``
    (``N x 1 x H x W``), float32 in 0..1; output ``fused``, as ``visible``. H and W are multiples of the network's
    ``export_multiple``.

    Returns:
        Largest absolute difference between PyTorch and ONNX Runtime over ten sizes.

    Raises:
        ModelError: the two differ by more than 1e-3; nothing is left at ``path``.
    """
    plain = copy.deepcopy(network).eval().cpu().float()
    if isinstance(plain, NanoNet):
        plain.merge()
    core = _Core(plain).eval()
    channels = 1 if plain.visible_input == "luminance" else 3
    unit = plain.export_multiple
    # No two axes alike, so that the exporter cannot take one for another.
    example = (torch.rand(2, channels, 4 * unit, 5 * unit), torch.rand(2, 1, 4 * unit, 5 * unit))
    rows, columns = torch.export.Dim("rows", min=1), torch.export.Dim("columns", min=1)
    axes = {0: torch.export.Dim("batch", min=1), 2: unit * rows, 3: unit * columns}
    part = path.with_name(f".{path.name}.part")
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter warns of its own internals; what counts is the parity check below.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            core,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=["visible", "infrared"],
            output_names=["fused"],
            dynamic_shapes={"visible": dict(axes), "infrared": dict(axes)},
            verbose=False,
        )
    assert program is not None
    _forget_origin(program.model)
    try:
        program.save(str(part), external_data=False)
        worst = parity(core, part, channels=channels, unit=unit)
        if not worst <= TOLERANCE:
            raise ModelError(
                f"The exported model differs from PyTorch by {worst:.2e} (at most {TOLERANCE:.0e} is allowed): "
                "nothing was written."
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return worst


def _forget_origin(model: ir.Model) -> None:
    """Drop the exporter's notes (stack traces with the paths of this machine): equal weights give equal files."""
    for graph in (model.graph, *(function.graph for function in model.functions.values())):
        graph.metadata_props.clear()
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
        for value in (*graph.inputs, *graph.outputs, *(v for node in graph.all_nodes() for v in node.outputs)):
            value.metadata_props.clear()
    model.metadata_props.clear()


@torch.no_grad()
def parity(core: nn.Module, path: Path, *, channels: int, unit: int) -> float:
    """Largest absolute difference between ``core`` and the ONNX file over :data:`SIZES`."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for rows, columns in SIZES:
        visible = torch.rand(1, channels, rows * unit, columns * unit, generator=generator)
        infrared = torch.rand(1, 1, rows * unit, columns * unit, generator=generator)
        expected = core(visible, infrared).numpy()
        (given,) = session.run(["fused"], {"visible": visible.numpy(), "infrared": infrared.numpy()})
        worst = max(worst, float(np.abs(expected - given).max()))
    return worst


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

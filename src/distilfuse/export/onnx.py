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


class _Fusion(nn.Module):
    """What is exported: inputs are padded already, the output is not clamped."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.network.fuse_padded(visible, infrared)[0]


class _FusionOfParts(nn.Module):
    """The same for a nano network, whose gauge may have read a larger picture."""

    def __init__(self, network: NanoNet) -> None:
        super().__init__()
        self.network = network
        self.readings = network.reading_channels

    def forward(self, visible: Tensor, infrared: Tensor, reading: Tensor) -> Tensor:
        return self.network.fuse_padded(visible, infrared, reading=reading)[0]


class _Gauge(nn.Module):
    """What a nano network's gauge reads, cell by cell."""

    def __init__(self, network: NanoNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.network.measure_padded(visible, infrared)


def export_onnx(network: Network, path: Path) -> float:
    """Write ``network`` to ``path`` as ONNX with dynamic batch, height and width, and check it.

    Inputs ``visible`` (``N x C x H x W``, C = 1 for a luminance network, else 3) and ``infrared``
    (``N x 1 x H x W``), float32 in 0..1; output ``fused``, as ``visible``. H and W are multiples of the network's
    ``export_multiple``. A nano network also takes ``reading`` (``N x K``): zeros, or for parts of a picture the mean of
    what :func:`export_gauge`'s model gives for all of it.

    Returns:
        Largest absolute difference between PyTorch and ONNX Runtime over ten sizes.

    Raises:
        ModelError: the two differ by more than 1e-3; nothing is left at ``path``.
    """
    plain = _plain(network)
    core = _FusionOfParts(plain) if isinstance(plain, NanoNet) else _Fusion(plain)
    return _export(core, plain, path, output="fused")


def export_gauge(network: NanoNet, path: Path) -> float:
    """Write what the gauge reads as ONNX and check it.

    Inputs ``visible`` and ``infrared`` as for :func:`export_onnx`; output ``cells``, ``N x K x H / 4s x W / 4s``.

    Returns, raises:
        As :func:`export_onnx`.
    """
    plain = _plain(network)
    assert isinstance(plain, NanoNet)
    return _export(_Gauge(plain), plain, path, output="cells")


def _plain(network: Network) -> Network:
    """A copy for the CPU without the branches of training."""
    plain = copy.deepcopy(network).eval().cpu().float()
    return plain.merge() if isinstance(plain, NanoNet) else plain


def _export(core: nn.Module, plain: Network, path: Path, *, output: str) -> float:
    core.eval()
    channels = 1 if plain.visible_input == "luminance" else 3
    unit = plain.export_multiple
    readings = core.readings if isinstance(core, _FusionOfParts) else 0
    # No two axes alike, so that the exporter cannot take one for another.
    example = [torch.rand(2, channels, 4 * unit, 5 * unit), torch.rand(2, 1, 4 * unit, 5 * unit)]
    names = ["visible", "infrared"]
    batch, rows, columns = (torch.export.Dim(name, min=1) for name in ("batch", "rows", "columns"))
    axes: dict[str, dict[int, object]] = {name: {0: batch, 2: unit * rows, 3: unit * columns} for name in names}
    if readings:
        example.append(torch.rand(2, readings))
        names.append("reading")
        axes["reading"] = {0: batch}
    part = path.with_name(f".{path.name}.part")
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter warns of its own internals; what counts is the parity check below.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            core,
            tuple(example),
            dynamo=True,
            opset_version=OPSET,
            input_names=names,
            output_names=[output],
            dynamic_shapes=axes,
            verbose=False,
        )
    assert program is not None
    _forget_origin(program.model)
    try:
        program.save(str(part), external_data=False)
        worst = parity(core, part, channels=channels, unit=unit, readings=readings)
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
def parity(core: nn.Module, path: Path, *, channels: int, unit: int, readings: int = 0) -> float:
    """Largest absolute difference between ``core`` and the ONNX file over :data:`SIZES`.

    With ``readings``, a whole picture (zeros) and a part of one (random numbers) go in at every size.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for rows, columns in SIZES:
        pair = [
            torch.rand(1 + bool(readings), planes, rows * unit, columns * unit, generator=generator)
            for planes in (channels, 1)
        ]
        if readings:
            pair.append(torch.stack([torch.zeros(readings), torch.rand(readings, generator=generator)]))
        expected = core(*pair).numpy()
        names = [entry.name for entry in session.get_inputs()]
        (given,) = session.run(None, {name: value.numpy() for name, value in zip(names, pair, strict=True)})
        worst = max(worst, float(np.abs(expected - given).max()))
    return worst


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

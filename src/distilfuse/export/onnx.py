"""From trained weights to an ONNX file that is proved to compute the same."""

from __future__ import annotations

import copy
import hashlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from distilfuse.errors import ModelError
from distilfuse.imaging.colour import BT601, PARTS
from distilfuse.nets.build import Network
from distilfuse.nets.nano import NanoNet

SIZES = ((1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 5), (4, 4), (5, 3), (6, 8), (8, 10))
"""Sizes of the parity check, in units of the network's ``export_multiple``."""
TOLERANCE = 1e-3
OPSET = 18


class _Core(nn.Module):
    """What is exported: inputs are padded already."""

    unit: int
    """What height and width are multiples of."""
    readings = 0
    """Channels of the reading, where it takes one."""


class _Fusion(_Core):
    """A network; the output is not clamped."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.unit = network.export_multiple

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.network.fuse_padded(visible, infrared)[0]


class _FusionOfParts(_Core):
    """The same for a nano network, whose gauge may have read a larger picture."""

    def __init__(self, network: NanoNet) -> None:
        super().__init__()
        self.network = network
        self.unit = network.export_multiple
        self.readings = network.reading_channels

    def forward(self, visible: Tensor, infrared: Tensor, reading: Tensor) -> Tensor:
        return self.network.fuse_padded(visible, infrared, reading=reading)[0]


class _Gauge(_Core):
    """What a nano network's gauge reads, cell by cell."""

    def __init__(self, network: NanoNet) -> None:
        super().__init__()
        self.network = network
        self.unit = network.export_multiple

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.network.measure_padded(visible, infrared)


class _FusionInColour(_Core):
    """The same for 8-bit colours: luminance before, the new one under their chroma behind.

    Rows of ``unit`` pixels are multiplied by matrices, from their interleaved bytes to luminances and back: engines
    have no faster way from pixels to planes, least of all on several threads.
    """

    to_luminance: Tensor
    to_colours: Tensor

    def __init__(self, network: NanoNet) -> None:
        super().__init__()
        self.network = network
        self.unit = network.export_multiple
        self.readings = network.reading_channels
        pixels = torch.eye(self.unit)
        self.register_buffer("to_luminance", torch.kron(pixels, torch.tensor(BT601)[:, None] / 255))  # 3u u
        self.register_buffer("to_colours", torch.kron(pixels, torch.ones(1, 3)))  # u 3u

    def forward(self, visible: Tensor, infrared: Tensor, reading: Tensor) -> Tensor:
        colours = visible.reshape(-1, 3 * self.unit).float()
        before = colours @ self.to_luminance
        fused = self.network.fuse_padded(before.reshape(infrared.shape), infrared, reading=reading)[0]
        shift = 255 * (fused.clamp(0, 1).reshape(-1, self.unit) - before) + 0.5
        # In parts of a level, as the gamut wants it; cutting them off rounds, for half a level has been added.
        moved = torch.addmm(colours, shift, self.to_colours, beta=PARTS, alpha=PARTS)
        return moved.reshape(visible.shape).to(torch.int16)


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
    return _export(core, _planes(plain), path, output="fused")


def export_gauge(network: NanoNet, path: Path) -> float:
    """Write what the gauge reads as ONNX and check it.

    Inputs ``visible`` and ``infrared`` as for :func:`export_onnx`; output ``cells``, ``N x K x H / 4s x W / 4s``.

    Returns, raises:
        As :func:`export_onnx`.
    """
    plain = _plain(network)
    assert isinstance(plain, NanoNet)
    return _export(_Gauge(plain), _planes(plain), path, output="cells")


def export_in_colour(network: NanoNet, path: Path) -> float:
    """Write ``network`` to ``path`` as ONNX for 8-bit colours and check it.

    Inputs ``visible`` (``N x H x W x 3`` uint8, RGB), ``infrared`` and ``reading`` as for :func:`export_onnx`; output
    ``fused`` (``N x H x W x 3`` int16), which is ``visible`` with the difference of luminance added to each channel, as
    :func:`~distilfuse.imaging.colour.within_gamut` takes it.

    Returns, raises:
        As :func:`export_onnx`, in 0..1.
    """
    plain = _plain(network)
    assert isinstance(plain, NanoNet)
    return _export(_FusionInColour(plain), _colours, path, output="fused", scale=255 * PARTS)


def _plain(network: Network) -> Network:
    """A copy for the CPU without the branches of training."""
    plain = copy.deepcopy(network).eval().cpu().float()
    return plain.merge() if isinstance(plain, NanoNet) else plain


Pictures = Callable[[int, int, int, torch.Generator], Tensor]
"""Of a number, height, width and generator: random visible pictures."""


def _planes(network: Network) -> Pictures:
    channels = 1 if network.visible_input == "luminance" else 3
    return lambda number, height, width, generator: torch.rand(number, channels, height, width, generator=generator)


def _colours(number: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    return torch.randint(256, (number, height, width, 3), dtype=torch.uint8, generator=generator)


def _export(core: _Core, pictures: Pictures, path: Path, *, output: str, scale: float = 1.0) -> float:
    core.eval()
    unit = core.unit
    # No two axes alike, so that the exporter cannot take one for another.
    example = _pair(core, pictures, 2, 4 * unit, 5 * unit, torch.Generator().manual_seed(1))
    names = ["visible", "infrared", "reading"][: len(example)]
    batch, rows, columns = (torch.export.Dim(name, min=1) for name in ("batch", "rows", "columns"))
    height = 1 if example[0].dtype == torch.uint8 else 2
    axes: dict[str, dict[int, object]] = {
        "visible": {0: batch, height: unit * rows, height + 1: unit * columns},
        "infrared": {0: batch, 2: unit * rows, 3: unit * columns},
        "reading": {0: batch},
    }
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
            input_names=names,
            output_names=[output],
            dynamic_shapes={name: axes[name] for name in names},
            verbose=False,
        )
    assert program is not None
    _forget_origin(program.model)
    try:
        program.save(str(part), external_data=False)
        worst = parity(core, pictures, part) / scale
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
def parity(core: _Core, pictures: Pictures, path: Path) -> float:
    """Largest absolute difference between ``core`` and the ONNX file over :data:`SIZES`.

    With a gauge, a whole picture (zeros) and a part of one (random numbers) go in at every size.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    unit = core.unit
    worst = 0.0
    for rows, columns in SIZES:
        given = _pair(core, pictures, 2 if core.readings else 1, rows * unit, columns * unit, generator)
        expected = core(*given).numpy()
        names = [entry.name for entry in session.get_inputs()]
        (found,) = session.run(None, {name: value.numpy() for name, value in zip(names, given, strict=True)})
        worst = max(worst, float(np.abs(expected - found).max()))
    return worst


def _pair(
    core: _Core, pictures: Pictures, number: int, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Inputs of ``core``, drawn by a generator."""
    pair = pictures(number, height, width, generator), torch.rand(number, 1, height, width, generator=generator)
    if not core.readings:
        return pair
    readings = torch.rand(number, core.readings, generator=generator)
    readings[0] = 0
    return *pair, readings


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

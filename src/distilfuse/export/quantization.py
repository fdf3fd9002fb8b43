"""8-bit integers instead of floats, in the convolutions that can bear it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import onnx
from onnx import numpy_helper

from distilfuse.errors import ConfigError, MissingDependencyError, ModelError
from distilfuse.export.calibration import Feed, means, observe
from distilfuse.export.equalization import equalize
from distilfuse.runtime.backend import first_line

Method = Literal["onnxruntime", "nncf"]
METHODS: tuple[Method, ...] = get_args(Method)

_ROUNDS = 2
"""How often biases are corrected: the second round sees what the first one did."""


@dataclass(frozen=True)
class Convolution:
    """A convolution that can be computed in integers."""

    name: str
    """Of the node."""
    weight: str
    """Name of its kernel in the network, for people to read."""
    work: float
    """Its share of the arithmetic of all convolutions."""
    nodes: tuple[str, ...]
    """Names of its nodes: itself and the ReLU that only it feeds."""
    tensors: tuple[str, ...]
    """What goes in and comes out."""


class Quantizer:
    """A model that has been looked at on pictures, ready to be quantised with one choice of convolutions or another.

    Weights are symmetric, a scale for each output channel; features have one grid a tensor.

    Args:
        weights: the bytes of an ONNX file, as :func:`distilfuse.export.onnx.export_onnx` writes it.
        feeds: what the ranges are taken from: pictures of the training split.
        method: ``onnxruntime``: our own ranges, equalised channels and corrected biases, written by ONNX Runtime's
            quantiser. ``nncf``: all by NNCF.

    Raises:
        ConfigError: an unknown method.
        MissingDependencyError: NNCF is not installed.
        ModelError: the file is no model with convolutions.
    """

    def __init__(self, weights: bytes, feeds: Sequence[Feed], *, method: str = "onnxruntime") -> None:
        if method not in METHODS:
            raise ConfigError(f"There is no method {method!r} of quantising: choose {' or '.join(METHODS)}.")
        try:
            self._model = onnx.load_model_from_string(weights)
        except Exception as error:  # protobuf's exceptions have no public common base
            raise ModelError("The model cannot be quantised, it is no ONNX file: restore it.") from error
        self._feeds = feeds
        self._quantize: Callable[[Sequence[Convolution]], onnx.ModelProto] = (
            self._with_nncf if method == "nncf" else self._with_onnxruntime
        )
        if method == "nncf":
            _import_nncf()
        shapes = {tensor.name: list(tensor.dims) for tensor in self._model.graph.initializer}
        nodes = [node for node in self._model.graph.node if node.op_type == "Conv" and node.input[1] in shapes]
        if not nodes:
            raise ModelError("The model cannot be quantised, it has no convolution: leave it in float32.")
        tensors = sorted({name for node in nodes for name in _ends(self._model.graph, node)[1]})
        before = observe(self._model, feeds, tensors)
        if method == "onnxruntime":
            equalize(self._model, {name: seen.reach for name, seen in before.items()})
            before = observe(self._model, feeds, tensors)
        self._ranges = {name: seen.range() for name, seen in before.items()}
        work = [float(np.prod(shapes[node.input[1]])) * before[node.output[0]].places for node in nodes]
        self.convolutions = tuple(
            Convolution(
                name=node.name,
                weight=node.input[1].removeprefix("network.").removesuffix(".weight"),
                work=part / sum(work),
                nodes=_ends(self._model.graph, node)[0],
                tensors=_ends(self._model.graph, node)[1],
            )
            for node, part in zip(nodes, work, strict=True)
        )
        """All that could be quantised, in the order in which they run."""

    def quantize(self, chosen: Sequence[Convolution]) -> bytes:
        """The ONNX file with these convolutions in integers, between ``QuantizeLinear`` and ``DequantizeLinear``."""
        model = self._quantize(chosen) if chosen else self._model  # to the quantisers none means all
        data: bytes = model.SerializeToString()
        return data

    def _with_onnxruntime(self, chosen: Sequence[Convolution]) -> onnx.ModelProto:
        plain = self._model
        quantised = self._plain_onnxruntime(plain, chosen)
        wanted: Mapping[str, Any] = {}
        for _ in range(_ROUNDS):
            # What rounding shifts in the mean of a channel, its bias takes back.
            outputs = _outputs(plain.graph, chosen)
            wanted = wanted or means(plain, self._feeds, outputs)
            given = means(quantised, self._feeds, _outputs(quantised.graph, chosen))
            corrected = onnx.ModelProto()
            corrected.CopyFrom(plain)
            biases = {tensor.name: tensor for tensor in corrected.graph.initializer}
            by_name = {node.name: node for node in corrected.graph.node}
            for one, before, after in zip(chosen, outputs, _outputs(quantised.graph, chosen), strict=True):
                inputs = by_name[one.name].input
                if len(inputs) > 2:
                    bias = numpy_helper.to_array(biases[inputs[2]]) + wanted[before] - given[after]
                    biases[inputs[2]].CopyFrom(numpy_helper.from_array(bias.astype(np.float32), inputs[2]))
            plain = corrected
            quantised = self._plain_onnxruntime(plain, chosen)
        return quantised

    def _plain_onnxruntime(self, model: onnx.ModelProto, chosen: Sequence[Convolution]) -> onnx.ModelProto:
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        tensors = {name for one in chosen for name in one.tensors}
        ranges = {
            name: TensorData(lowest=np.float32(low), highest=np.float32(high))
            for name, (low, high) in self._ranges.items()
            if name in tensors
        }
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        quantizer = QDQQuantizer(
            copy,
            True,  # a scale for each output channel
            True,  # 7 bits: CPUs without VNNI add two products in 16 bits, which 8-bit weights overflow
            QuantType.QInt8,
            QuantType.QUInt8,
            TensorsData(CalibrationMethod.MinMax, ranges),
            [name for one in chosen for name in one.nodes],
            [],
            ["Conv", "Relu"],
            {},
        )
        quantizer.quantize_model()
        quantised: onnx.ModelProto = quantizer.model.model
        return quantised

    def _with_nncf(self, chosen: Sequence[Convolution]) -> onnx.ModelProto:
        nncf = _import_nncf()
        names = {name for one in chosen for name in one.nodes}
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        ignored = [node.name for node in copy.graph.node if node.name not in names]
        try:
            quantised: onnx.ModelProto = nncf.quantize(
                copy,
                nncf.Dataset(list(self._feeds)),
                subset_size=len(self._feeds),
                preset=nncf.QuantizationPreset.MIXED,
                # The slow one fails on residual blocks (NNCF 3.4: KeyError).
                fast_bias_correction=True,
                ignored_scope=nncf.IgnoredScope(names=ignored),
                # 7 bits, as above.
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=nncf.quantization.advanced_parameters.OverflowFix.ENABLE
                ),
            )
        except Exception as error:  # of its own, of ONNX, of ONNX Runtime
            raise ModelError(
                f"NNCF cannot quantise the model ({first_line(error)}): use the method onnxruntime."
            ) from error
        return quantised


def _outputs(graph: onnx.GraphProto, chosen: Sequence[Convolution]) -> list[str]:
    names = {node.name: node.output[0] for node in graph.node}
    return [names[one.name] for one in chosen]


def _ends(graph: onnx.GraphProto, node: onnx.NodeProto) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nodes that are quantised together, and the tensors that go in and come out."""
    users = [other for other in graph.node if node.output[0] in other.input]
    tensors = (node.input[0], node.output[0])
    if len(users) == 1 and users[0].op_type == "Relu":
        # Integers from zero up are what ReLU gives, so that it costs nothing.
        return (node.name, users[0].name), (*tensors, users[0].output[0])
    return (node.name,), tensors


def _import_nncf() -> Any:
    logging.getLogger("nncf").setLevel(logging.ERROR)
    try:
        import nncf
    except ImportError as error:
        raise MissingDependencyError("The method nncf is not installed: pip install 'distilfuse[quantize]'") from error
    return nncf

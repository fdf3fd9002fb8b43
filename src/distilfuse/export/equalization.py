"""Channels of one size: the same network with its features scaled so that one 8-bit grid suits all channels.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), with the balance
between features and weights of Xiao et al., "SmoothQuant" (2023). A feature that is halved where it is made and doubled
where it is used computes the same, as long as only operators that do not mind lie between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

_HOMOGENEOUS = ("Add", "AveragePool", "MaxPool", "Relu", "Resize")
"""Operators for which f(s x) = s f(x) in each channel, s > 0. Of Resize, those that leave the channels alone."""

_BALANCE = 0.5
"""0 leaves it to the features to be uneven, 1 to the weights that use them."""


@dataclass
class Group:
    """Tensors whose channels can only be scaled together."""

    tensors: set[str] = field(default_factory=set)
    makers: list[onnx.NodeProto] = field(default_factory=list)
    """Convolutions that it comes out of."""
    users: list[onnx.NodeProto] = field(default_factory=list)
    """Convolutions that it goes into."""


def equalize(model: onnx.ModelProto, reach: Mapping[str, NDArray[np.float32]]) -> None:
    """Scale what can be scaled, in place; the model computes the same as before, but for rounding.

    Args:
        model: with weights as initialisers.
        reach: tensor name to how far each of its channels goes from zero, see
            :func:`distilfuse.export.calibration.observe`. Groups that none of them belongs to stay as they are.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for group in groups(model.graph):
        seen = [reach[name] for name in sorted(group.tensors) if name in reach]
        if not seen:
            continue
        features = np.max(seen, axis=0)
        kernels = [numpy_helper.to_array(weights[node.input[1]]) for node in group.users]
        used = np.max([np.abs(kernel).max((0, 2, 3)) for kernel in kernels], axis=0)
        # A channel that is never on, or never used, has no size to speak of.
        alive = (features > 1e-4 * features.max()) & (used > 1e-4 * used.max())
        if not alive.any():
            continue
        scale = np.ones_like(features)
        scale[alive] = features[alive] ** _BALANCE / used[alive] ** (1 - _BALANCE)
        scale[alive] /= np.exp(np.log(scale[alive]).mean())
        for node in group.makers:
            for name in node.input[1:]:
                value = numpy_helper.to_array(weights[name])
                _store(weights[name], value / scale.reshape(-1, *[1] * (value.ndim - 1)))
        for node, kernel in zip(group.users, kernels, strict=True):
            _store(weights[node.input[1]], kernel * scale[None, :, None, None])


def groups(graph: onnx.GraphProto) -> Iterator[Group]:
    """The groups of a graph that begin and end in convolutions, in the order of their first convolution."""
    known = {tensor.name for tensor in graph.initializer}
    outside = {value.name for value in (*graph.input, *graph.output)}
    head: dict[str, str] = {}

    def find(name: str) -> str:
        while head.setdefault(name, name) != name:
            name = head[name]
        return name

    for node in graph.node:
        if node.op_type in _HOMOGENEOUS:
            for name in _features(node, known):
                head[find(name)] = find(node.output[0])
    found: dict[str, Group] = defaultdict(Group)
    barred = {find(name) for name in outside}
    shared = _shared(graph)
    for node in graph.node:
        convolution = node.op_type == "Conv" and not shared & set(node.input[1:]) and known >= set(node.input[1:])
        for name in node.output:
            found[find(name)].tensors.add(name)
            if convolution:
                found[find(name)].makers.append(node)
            elif node.op_type not in _HOMOGENEOUS:
                barred.add(find(name))
        for name in node.input:
            if not name or name in known:
                continue
            if convolution and all(a.i == 1 for a in node.attribute if a.name == "group"):
                found[find(name)].users.append(node)
            elif node.op_type not in _HOMOGENEOUS:
                barred.add(find(name))
        if node.op_type in _HOMOGENEOUS and any(name in known for name in node.input if node.op_type == "Add"):
            barred.add(find(node.output[0]))  # a constant does not scale along
    for key, group in found.items():
        if key not in barred and group.makers and group.users:
            yield group


def _features(node: onnx.NodeProto, known: set[str]) -> list[str]:
    """Its inputs that are features; what else Resize takes are sizes."""
    names = node.input if node.op_type == "Add" else node.input[:1]
    return [name for name in names if name not in known]


def _shared(graph: onnx.GraphProto) -> set[str]:
    """Weights that more than one node uses."""
    count: dict[str, int] = defaultdict(int)
    for node in graph.node:
        for name in node.input:
            count[name] += 1
    return {tensor.name for tensor in graph.initializer if count[tensor.name] > 1}


def _store(tensor: onnx.TensorProto, value: NDArray[np.float32]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(value, np.float32), tensor.name))

"""What bfloat16 would do to a model, on a machine that need not have it: float32 rounded to 8 bits after every step."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

_SIGNIFICANT = ("Conv", "Gemm", "MatMul")
_EXACT = ("Constant", "Concat", "DepthToSpace", "Expand", "Identity", "Reshape", "Split", "Transpose", "Unsqueeze")
"""Operators that move values and make none."""


def rounded_to_bfloat16(weights: bytes, *, everywhere: bool = False) -> bytes:
    """A model whose features and weights are rounded to bfloat16, sums within a step are not.

    So do processors with AMX or AVX512_BF16 compute: products of bfloat16 are summed in float32.

    Args:
        weights: the bytes of an ONNX file.
        everywhere: also what comes behind the last convolutions (the blend with the sources at full precision),
            which OpenVINO leaves in float32.
    """
    model = onnx.load_model_from_string(weights)
    graph = model.graph
    floats = {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    leading = {node.output[0] for node in graph.node} if everywhere else _leading(graph)
    rounded: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []

    def round_to(name: str) -> str:
        if name not in rounded:
            rounded[name] = f"{name}_bfloat16"
            nodes.append(helper.make_node("Cast", [name], [f"{name}_short"], to=TensorProto.BFLOAT16))
            nodes.append(helper.make_node("Cast", [f"{name}_short"], [rounded[name]], to=TensorProto.FLOAT))
        return rounded[name]

    typed = onnx.shape_inference.infer_shapes(model).graph
    made = {
        value.name
        for value in (*typed.input, *typed.value_info)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    for node in graph.node:
        if node.output[0] in leading and node.op_type not in _EXACT:
            for k, name in enumerate(node.input):
                if name in made or (name in floats and node.op_type in _SIGNIFICANT):
                    node.input[k] = round_to(name)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    data: bytes = model.SerializeToString()
    return data


def _leading(graph: onnx.GraphProto) -> set[str]:
    """Outputs that a convolution or a matrix product still comes behind, and those of these themselves."""
    wanted: set[str] = set()
    for node in reversed(graph.node):
        if node.op_type in _SIGNIFICANT or wanted & set(node.output):
            wanted.update(node.output)
            wanted.update(node.input)
    return wanted

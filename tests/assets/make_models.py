"""Makes the two throw-away models that the tests of the runtime wing fuse with: max(visible, infrared).

Space-to-depth and back, so that they refuse sides that are no multiples, as real networks do.

    python tests/assets/make_models.py
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from onnx import TensorProto, checker, helper

from distilfuse.zoo import ModelRecord

HERE = Path(__file__).parent


def maximum(channels: int, multiple: int) -> bytes:
    shape = ["N", channels, "H", "W"]
    nodes = [helper.make_node("Max", ["visible", "infrared"], ["greater"])]
    nodes.append(helper.make_node("SpaceToDepth", ["greater"], ["folded"], blocksize=multiple))
    nodes.append(helper.make_node("DepthToSpace", ["folded"], ["fused"], blocksize=multiple))
    graph = helper.make_graph(
        nodes,
        "maximum",
        [
            helper.make_tensor_value_info("visible", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("infrared", TensorProto.FLOAT, ["N", 1, "H", "W"]),
        ],
        [helper.make_tensor_value_info("fused", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


def main() -> None:
    for name, visible_input, channels, multiple, halo in (
        ("maximum-luminance", "luminance", 1, 4, 4),
        ("maximum-rgb", "rgb", 3, 8, 0),
    ):
        weights = maximum(channels, multiple)
        (HERE / f"{name}.onnx").write_bytes(weights)
        record = ModelRecord(
            name=name,
            task="ivif",
            summary="The greater of the two pictures, for tests.",
            architecture={"kind": "maximum"},
            file=f"{name}.onnx",
            sha256=hashlib.sha256(weights).hexdigest(),
            size=len(weights),
            parameters=0,
            flop_per_pixel=0,
            visible_input=visible_input,
            multiple=multiple,
            halo=halo,
            gauge={},
            colour={},
            licence="Apache-2.0",
            training_data=[],
            data_terms="No data.",
            scores={},
            recipe="",
        )
        (HERE / f"{name}.json").write_text(record.to_json(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What bounds a nano network in OpenVINO: time, arithmetic and traffic of every operation, beside the peaks.

    python benchmarks/operations.py [MODEL ...] [--threads 2] [--height 480] [--width 640] [--runs 60] [--save]

`GFLOP/s` and `GB/s` are what an operation reaches by its own arithmetic and by the bytes of its inputs and outputs
(which may come from a cache; what is fused into it is not counted); the peaks are a matrix product and a copy in the
same run. `--save` writes benchmarks/results/operations.json.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import openvino
from onnx import shape_inference

from distilfuse.evaluation.speed.machine import commit, describe_machine, measure_peaks, versions
from distilfuse.zoo import find_model, read_weights

RESULTS = Path(__file__).parent / "results" / "operations.json"


def work(model: onnx.ModelProto, sides: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Arithmetic of every convolution in GFLOP, and bytes that every node moves in GB, by the node's output."""
    for value in model.graph.input:
        for axis, dim in zip(("batch", "channels", "height", "width"), value.type.tensor_type.shape.dim, strict=False):
            if not dim.HasField("dim_value"):
                dim.dim_value = sides[axis]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]  # of symbolic sizes
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    kernels = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        out = shapes.get(node.output[0], [])
        moved = sum(4e-9 * float(np.prod(shapes[name])) for name in (*node.input, node.output[0]) if shapes.get(name))
        flop = (
            2e-9 * float(np.prod(out)) * float(np.prod(kernels[node.input[1]][1:])) if node.op_type == "Conv" else 0.0
        )
        for key in (node.name, node.output[0]):
            found[key] = (flop, moved)
    return found


def profile(name: str, asked: argparse.Namespace) -> list[dict[str, object]]:
    record, folder = find_model(name)
    weights = read_weights(record, folder / record.file)
    sides = {"batch": 1, "channels": 1, "height": asked.height, "width": asked.width}
    known = work(onnx.load_model_from_string(weights), sides)
    core = openvino.Core()
    settings = {"PERF_COUNT": "YES", "INFERENCE_NUM_THREADS": asked.threads, "PERFORMANCE_HINT": "LATENCY"}
    model = core.read_model(weights)
    shape = [1, 1, asked.height, asked.width]
    model.reshape({port.any_name: shape for port in model.inputs if len(port.partial_shape) == 4})
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    rng = np.random.default_rng(0)
    inputs = [
        rng.random(shape, np.float32)
        if len(port.partial_shape) == 4
        else np.zeros((1, record.gauge["channels"]), np.float32)
        for port in model.inputs
    ]
    spent: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for turn in range(asked.runs + 5):
        request.infer(inputs)
        for node in request.profiling_info:
            micros = node.real_time.total_seconds() * 1e6
            if turn >= 5 and micros:
                spent[node.node_name, node.node_type, node.exec_type].append(micros)
    rows = []
    for (node_name, kind, how), micros in spent.items():
        flop, moved = known.get(node_name.removesuffix("/WithoutBiases"), (0.0, 0.0))
        least = float(np.median(micros)) / 1e6
        rows.append(
            {
                "operation": node_name, "kind": kind, "by": how, "ms": round(1e3 * least, 3),
                "gflops": round(flop / least, 1), "gbs": round(moved / least, 1), "gflop": round(flop, 4),
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: -float(str(row["ms"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["nano-ivif"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    peak = measure_peaks(asked.threads)
    report = {
        "benchmark": "operations", "commit": commit(), "machine": describe_machine(), "versions": versions(),
        "settings": {key: getattr(asked, key) for key in ("threads", "height", "width", "runs")},
        "peak": {"gflops": round(peak.gflops, 1), "copy_gbs": round(peak.copy_gbs, 1)}, "models": {},
    }  # fmt: skip
    print(f"peak: {peak.gflops:.0f} GFLOP/s, copy {peak.copy_gbs:.1f} GB/s")
    for name in asked.models:
        rows = profile(name, asked)
        total = sum(float(str(row["ms"])) for row in rows)
        flop = sum(float(str(row["gflop"])) for row in rows)
        share = 1e5 * flop / total / peak.gflops
        print(f"\n{name}: {total:.2f} ms in operations, {flop:.2f} GFLOP, {share:.0f} % of the peak")
        for row in rows[:14]:
            print(
                f"{row['ms']:8.3f} ms {100 * float(str(row['ms'])) / total:5.1f} %  {row['gflops']:7.1f} GFLOP/s "
                f"{row['gbs']:6.1f} GB/s  {row['kind']:<16} {row['by']:<26} {row['operation']}"
            )
        report["models"][name] = rows
    if asked.save:
        RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

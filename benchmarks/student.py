"""The student as it is used, beside a naive implementation of the same network: time, peak memory, difference.

    python benchmarks/student.py [--height 512] [--width 640] [--threads 2] [--rounds 3]
                                 [--only onnxruntime openvino] [--onnx FOLDER] [--save]

One student with random weights, every one of which shows in the result, is run in every way:

    unfolded           every 12x12 key window unfolded, channel planes, whole pictures at once, PyTorch as it comes
    torch              ours in PyTorch
    compile            ours by torch.compile
    onnxruntime        ours exported, by the default backend of the package
    openvino           ours exported, by the backend `openvino`
    half-onnxruntime   another network: on pictures of half the side (reduction = 2), exported
    half-openvino      the same by `openvino`

Time: one after the other in every round of one process, the least and the median, on the wall and on the processor
(compare the latter where other work shares the cores). Memory: a process each that fuses one pair, its largest
resident size in all (ru_maxrss), interpreter and libraries included. Difference: the largest between a result and the
unfolded network's; what the reduced network gives is another result, whose quality docs/results.md has.

Exports take minutes; `--onnx` keeps them in a folder, or takes them from there if they are in it. `--save` writes
benchmarks/results/student.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

# Threads that wait asleep, so that processor time counts work and not waiting. Read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from numpy.typing import NDArray

# torch is imported where it is needed: the process that measures a backend must not hold it.
if TYPE_CHECKING:
    from distilfuse.nets import FusionNet

RESULTS = Path(__file__).parent / "results" / "student.json"
WAYS = ("unfolded", "torch", "compile", "onnxruntime", "openvino", "half-onnxruntime", "half-openvino")
HALF = "half-"
DIFFERENCE = 1e-3

Fuse = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


def network(reduction: int = 1) -> FusionNet:
    import torch

    from distilfuse.nets import FusionNet, StudentConfig

    torch.manual_seed(0)
    net = FusionNet(config=StudentConfig(reduction=reduction)).eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return net


def unfolded() -> FusionNet:
    from distilfuse.nets.rivals import make_naive

    return make_naive(network())


def file_of(name: str, folder: Path) -> Path | None:
    """The exported network of a way, if it has one."""
    if name.removeprefix(HALF) not in ("onnxruntime", "openvino"):
        return None
    return folder / ("student-half.onnx" if name.startswith(HALF) else "student.onnx")


def way(name: str, onnx: Path, threads: int) -> Fuse:
    if file := file_of(name, onnx):
        from distilfuse.runtime import open_backend

        return open_backend(name.removeprefix(HALF), file.read_bytes(), threads=threads).run
    import torch

    torch.set_num_threads(threads)
    net = unfolded() if name == "unfolded" else network()
    run = torch.compile(net) if name == "compile" else net

    def fuse(visible: NDArray[np.float32], infrared: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return run(torch.from_numpy(visible), torch.from_numpy(infrared)).numpy()

    return fuse


def pair(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return rng.random((1, 3, height, width), np.float32), rng.random((1, 1, height, width), np.float32)


def write_onnx(name: str, folder: Path) -> None:
    from distilfuse.export.onnx import export_onnx

    file = file_of(name, folder)
    assert file is not None
    export_onnx(network(2 if name.startswith(HALF) else 1), file)


def in_child(asked: argparse.Namespace, onnx: Path, *arguments: str) -> str:
    """A process of its own: small before it starts, for a child's ru_maxrss starts at its parent's size."""
    sizes = [f"--{key}={getattr(asked, key)}" for key in ("height", "width", "threads")]
    child = [sys.executable, __file__, *sizes, f"--onnx={onnx}", *arguments]
    return subprocess.run(child, check=True, stdout=subprocess.PIPE, text=True).stdout


def warmed_up(name: str, fuse: Fuse, inputs: tuple[NDArray[np.float32], NDArray[np.float32]]) -> NDArray[np.float32]:
    """A result, after which the way is as fast as it gets: a backend may set itself up for a size that comes again."""
    if "onnxruntime" in name or "openvino" in name:
        fuse(*inputs)
    return fuse(*inputs)


def peak_megabytes(name: str, asked: argparse.Namespace) -> float:
    warmed_up(name, way(name, asked.onnx, asked.threads), pair(asked.height, asked.width))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(asked: argparse.Namespace, onnx: Path) -> dict[str, dict[str, float]]:
    peaks = {name: float(in_child(asked, onnx, f"--peak={name}")) for name in asked.only}
    ways = {name: way(name, onnx, asked.threads) for name in asked.only}
    inputs = pair(asked.height, asked.width)
    results = {name: warmed_up(name, fuse, inputs) for name, fuse in ways.items()}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, fuse in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            fuse(*inputs)
            spent[name].append((time.perf_counter() - wall, time.process_time() - processor))
    figures: dict[str, dict[str, float]] = {}
    for name, values in spent.items():
        walls, processors = zip(*values, strict=True)
        figures[name] = {
            "wall_s_least": round(min(walls), 3),
            "wall_s_median": round(statistics.median(walls), 3),
            "processor_s_least": round(min(processors), 3),
            "peak_mb": round(peaks[name]),
        }
        if "unfolded" in results:
            figures[name]["times_faster_wall"] = round(figures["unfolded"]["wall_s_least"] / min(walls), 1)
            figures[name]["times_faster_processor"] = round(
                figures["unfolded"]["processor_s_least"] / min(processors), 1
            )
            if not name.startswith(HALF):
                figures[name]["largest_difference"] = float(np.abs(results[name] - results["unfolded"]).max())
    return figures


def table(figures: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(figures.values())))
    lines = [["", *columns]]
    lines += [[name, *(f"{row[key]:.4g}" if key in row else "" for key in columns)] for name, row in figures.items()]
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns) + 1)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=512, help="a multiple of 128")
    parser.add_argument("--width", type=int, default=640, help="a multiple of 128")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--onnx", type=Path, help="folder where exported networks are, or are to be kept")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--peak", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--write", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        return write_onnx(asked.write, asked.onnx)
    if asked.peak:
        return print(peak_megabytes(asked.peak, asked))
    asked.only = [name for name in WAYS if name in asked.only]  # the unfolded first: the others are compared with it
    with tempfile.TemporaryDirectory() as folder:
        onnx = asked.onnx or Path(folder)
        onnx.mkdir(exist_ok=True)
        for name in asked.only:
            if (file := file_of(name, onnx)) and not file.exists():
                in_child(asked, onnx, f"--write={name}")
        figures = measure(asked, onnx)
    from distilfuse.evaluation.speed.machine import commit, describe_machine, versions

    report = {
        "benchmark": "student",
        "commit": commit(),
        "machine": describe_machine(),
        "versions": versions(),
        "settings": {key: getattr(asked, key) for key in ("height", "width", "threads", "rounds")},
        "figures": figures,
    }
    print(table(figures))
    if asked.save:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if any(row.get("largest_difference", 0) > DIFFERENCE for row in figures.values()):
        raise SystemExit(f"Results differ by more than {DIFFERENCE}; their times cannot be compared.")


if __name__ == "__main__":
    main()

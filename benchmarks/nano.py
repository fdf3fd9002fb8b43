"""What a nano network should be made of: the quality of every candidate of the recipe `nano-search` beside its speed.

    distilfuse train nano-search --data DIR -o RUNS
    python benchmarks/nano.py RUNS [--threads 2] [--rounds 9] [--save]

Quality: means over the validation pairs that the training wrote down after its last step, equal for all. Speed: the
network alone at 640x480 in ONNX Runtime and OpenVINO, candidates in turns, the least of the rounds (the JSON has the
median too). Only candidates that are trained are shown. `--save` writes benchmarks/results/nano.json and
docs/images/nano-search.png.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from distilfuse.evaluation.speed.machine import commit, describe_machine, measure_peaks, versions
from distilfuse.export.arithmetic import flop_per_pixel
from distilfuse.export.onnx import export_onnx
from distilfuse.nets.nano import NanoNet
from distilfuse.runtime import Backend, open_backend
from distilfuse.training.recipe import find_recipe, load_stages
from distilfuse.training.trained import load_trained

HEIGHT, WIDTH = 480, 640
BACKENDS = ("onnxruntime", "openvino")
ROOT = Path(__file__).parent


def quality(folder: Path) -> dict[str, float]:
    """The last row of what a training wrote down."""
    with (folder / "validation.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    sets = sorted({name.split("/")[0] for name in last if name.endswith("/VIF") and not name.startswith("varied")})
    means = {metric: statistics.fmean(float(last[f"{name}/{metric}"]) for name in sets) for metric in ("VIF", "Qabf")}
    return {**means, "varied": float(last["varied/Qabf"]), "degraded": float(last["degraded/Qabf"])}


def candidates(runs: Path, threads: int) -> tuple[list[dict[str, object]], list[dict[str, Backend]]]:
    rows: list[dict[str, object]] = []
    loaded: list[dict[str, Backend]] = []
    for key, stage in load_stages(find_recipe("nano-search")).items():
        weights = runs / key / f"{stage.name}.safetensors"
        if not weights.is_file():
            continue
        network = load_trained(weights).network
        assert isinstance(network, NanoNet)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.onnx"
            export_onnx(network, path)
            model = path.read_bytes()
        network.merge()
        loaded.append({name: open_backend(name, model, threads=threads) for name in BACKENDS})
        rows.append(
            {
                "name": stage.name,
                "network": network.config.to_dict(),
                "parameters": sum(weight.numel() for weight in network.parameters()),
                "gflop": round(flop_per_pixel(network) * HEIGHT * WIDTH / 1e9, 3),
                **{metric: round(value, 4) for metric, value in quality(weights.parent).items()},
            }
        )
    return rows, loaded


def measure(loaded: list[dict[str, Backend]], rounds: int) -> list[dict[str, list[float]]]:
    rng = np.random.default_rng(0)
    pair = [rng.random((1, 1, HEIGHT, WIDTH), np.float32) for _ in range(2)]
    times: list[dict[str, list[float]]] = [{name: [] for name in backends} for backends in loaded]
    for turn in range(rounds + 1):
        for spent, backends in zip(times, loaded, strict=True):
            for name, backend in backends.items():
                backend.run(*pair)  # the one before left other things in the caches
                start = time.perf_counter()
                backend.run(*pair)
                if turn:
                    spent[name].append(1e3 * (time.perf_counter() - start))
    return times


def draw(rows: list[dict[str, object]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (metric, title) in zip(
        figure.subplots(1, 2), (("Qabf", "clean"), ("degraded", "mean of eight degradations")), strict=True
    ):
        for row in rows:
            fastest = min(row[f"{name}_ms"] for name in BACKENDS)  # type: ignore[type-var]
            axes.plot([fastest], [row[metric]], "o", color="#0072B2")  # type: ignore[list-item]
            axes.annotate(str(row["name"]), (fastest, row[metric]), (4, 3), textcoords="offset points", fontsize=7)  # type: ignore[arg-type]
        axes.set_xscale("log")
        axes.set_xticks([5, 10, 20, 50], labels=["5", "10", "20", "50"])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(f"milliseconds at {WIDTH}x{HEIGHT}, the faster backend")
        axes.set_ylabel(f"Qabf, validation pairs, {title}")
        axes.grid(True, which="both", alpha=0.3)
        axes.margins(x=0.2)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="the output of the training: a folder a candidate")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    rows, loaded = candidates(asked.runs, asked.threads)
    if not rows:
        raise SystemExit(f"{asked.runs} holds no trained candidate: distilfuse train nano-search --data DIR -o RUNS")
    for row, spent in zip(rows, measure(loaded, asked.rounds), strict=True):
        for name, values in spent.items():
            row[f"{name}_ms"], row[f"{name}_median_ms"] = round(min(values), 2), round(statistics.median(values), 2)
    peak = measure_peaks(asked.threads)
    print("| candidate | parameters | GFLOP | ONNX Runtime, ms | OpenVINO, ms | VIF | Qabf | varied | degraded |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['name']} | {row['parameters']:,} | {row['gflop']:.2f} | {row['onnxruntime_ms']:.1f} | "
            f"{row['openvino_ms']:.1f} | {row['VIF']:.3f} | {row['Qabf']:.3f} | {row['varied']:.3f} | "
            f"{row['degraded']:.3f} |"
        )
    print(f"\nThis machine's peak, {asked.threads} threads: {peak.gflops:.0f} GFLOP/s.")
    if asked.save:
        report = {
            "benchmark": "nano",
            "commit": commit(),
            "machine": describe_machine(),
            "versions": versions(),
            "settings": {"height": HEIGHT, "width": WIDTH, "threads": asked.threads, "rounds": asked.rounds},
            "peak_gflops": round(peak.gflops, 1),
            "candidates": rows,
        }
        (ROOT / "results" / "nano.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        draw(rows, ROOT.parent / "docs" / "images" / "nano-search.png")


if __name__ == "__main__":
    main()

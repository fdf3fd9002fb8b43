"""The windowed attention block (SSAB) beside a plain unfold implementation: time and peak memory.

    python benchmarks/attention.py [--height 512] [--width 640] [--threads 2] [--rounds 7] [--save]

Both run the same weights on the same features (first level of the student, 16 channels) under no_grad; the
run stops if their results differ. Time: alternately in one process, the least and the median of the rounds,
on the wall and on the processor (compare the latter where other work shares the cores). Memory: a process
each, growth of its largest resident size (ru_maxrss) over one forward pass, after a small warm-up pass.

`--save` writes benchmarks/results/attention.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Threads that wait asleep, so that processor time counts work and not waiting. Read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn

from distilfuse.evaluation.speed.machine import commit, describe_machine, versions
from distilfuse.nets import StudentConfig
from distilfuse.nets.layers import Residual
from distilfuse.nets.rivals import UnfoldedAttention
from distilfuse.nets.spatial_attention import SpatialAttention

RESULTS = Path(__file__).parent / "results" / "attention.json"
TIMES_FASTER = 3.0
SHARE_OF_MEMORY = 0.25


def blocks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    config = StudentConfig()
    part = SpatialAttention(
        channels=config.channels,
        heads=config.spatial_heads[0],
        head_dim=config.head_dim,
        window=config.window,
        overlap_window=config.overlap_window,
    )
    nn.init.normal_(part.row_bias)
    nn.init.normal_(part.column_bias)
    ours = Residual(body=part, channels=config.channels, norm=config.norm)
    unfolded = Residual(body=UnfoldedAttention(part), channels=config.channels, norm=config.norm)
    return {"ours": ours.to(memory_format=torch.channels_last), "unfolded": unfolded}


def features(name: str, height: int, width: int) -> Tensor:
    torch.manual_seed(1)
    x = torch.randn(1, StudentConfig().channels, height, width)
    # Each in the order of memory it is at home in: ours pixel by pixel, unfold plane by plane.
    return x.contiguous(memory_format=torch.channels_last) if name == "ours" else x


def peak_megabytes(name: str, height: int, width: int) -> float:
    """Growth of this process's largest resident size over one forward pass."""
    block = blocks()[name]
    with torch.no_grad():
        block(features(name, 64, 64))
        x = features(name, height, width)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        block(x)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def peak_in_child(name: str, height: int, width: int, threads: int) -> float:
    sizes = ["--height", str(height), "--width", str(width), "--threads", str(threads)]
    child = [sys.executable, __file__, "--peak", name, *sizes]
    return float(subprocess.run(child, check=True, capture_output=True, text=True).stdout)


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(height: int, width: int, threads: int, rounds: int) -> dict[str, dict[str, float]]:
    # Before this process grows: a child's ru_maxrss starts at what its parent reached.
    peaks = {name: peak_in_child(name, height, width, threads) for name in ("ours", "unfolded")}
    both = blocks()
    inputs = {name: features(name, height, width) for name in both}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in both}
    with torch.no_grad():
        difference = (both["ours"](inputs["ours"]) - both["unfolded"](inputs["unfolded"])).abs().max().item()
        if difference > 1e-4:
            raise SystemExit(f"The two blocks differ by {difference:.2e}; their times cannot be compared.")
        for _ in range(rounds):
            for name, block in both.items():
                spent[name].append(seconds(lambda block=block, x=inputs[name]: block(x)))
    figures: dict[str, dict[str, float]] = {}
    for name, values in spent.items():
        walls, processors = zip(*values, strict=True)
        figures[name] = {
            "wall_ms_least": round(1e3 * min(walls), 1),
            "wall_ms_median": round(1e3 * statistics.median(walls), 1),
            "processor_ms_least": round(1e3 * min(processors), 1),
            "processor_ms_median": round(1e3 * statistics.median(processors), 1),
            "peak_mb": round(peaks[name], 1),
        }
    ours, unfolded = figures["ours"], figures["unfolded"]
    figures["ratios"] = {
        **{f"times_faster_{key}": round(unfolded[key] / ours[key], 2) for key in ours if key != "peak_mb"},
        "share_of_memory": round(ours["peak_mb"] / unfolded["peak_mb"], 3),
        "largest_difference": difference,
    }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--peak", choices=["ours", "unfolded"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if asked.peak:
        print(peak_megabytes(asked.peak, asked.height, asked.width))
        return
    figures = measure(asked.height, asked.width, asked.threads, asked.rounds)
    report = {
        "benchmark": "attention",
        "commit": commit(),
        "machine": describe_machine(),
        "versions": versions(),
        "settings": {key: getattr(asked, key) for key in ("height", "width", "threads", "rounds")},
        "figures": figures,
    }
    print(json.dumps(report, indent=2))
    if asked.save:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    ratios = figures["ratios"]
    if ratios["times_faster_processor_ms_least"] < TIMES_FASTER or ratios["share_of_memory"] > SHARE_OF_MEMORY:
        raise SystemExit(f"Wanted: {TIMES_FASTER} times faster, {SHARE_OF_MEMORY} of the memory.")


if __name__ == "__main__":
    main()

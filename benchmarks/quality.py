"""Score models and max() on the test pairs, clean and degraded (protocol ``paper``).

    python benchmarks/quality.py --data DIR [--model NAME ...] [-o benchmarks/results/quality.json]

DIR holds the data sets as ``SET/vi`` and ``SET/ir``. Degraded rows fuse degraded inputs (severity 3) and are
scored against the clean sources. Nothing here feeds back into training: test pairs are only measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

import distilfuse
from distilfuse import Fuser
from distilfuse.datasets.pairs import Pair, load_pairs
from distilfuse.evaluation.degradations import DEGRADATIONS, degrade, generator
from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.metrics import METRICS, score

Bytes = NDArray[np.uint8]
Method = Callable[[Bytes, Bytes], Bytes]
SETS = ("msrs", "roadscene", "tno")
DEGRADED_SET = "roadscene"


def brighter(visible: Bytes, infrared: Bytes) -> Bytes:
    """max(Y, I) with the visible chroma: the line of code that a model has to beat."""
    y = luminance(visible)
    return with_luminance(visible, y, np.maximum(y, infrared / np.float32(255)))


def clean_row(method: Method, pairs: list[Pair], label: str) -> dict[str, float]:
    """Mean of every metric over the pairs."""
    rows = [
        list(score(p.visible, p.infrared, method(p.visible, p.infrared)).values())
        for p in track(pairs, label, transient=True)
    ]
    return dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True))


def degraded_row(method: Method, pairs: list[Pair], kind: str, label: str) -> dict[str, float]:
    """Mean of every metric of fused-from-degraded against the clean sources."""
    rows = []
    for pair in track(pairs, label, transient=True):
        inputs = degrade(
            pair.visible / np.float32(255),
            pair.infrared / np.float32(255),
            kind=kind,
            rng=generator(0, pair.name, kind),
        )
        visible, infrared = (np.round(image * 255).astype(np.uint8) for image in inputs)
        rows.append(list(score(pair.visible, pair.infrared, method(visible, infrared)).values()))
    return dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[], help="name, or path of a record; repeatable")
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    methods: dict[str, Method] = {"max": brighter}
    for name in arguments.model:
        methods[Path(name).stem] = Fuser.from_pretrained(name)

    pairs = {name: load_pairs(arguments.data, name, "test") for name in SETS}
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, method in methods.items():
        rows = results[name] = {}
        for dataset in SETS:
            rows[dataset] = clean_row(method, pairs[dataset], f"{name} {dataset}")
        for kind in DEGRADATIONS:
            rows[f"{DEGRADED_SET}/{kind}@3"] = degraded_row(method, pairs[DEGRADED_SET], kind, f"{name} {kind}")
        degraded = [row for key, row in rows.items() if "@" in key]
        rows[f"{DEGRADED_SET}/mean of degraded"] = {m: float(np.mean([row[m] for row in degraded])) for m in METRICS}

    table = Table("set", *(f"{name} {metric}" for name in methods for metric in METRICS))
    for key in next(iter(results.values())):
        table.add_row(key, *(f"{results[name][key][metric]:.3f}" for name in methods for metric in METRICS))
    Console(width=200).print(table)
    if arguments.out:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
        versions = {name: metadata.version(name) for name in ("numpy", "onnxruntime")}
        versions["distilfuse"] = distilfuse.__version__
        record = {
            "protocol": "paper",
            "commit": commit.stdout.strip(),
            "machine": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
            "versions": versions,
            "pairs": {name: len(members) for name, members in pairs.items()},
            "results": results,
        }
        arguments.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

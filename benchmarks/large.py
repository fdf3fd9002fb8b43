"""Time and peak memory of `distilfuse fuse` on one large pair, each size in a process of its own.

    python benchmarks/large.py [--megapixels 1 10 50 100] [--suffixes .png .tif .jpg] [--folder 3]
        [--backend onnxruntime] [--threads 2] [--save]

The pair is a sample scene of the package, enlarged, with noise of its own in every pixel: nothing repeats that an
encoder could use. The first suffix is measured at every size, the others at the largest. The memory is the largest
resident size of the whole process as the system counts it (VmHWM, Linux only), in units of 2^20 bytes. `--folder N`
also fuses a folder of N pairs of the largest size in one process.

`--save` writes benchmarks/results/large.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from distilfuse import samples
from distilfuse.evaluation.speed.machine import commit, describe_machine, versions

RESULTS = Path(__file__).parent / "results" / "large.json"
LIMIT_MB = 1500
CHILD = """
import re, sys, time
from pathlib import Path
from distilfuse.cli.main import main
sys.argv = ["distilfuse", *sys.argv[1:]]
start = time.perf_counter(), time.process_time()
try:
    main()
finally:
    spent = time.perf_counter() - start[0], time.process_time() - start[1]
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    print("figures", *spent, peak.group(1), file=sys.stderr)
"""


def make_pair(folder: Path, megapixels: float, suffix: str) -> tuple[Path, Path]:
    """A square pair, made in bands so that this does not take more memory than what it measures."""
    side = round((megapixels * 1e6) ** 0.5)
    rng = np.random.default_rng(3)
    paths = []
    for name, picture in zip(("visible", "infrared"), samples.load("day-road"), strict=True):
        pixels = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)).copy()
        for top in range(0, side, 256):
            band = pixels[top : top + 256]
            band[...] = (band + rng.normal(0, 2, band.shape)).clip(0, 255)
        path = folder / f"{name}-{side}{suffix}"
        options: dict[str, Any] = {".png": {"compress_level": 1}, ".jpg": {"quality": 95}}.get(suffix, {})
        Image.fromarray(pixels).save(path, **options)
        paths.append(path)
    return paths[0], paths[1]


def fuse(visible: Path, infrared: Path, output: Path, options: list[str]) -> dict[str, float]:
    command = [sys.executable, "-c", CHILD, "fuse", str(visible), str(infrared), "-o", str(output), *options]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Fusing {visible} failed: {done.stderr}")
    *said, figures = done.stderr.strip().splitlines()
    if said:
        raise SystemExit(f"Fusing {visible} was not quiet: {said}")
    _, processor, peak = map(float, figures.split()[1:])
    return {
        "wall_s": round(time.perf_counter() - start, 1),
        "processor_s": round(processor, 1),
        "peak_mb": round(peak / 1024),
    }


def measure(asked: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    options = ["--backend", asked.backend, *(["--threads", str(asked.threads)] if asked.threads else [])]
    largest = max(asked.megapixels)
    wanted = [(size, asked.suffixes[0]) for size in asked.megapixels]
    wanted += [(largest, suffix) for suffix in asked.suffixes[1:]]
    rows = []
    for size, suffix in wanted:
        pair = make_pair(folder, size, suffix)
        figures = fuse(*pair, folder / f"fused{suffix}", options)
        rows.append({"megapixels": size, "suffix": suffix, "pairs": 1, **figures})
        print(rows[-1], flush=True)
        for path in (*pair, folder / f"fused{suffix}"):
            path.unlink()
    if asked.folder:
        pair = make_pair(folder, largest, asked.suffixes[0])
        places = folder / "visible", folder / "infrared"
        for place, path in zip(places, pair, strict=True):
            place.mkdir()
            for index in range(asked.folder):
                os.link(path, place / f"{index}{path.suffix}")
        figures = fuse(*places, folder / "out", options)
        rows.append({"megapixels": largest, "suffix": asked.suffixes[0], "pairs": asked.folder, **figures})
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 10, 50, 100])
    parser.add_argument("--suffixes", nargs="+", default=[".png", ".tif", ".jpg"])
    parser.add_argument("--folder", type=int, default=3)
    parser.add_argument("--backend", default="onnxruntime")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measure(asked, Path(name))
    if asked.save:
        report = {
            "benchmark": "large",
            "commit": commit(),
            "machine": describe_machine(),
            "versions": versions(),
            "settings": {"model": "nano-ivif", "backend": asked.backend, "threads": asked.threads or "one a CPU"},
            "figures": rows,
        }
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if too_large := [row for row in rows if row["megapixels"] <= 100 and row["peak_mb"] > LIMIT_MB]:
        raise SystemExit(f"Wanted: at most {LIMIT_MB} MB at 100 megapixels, not {too_large}.")


if __name__ == "__main__":
    main()

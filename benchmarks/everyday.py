"""Time and peak memory of everyday commands, each in a process of its own, beside what they work on.

    python benchmarks/everyday.py [--only camera video ...] [--save]

Inputs are made from the sample pairs and from the tests' writers: a 640x480 pair, 60 of them, a FLIR file with a
thermal picture of 640x480 and a visible one of 1440x1080, 100 frames of 640x480, a PET of 128x128x64 with an MRI of
256x256x64. Wall and processor time are of the whole command, start of the interpreter included; memory is the largest
resident size of its process as the system counts it (VmHWM, Linux only), in units of 2^20 bytes. Commands whose extra
is not installed are left out. `--save` writes benchmarks/results/everyday.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from distilfuse import samples
from distilfuse.evaluation.speed.machine import commit, describe_machine, versions

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "assets"))

RESULTS = HERE / "results" / "everyday.json"
SIZE = (640, 480)
PAIRS = 60
FRAMES = 100
ROUNDS = 3
CHILD = """
import re, sys, time
from pathlib import Path
sys.argv = ["distilfuse", *sys.argv[1:]]
from distilfuse.cli.main import main
try:
    main()
finally:
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    print("figures", time.process_time(), peak.group(1), file=sys.stderr)
"""


def pair(name: str = "day-road") -> tuple[np.ndarray, np.ndarray]:
    visible, infrared = (
        np.asarray(Image.fromarray(picture).resize(SIZE, Image.Resampling.BICUBIC)) for picture in samples.load(name)
    )
    return visible, infrared


def files(folder: Path) -> list[str]:
    visible, infrared = pair()
    Image.fromarray(visible).save(folder / "v.png")
    Image.fromarray(infrared).save(folder / "i.png")
    return ["fuse", "v.png", "i.png", "-o", "f.png"]


def counts(folder: Path) -> list[str]:
    files(folder)
    Image.fromarray(7000 + 8 * pair()[1].astype(np.uint16)).save(folder / "c.png")
    return ["fuse", "v.png", "c.png", "-o", "f.png", "--polarity", "auto", "--ir-strength", "0.7", "--save", "thermal"]


def many(folder: Path) -> list[str]:
    visible, infrared = pair()
    rng = np.random.default_rng(1)
    for place, plane in (("vs", visible), ("is", infrared)):
        (folder / place).mkdir()
        for index in range(PAIRS):
            noisy = (plane + rng.normal(0, 2, plane.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / place / f"{index}.png")
    return ["fuse", "vs", "is", "-o", "fused", "--report", "run.json"]


def resumed(folder: Path) -> list[str]:
    command = many(folder)
    measure(folder, command)
    (folder / "run.json").unlink()
    return [*command, "--resume"]


def camera(folder: Path) -> list[str]:
    from flir_writer import Scene, flir_jpeg

    visible, infrared = pair()
    large = np.asarray(Image.fromarray(visible).resize((1440, 1080)))
    (folder / "FLIR0001.jpg").write_bytes(flir_jpeg(Scene(celsius=10 + infrared / 8.0, visible=large)))
    return ["camera", "FLIR0001.jpg", "-o", "f.jpg"]


def align(folder: Path) -> list[str]:
    visible, infrared = pair()
    Image.fromarray(visible).save(folder / "v.png")
    turned = Image.fromarray(infrared).rotate(2, Image.Resampling.BICUBIC, translate=(9, -6))
    turned.crop((20, 20, 620, 460)).save(folder / "i.png")
    return ["align", "v.png", "i.png", "-o", "rig.json"]


def video(folder: Path) -> list[str]:
    import av

    for name, plane in zip(("v.mp4", "i.mp4"), pair(), strict=True):
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "18"})
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            for index in range(FRAMES):
                moved = np.ascontiguousarray(np.roll(plane, 2 * index, axis=1))
                frame = av.VideoFrame.from_ndarray(moved, format="rgb24" if moved.ndim == 3 else "gray")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return ["video", "v.mp4", "i.mp4", "-o", "f.mp4"]


def volume(folder: Path) -> list[str]:
    import nibabel

    for name, shape in (("pet.nii.gz", (128, 128, 64)), ("mr.nii.gz", (256, 256, 64))):
        axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
        head = (sum(axis**2 for axis in axes) < 0.8).astype(np.float32)
        waves = 1 + np.sin(9 * axes[0]) * np.cos(7 * axes[1])
        affine = np.diag([*(256 / side for side in shape[:2]), 2, 1])
        nibabel.save(nibabel.Nifti1Image(head * waves.astype(np.float32) * 3, affine), folder / name)
    return ["volume", "pet.nii.gz", "mr.nii.gz", "-o", "f.nii.gz", "--png", "slices", "--mip"]


def bulk(folder: Path) -> list[str]:
    many(folder)
    rows = [f"vs/{index}.png,is/{index}.png,{index}.png" for index in range(PAIRS)]
    (folder / "pairs.csv").write_text("\n".join(["visible,infrared,output", *rows]) + "\n")
    return ["bulk", "pairs.csv", "-o", "fused"]


WORK: dict[str, tuple[Callable[[Path], list[str]], str, tuple[str, ...]]] = {
    "files": (files, "one 640x480 pair", ()),
    "counts": (counts, "16-bit counts, polarity, strength, thermal picture", ()),
    "folder": (many, f"{PAIRS} pairs with a report", ()),
    "resume": (resumed, f"the same {PAIRS} pairs again, nothing to do", ()),
    "camera": (camera, "FLIR file, 640x480 thermal, 1440x1080 visible, temperatures", ()),
    "align": (align, "one 640x480 pair", ("cv2",)),
    "video": (video, f"{FRAMES} frames of 640x480, H.264", ("av",)),
    "volume": (volume, "256x256x64, slices and projections", ("nibabel", "pydicom", "scipy")),
    "bulk": (bulk, f"{PAIRS} pairs on this machine", ("fsspec",)),
}


def measure(folder: Path, command: list[str]) -> dict[str, float]:
    options = [] if command[0] == "align" else ["--backend", "onnxruntime"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *command, *options], cwd=folder, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
    processor, peak = map(float, done.stderr.strip().splitlines()[-1].split()[1:])
    return {"wall_s": round(wall, 2), "processor_s": round(processor, 2), "peak_mb": round(peak / 1024)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in asked.only:
        make, what, modules = WORK[name]
        if missing := [module for module in modules if find_spec(module) is None]:
            print(f"{name} is left out: {', '.join(missing)} is not installed")
            continue
        rounds = []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(measure(Path(folder), make(Path(folder))))
        best = min(rounds, key=lambda figures: figures["wall_s"])
        rows.append({"command": name, "what": what, **best})
        print(f"| {name} | {what} | {best['wall_s']} s | {best['processor_s']} s | {best['peak_mb']} MiB |", flush=True)
    if asked.save:
        report = {
            "benchmark": "everyday",
            "commit": commit(),
            "machine": describe_machine(),
            "versions": versions(),
            "rounds": ROUNDS,
            "figures": rows,
        }
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""A folder of pairs: reading, fusing and writing alone, one pair after the other, and as `distilfuse fuse` does it.

    python benchmarks/pipeline.py [--pairs 60] [--threads 2] [--rounds 3] [--backend onnxruntime]
        [--readers N] [--writers N] [--ahead N] [--behind N] [--save]

The pairs are the sample scenes of the package, 640 x 480, shifted, mirrored and with noise of their own. Every round
measures all of it in turn, on the wall and on the processor, and the least of the rounds counts. A folder cannot be
faster than its slowest stage, nor than the processor time of all three shared among the cores: the table says which of
the two bounds. Where other work takes the cores from this one, a wall time is too long and the processor time is not;
`cores` says how many the measurement got. `waiting` is the pipeline with stages that sleep as long as the real ones
compute: what it loses where cores suffice.

`--save` writes benchmarks/results/pipeline.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from distilfuse import Fuser, samples
from distilfuse.evaluation.speed.machine import commit, describe_machine, versions
from distilfuse.runtime import usable_cpus
from distilfuse.workflows import pipeline
from distilfuse.workflows.files import Job, fuse_files, fuse_pair, read_pair, write_fused
from distilfuse.workflows.folders import EXPECTED, PIXELS_IN_FLIGHT, FolderPlan, folder_stages, plan_folders
from distilfuse.workflows.pipeline import Stages, run_pipeline
from distilfuse.workflows.remarks import hearing

RESULTS = Path(__file__).parent / "results" / "pipeline.json"
SCENES = ("night-street", "smoke-yard", "day-road")
STAGES = ("reading", "fusing", "writing")


def make_pairs(folder: Path, number: int) -> tuple[Path, Path]:
    """Two folders of PNG pictures."""
    rng = np.random.default_rng(5)
    folders = folder / "visible", folder / "infrared"
    for made in folders:
        made.mkdir()
    for index in range(number):
        pair = samples.load(SCENES[index % len(SCENES)])
        shift, turn = int(rng.integers(640)), index // len(SCENES) % 2
        for made, picture in zip(folders, pair, strict=True):
            moved = np.roll(picture, shift, axis=1)[:, :: 1 - 2 * turn]
            noisy = moved + rng.normal(0, 2, moved.shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(made / f"{index:03}.png")
    return folders


def spent(run: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def in_threads(number: int, call: Callable[..., object], *arguments: Iterable[Any]) -> None:
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(call, *arguments))


def ways(fuser: Fuser, plan: FolderPlan, queues: dict[str, int]) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    jobs = plan.jobs
    pairs = [read_pair(job) for job in jobs]
    fused = [fuse_pair(fuser, pair) for pair in pairs]

    def write(job: Job, picture: Any) -> None:
        write_fused(job, picture, overwrite=True)

    def together() -> None:
        stages = folder_stages(fuser, overwrite=True)
        with hearing():
            for finished in run_pipeline(jobs, stages, room=PIXELS_IN_FLIGHT, expected=EXPECTED, **queues):
                if finished.error:
                    raise SystemExit(f"{finished.error}")

    return {
        "reading": lambda: in_threads(queues["readers"], read_pair, jobs),
        "fusing": lambda: [fuse_pair(fuser, pair) for pair in pairs],
        "writing": lambda: in_threads(queues["writers"], write, jobs, fused),
        "one by one": lambda: [fuse_files(fuser, job, overwrite=True) for job in jobs],
        "pipeline": together,
    }


def waiting(seconds: dict[str, float], number: int, queues: dict[str, int]) -> dict[str, float]:
    """The pipeline with stages that sleep so long for each item."""

    def sleep(stage: str) -> None:
        time.sleep(seconds[stage])

    stages = Stages[int, None, None, None](
        read=lambda item: sleep("reading"),
        work=lambda item, loaded: sleep("fusing"),
        write=lambda item, made, abandon: sleep("writing"),
    )
    wall, _ = spent(lambda: list(run_pipeline(range(number), stages, room=0, expected=(), **queues)))
    threads = {"reading": queues["readers"], "fusing": 1, "writing": queues["writers"]}
    slowest = max(number * seconds[name] / threads[name] for name in STAGES)
    return {"wall_s": round(wall, 3), "slowest_stage_s": round(slowest, 3), "over_slowest": round(wall / slowest, 3)}


def measure(fuser: Fuser, plan: FolderPlan, rounds: int, queues: dict[str, int]) -> dict[str, Any]:
    plan.output.mkdir()
    timed = ways(fuser, plan, queues)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, run in timed.items():
            taken[name].append(spent(run))
    figures: dict[str, Any] = {}
    for name, values in taken.items():
        wall, processor = min(wall for wall, _ in values), min(processor for _, processor in values)
        best = min(values)
        figures[name] = {
            "wall_s": round(wall, 3),
            "processor_s": round(processor, 3),
            "cores": round(best[1] / best[0], 2),
            "pairs_per_s": round(len(plan.jobs) / wall, 2),
        }
    each = {name: figures[name]["processor_s"] / len(plan.jobs) for name in STAGES}
    sleeping = waiting(each, len(plan.jobs), queues)
    slowest = max(STAGES, key=lambda name: figures[name]["wall_s"])
    shared = sum(figures[name]["processor_s"] for name in STAGES) / usable_cpus()
    bound = max(figures[slowest]["wall_s"], shared)
    together = figures["pipeline"]
    figures["bounds"] = {
        "slowest_stage": slowest,
        "slowest_stage_s": figures[slowest]["wall_s"],
        "processor_time_shared_s": round(shared, 3),
        "what_bounds": slowest if figures[slowest]["wall_s"] >= shared else "processor time",
        "pipeline_over_bound": round(together["wall_s"] / bound, 3),
        "pipeline_over_processor_time_at_its_cores": round(
            together["wall_s"] * together["cores"] / (shared * usable_cpus()), 3
        ),
        "waiting_over_slowest_stage": sleeping["over_slowest"],
    }
    return figures


def show(figures: dict[str, Any]) -> None:
    print(f"{'':12}{'wall s':>9}{'CPU s':>9}{'cores':>7}{'pairs/s':>9}")
    for name, row in figures.items():
        if name != "bounds":
            print(f"{name:12}{row['wall_s']:9.2f}{row['processor_s']:9.2f}{row['cores']:7.2f}{row['pairs_per_s']:9.2f}")
    for name, value in figures["bounds"].items():
        print(f"{name.replace('_', ' ')}: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backend", default="onnxruntime")
    for name in ("readers", "writers", "ahead", "behind"):
        parser.add_argument(f"--{name}", type=int, default=getattr(pipeline, name.upper()))
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    asked = parser.parse_args()
    queues = {name: getattr(asked, name) for name in ("readers", "writers", "ahead", "behind")}
    fuser = Fuser.from_pretrained(backend=asked.backend, threads=asked.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = plan_folders(*make_pairs(folder, asked.pairs), folder / "fused", overwrite=True)
        figures = measure(fuser, plan, asked.rounds, queues)
    show(figures)
    if asked.save:
        report = {
            "benchmark": "pipeline",
            "commit": commit(),
            "machine": describe_machine(),
            "versions": versions(),
            "settings": {
                "pairs": asked.pairs,
                "size": "640x480",
                "model": fuser.record.name,
                "backend": fuser.backend,
                "threads": fuser.threads,
                "rounds": asked.rounds,
                **queues,
            },
            "figures": figures,
        }
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Known warps recovered: `distilfuse align` on pairs whose infrared picture was moved by a known transformation.

    python benchmarks/alignment.py --data DATA [--sets roadscene,llvip,msrs] [--pairs 50] [--save]

Each infrared picture is moved by a random similarity or, in turns, homography (scale to 8 %, rotation to 5 degrees,
shift to 8 % of the sides; of a homography, each corner by another 2 %), and cut to the largest rectangle without a
border, so that nothing but what it shows tells where it lies. Errors are mean distances over a grid of 81 points, in
pixels of the visible picture:

- `nominal`: from the known warp, as if the set were registered perfectly. It is not: the error of the set itself is in
  this number.
- `error`: from the known warp after the set's own registration, which is what `align` finds for the untouched pair (of
  LLVIP, of one scene: for that pair). Where that is refused or far from the set's (1.5 % of the longer side), the set's
  is taken; where it is far and not refused, of one pair, neither: the error is that at places which a person marked in
  both pictures.

Beside them `exact`: the sample pairs of the package, which are rendered and registered exactly, moved the same way.

RoadScene and MSRS: test pairs; LLVIP has no test pairs here: validation pairs, with several warps each. No threshold
was chosen on them. `--save` writes benchmarks/results/alignment.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# One core: read when numpy loads its BLAS.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import cv2
import numpy as np
from numpy.typing import NDArray

import distilfuse
from distilfuse import samples
from distilfuse.datasets.pairs import load_pairs
from distilfuse.evaluation.speed.machine import commit, describe_machine, versions
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.scaling import to_unit
from distilfuse.imaging.transforms import Matrix, Size, corners, distance, fit
from distilfuse.imaging.warping import Warper
from distilfuse.workflows.alignment.confidence import LEAST
from distilfuse.workflows.alignment.estimation import Estimate, estimate
from distilfuse.workflows.alignment.views import View

RESULTS = Path(__file__).parent / "results" / "alignment.json"
SPLITS = {"roadscene": "test", "llvip": "validation", "msrs": "test"}
KINDS = ("similarity", "homography")
SCENES = ("night-street", "smoke-yard", "day-road")
FAR = 0.015
"""Share of the longer side beyond which a set's own registration, as found, is not believed."""

MARKS = {
    "roadscene/FLIR_04722": [
        *((111, 213, 119.5, 207), (90, 154, 91.5, 154), (85.5, 134, 85, 135.5)),  # a car: wheel, window, roof
        *(
            (98.5, 41, 93, 40),
            (97.3, 60, 93.7, 60),
            (118.3, 60, 115.8, 60),
            (121.7, 60, 119.3, 60),
            (146, 61, 144.5, 62),
        ),
        *((335, 199, 334.5, 199.5), (383, 177.5, 382, 178.5)),  # before these, palm trees; these, wheels of others
    ]
}
"""Columns and rows in the visible and in the infrared picture, read at eight times the size, to a pixel or two."""


@dataclass(frozen=True)
class Row:
    """One warp."""

    set: str
    pair: str
    kind: str
    side: int
    error: float
    nominal: float
    own: float
    accepted: bool
    confidence: float
    model: str
    seconds: float
    """Of processor time."""


def random_warp(rng: np.random.Generator, size: Size, kind: str) -> Matrix:
    scale, angle = rng.uniform(0.92, 1.08), np.radians(rng.uniform(-5, 5))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (np.array(size) - 1) / 2
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = centre + rng.uniform(-0.08, 0.08, 2) * size - turn @ centre
    if kind == "homography":
        places = corners(size)
        matrix = matrix @ fit("homography", places, places + rng.uniform(-0.02, 0.02, (4, 2)) * size)
    return matrix


def moved(plane: NDArray[np.float32], warp: Matrix) -> tuple[NDArray[np.float32], Matrix]:
    """The part without a border of a picture that was moved, and the way from its pixels back."""
    size = plane.shape[1], plane.shape[0]
    left, top, right, bottom = Warper(warp, size, size).box
    there = np.clip(cv2.warpPerspective(plane, warp, size, flags=cv2.INTER_CUBIC), 0, 1)
    return there[top:bottom, left:right].copy(), np.linalg.inv(warp) @ [[1, 0, left], [0, 1, top], [0, 0, 1]]


def timed(view: View) -> tuple[Estimate | None, float, float]:
    """An estimate, its confidence, and the processor time it took."""
    start = time.process_time()
    found = estimate([view])
    return found, found.evidence.confidence if found else 0.0, time.process_time() - start


def distance_at_marks(found: Matrix, back: Matrix, marks: NDArray[np.float64]) -> float:
    """Mean distance, in the visible picture, of where marks of the infrared one come to lie from where they belong."""
    seen, felt = marks[:, :2], np.column_stack([marks[:, 2:], np.ones(len(marks))])
    places = felt @ (found @ np.linalg.inv(back)).T
    return float(np.linalg.norm(places[:, :2] / places[:, 2:] - seen, axis=1).mean())


def measure(name: str, views: list[tuple[str, View]], warps: int, seed: int) -> Iterator[Row]:
    for number, (pair, view) in enumerate(views):
        rng = np.random.default_rng([seed, number])
        side = max(view.visible_size)
        found, confidence, _ = timed(view)
        nominal = np.eye(3)
        own = distance(found.matrix, nominal, view.infrared_size) if found else np.inf
        reference = found.matrix if found and confidence >= LEAST and own <= FAR * side else nominal
        if name == "exact":
            reference = nominal
        for turn in range(warps):
            kind = KINDS[(number + turn) % 2]
            infrared, back = moved(view.infrared, random_warp(rng, view.infrared_size, kind))
            size = infrared.shape[1], infrared.shape[0]
            there, confidence, seconds = timed(View(view.visible, infrared))
            errors = [distance(there.matrix, base @ back, size) if there else np.inf for base in (reference, nominal)]
            if there and pair in MARKS:
                errors[0] = distance_at_marks(there.matrix, back, np.array(MARKS[pair]))
            yield Row(
                name,
                pair,
                kind,
                side,
                *(round(float(value), 3) for value in (*errors, own)),
                confidence >= LEAST,
                round(confidence, 3),
                there.model if there else "",
                round(seconds, 2),
            )


def views_of(data: Path, name: str, most: int) -> list[tuple[str, View]]:
    if name == "exact":
        return [(scene, View(luminance(v), to_unit(i))) for scene in SCENES for v, i in [samples.load(scene)]]
    pairs = load_pairs(data, name, SPLITS[name])
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).round().astype(int))
    return [(pairs[k].name, View(luminance(pairs[k].visible), to_unit(pairs[k].infrared))) for k in chosen]


def summary(rows: list[Row]) -> dict[str, float]:
    accepted = [row for row in rows if row.accepted]
    figures: dict[str, float] = {"warps": len(rows), "refused": round(1 - len(accepted) / len(rows), 3)}
    for key in ("error", "nominal"):
        values = [getattr(row, key) for row in accepted] or [float("nan")]
        figures |= {
            f"{key}_median_px": round(statistics.median(values), 2),
            f"{key}_under_1.5_px": round(float(np.mean(np.array(values) < 1.5)), 3),
            f"{key}_under_5_px": round(float(np.mean(np.array(values) < 5)), 3),
            f"{key}_worst_px": round(max(values), 2),
        }
    figures["own_median_px"] = round(statistics.median(row.own for row in accepted), 2) if accepted else float("nan")
    figures["processor_s_median"] = round(statistics.median(row.seconds for row in rows), 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--sets", default="exact,roadscene,llvip,msrs")
    parser.add_argument("--pairs", type=int, default=50, help="of each set, at most")
    parser.add_argument("--least", type=int, default=30, help="warps of each set: small sets get several a pair")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=Path, help="a file that each result is added to, and that is gone on from")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    rows: list[Row] = []
    if asked.rows and asked.rows.exists():
        rows = [Row(**json.loads(line)) for line in asked.rows.read_text().splitlines()]
    done = {row.set for row in rows}
    for name in asked.sets.split(","):
        if name in done:
            continue
        views = views_of(asked.data, name, asked.pairs)
        passed = []
        for row in measure(name, views, -(-asked.least // len(views)), asked.seed):
            passed.append(row)
            print(*asdict(row).values(), sep="  ", flush=True)
        rows += passed
        if asked.rows:
            with asked.rows.open("a") as file:
                file.writelines(json.dumps(asdict(row)) + "\n" for row in passed)
    sets = {name: [row for row in rows if row.set == name] for name in dict.fromkeys(row.set for row in rows)}
    real = [row for row in rows if row.set != "exact"]
    figures = {name: summary(part) for name, part in sets.items()} | ({"all": summary(real)} if real else {})
    report = {
        "benchmark": "alignment",
        "commit": commit(),
        "machine": describe_machine(),
        "versions": {**versions(), "distilfuse": distilfuse.__version__},
        "settings": {"seed": asked.seed, "least": asked.least, "threshold": LEAST},
        "figures": figures,
        "rows": [asdict(row) for row in rows],
    }
    print(json.dumps(figures, indent=2))
    if asked.save:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

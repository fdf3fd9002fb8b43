"""Fit and measure the guess of an infrared picture's polarity (``distilfuse.imaging.polarity``).

    python benchmarks/polarity.py DATA [--save]

DATA holds `roadscene`, `llvip`, `msrs` and `tno`. The weights are fitted on the training lists of RoadScene and LLVIP,
each picture as it is, with two other tone curves, and three parts of it with others again (so that not all has a sky).
The threshold `SURE` is taken from answers on the one set by weights fitted on the other. Then the test lists are
measured: RoadScene (the camera is known) and MSRS and TNO (neither is). All pictures are white-hot; each feature is
odd, so that the inverses add nothing: that is checked, too.

`--save` writes benchmarks/results/polarity.json. The constants to put into the module are printed at the end.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import distilfuse
from distilfuse.datasets.pairs import Pair, load_pairs
from distilfuse.evaluation.speed.machine import commit, describe_machine, versions
from distilfuse.imaging.polarity import Polarity, combine, guess_polarity, polarity_features

RESULTS = Path(__file__).parent / "results" / "polarity.json"
TRAINED = {"roadscene": ("train", "validation"), "llvip": ("train", "validation")}
TESTED = {"roadscene": ("test",), "msrs": ("test",), "tno": ("test",)}
ONE_CAMERA = ("roadscene", "msrs")
"""Test sets of which neighbouring pictures may be combined."""
REDUCE = {"roadscene": 1, "llvip": 4, "msrs": 2, "tno": 2}
"""Pictures are averaged to about 320x240 on reading; the features look at half of that."""
TONES = 2
PARTS = 3
RIDGE = 10.0
RIGHT = 0.99
"""Share of the sure answers that must be right: 98 % are wanted, and two cameras to learn from are few."""
NEIGHBOURS = 5
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
Rows = NDArray[np.float64]


def varied(infrared: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Another tone curve, as cameras have: ends cut off, a gamma of 0.45 to 2.2 from either end, some noise."""
    values = infrared / 255
    low, high = np.percentile(values, (rng.uniform(0, 3), 100 - rng.uniform(0, 5)))
    values = np.clip((values - low) / max(high - low, 0.02), 0, 1)
    gamma = math.exp(rng.uniform(-0.8, 0.8))
    values = values**gamma if rng.random() < 0.5 else 1 - (1 - values) ** gamma
    values += rng.normal(0, rng.uniform(0, 0.02), values.shape)
    return np.clip(values, 0, 1).astype(np.float32)


def part_of(pair: Pair, rng: np.random.Generator) -> Pair:
    """A part of 0.4 to 0.9 of either side, anywhere."""
    cut = []
    for side in pair.infrared.shape:
        length = int(side * rng.uniform(0.4, 0.9))
        start = int(rng.integers(0, side - length + 1))
        cut.append(slice(start, start + length))
    rows, columns = cut
    return Pair(pair.name, pair.visible[rows, columns], pair.infrared[rows, columns])


class Features:
    """Of all pictures of a set, in the order of their names."""

    def __init__(self, data: Path, name: str, splits: tuple[str, ...]) -> None:
        rng = np.random.default_rng(0)
        pairs = [pair for split in splits for pair in load_pairs(data, name, split, reduce=REDUCE[name])]
        pairs.sort(key=lambda pair: pair.name)
        rows = []
        self.asymmetry = 0.0
        for pair in pairs:
            plain = polarity_features(pair.infrared, pair.visible)
            inverse = polarity_features(255 - pair.infrared, pair.visible)
            self.asymmetry = max(self.asymmetry, *(abs(plain[key] + inverse[key]) for key in plain))
            seen = [pair] * TONES + [part_of(pair, rng) for _ in range(PARTS)]
            others = [polarity_features(varied(one.infrared, rng), one.visible) for one in seen]
            rows.append([list(features.values()) for features in (plain, *others)])
        self.names = list(plain)
        self.rows = np.array(rows)
        """Pictures x (as it is, other tones, parts) x features."""

    def flat(self, count: int) -> Rows:
        return self.rows[..., :count].reshape(-1, count)


def fit(sets: list[Rows]) -> NDArray[np.float64]:
    """Logistic regression without intercept, every row white-hot, every set of the same weight (Newton's method)."""
    rows = np.concatenate(sets)
    size = np.sqrt((rows**2).mean(axis=0))
    rows = rows / size
    weight = np.concatenate([np.full(len(part), len(rows) / len(sets) / len(part)) for part in sets])
    found = np.zeros(rows.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-rows @ found))
        slope = RIDGE * found - rows.T @ (weight * (1 - likely))
        curvature = (rows.T * (weight * likely * (1 - likely))) @ rows + RIDGE * np.eye(len(found))
        step = np.linalg.solve(curvature, slope)
        found -= step
        if np.abs(step).max() < 1e-9:
            break
    return found / size


def threshold(odds: list[NDArray[np.float64]]) -> float:
    """The least edge from which on RIGHT of the answers of each band of confidence are right; sets weigh the same."""
    limits = [math.log(edge / (1 - edge)) for edge in BINS[:-1]] + [math.inf]
    least = 1.0
    for edge, (low, high) in reversed([*zip(BINS, pairwise(limits), strict=False)]):
        right = sum(((low <= part) & (part < high)).mean() for part in odds)
        wrong = sum(((low <= -part) & (-part < high)).mean() for part in odds)
        if right < RIGHT * (right + wrong):
            break
        least = edge
    return least


def measured(odds: NDArray[np.float64], sure: float) -> dict[str, float | int]:
    limit = math.log(sure / (1 - sure))
    certain = np.abs(odds) >= limit
    return {
        "answers": len(odds),
        "right": round(float((odds > 0).mean()), 4),
        "sure": round(float(certain.mean()), 4),
        "right_where_sure": round(float((odds[certain] > 0).mean()), 4) if certain.any() else math.nan,
        "log_loss": round(float(np.log1p(np.exp(-odds)).mean()), 4),
    }


def reliability(odds: NDArray[np.float64]) -> list[dict[str, float | int]]:
    confidence = 1 / (1 + np.exp(-np.abs(odds)))
    table = []
    for low, high in pairwise(BINS):
        inside = (confidence >= low) & ((confidence < high) | (high == 1))
        if inside.any():
            table.append(
                {
                    "from": low,
                    "to": high,
                    "answers": int(inside.sum()),
                    "stated": round(float(confidence[inside].mean()), 3),
                    "right": round(float((odds[inside] > 0).mean()), 3),
                }
            )
    return table


def alikeness(odds: dict[str, NDArray[np.float64]]) -> float:
    """Correlation of the log-odds of neighbouring pictures, the mean of the sets' (one camera each)."""
    return statistics.mean(float(np.corrcoef(part[:-1, 0], part[1:, 0])[0, 1]) for part in odds.values())


def neighbours(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    plain = [Polarity(float(value)) for value in odds[:, 0]]
    return np.array([combine(plain[k : k + NEIGHBOURS]).log_odds for k in range(len(plain) - NEIGHBOURS + 1)])


def milliseconds() -> dict[str, float]:
    rng = np.random.default_rng(0)
    infrared = rng.integers(0, 256, (512, 640), np.uint8)
    visible = rng.integers(0, 256, (512, 640, 3), np.uint8)
    found = {}
    for title, pictures in (("alone", (infrared,)), ("beside_visible", (infrared, visible))):
        times = []
        for _ in range(15):
            start = time.process_time()
            guess_polarity(*pictures)
            times.append(1e3 * (time.process_time() - start))
        found[title] = round(min(times), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    asked = parser.parse_args()
    trained = {name: Features(asked.data, name, splits) for name, splits in TRAINED.items()}
    names = trained["llvip"].names
    counts = {"alone": names.index("texture"), "beside_visible": len(names)}
    weights, held_out, limits, alike = {}, {}, {}, {}
    for title, count in counts.items():
        fitted = fit([features.flat(count) for features in trained.values()])
        weights[title] = {name: round(float(value), 2) for name, value in zip(names, fitted, strict=False)}
        elsewhere = {}
        for name, features in trained.items():
            others = fit([other.flat(count) for key, other in trained.items() if key != name])
            elsewhere[name] = features.rows[..., :count] @ others
        limits[title] = threshold([odds.ravel() for odds in elsewhere.values()])
        alike[title] = round(alikeness(elsewhere), 2)
        held_out[title] = elsewhere
    sure = max(limits.values())
    tested = {name: Features(asked.data, name, splits) for name, splits in TESTED.items()}
    figures: dict[str, Any] = {}
    for title, count in counts.items():
        final = np.array(list(weights[title].values()))
        odds = {name: features.rows[..., :count] @ final for name, features in tested.items()}
        figures[title] = {
            "another_camera": {name: measured(part.ravel(), sure) for name, part in held_out[title].items()},
            "test_as_they_are": {name: measured(part[:, 0], sure) for name, part in odds.items()},
            "test_other_tones": {name: measured(part[:, 1 : 1 + TONES].ravel(), sure) for name, part in odds.items()},
            "test_parts": {name: measured(part[:, 1 + TONES :].ravel(), sure) for name, part in odds.items()},
            "test_five_neighbours": {name: measured(neighbours(odds[name]), sure) for name in ONE_CAMERA},
            "reliability_of_test": reliability(np.concatenate([part.ravel() for part in odds.values()])),
        }
    report = {
        "benchmark": "polarity",
        "commit": commit(),
        "machine": describe_machine(),
        "versions": {**versions(), "distilfuse": distilfuse.__version__},
        "settings": {"tones": TONES, "parts": PARTS, "ridge": RIDGE, "right_where_sure": RIGHT},
        "pictures": {
            "train": {name: len(features.rows) for name, features in trained.items()},
            "test": {name: len(features.rows) for name, features in tested.items()},
        },
        "weights": weights,
        "sure": sure,
        "sure_by_weights": limits,
        "correlation_of_neighbours": alike,
        "largest_asymmetry": max(part.asymmetry for part in (*trained.values(), *tested.values())),
        "milliseconds_640x512": milliseconds(),
        "figures": figures,
    }
    print(json.dumps(report, indent=2))
    if asked.save:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"WEIGHTS = {weights['alone']}\nWEIGHTS_BESIDE_VISIBLE = {weights['beside_visible']}\nSURE = {sure}")


if __name__ == "__main__":
    main()

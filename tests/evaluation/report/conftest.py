"""A small evaluation whose every number is known, and pictures to go with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from distilfuse.evaluation.report import write_report
from distilfuse.evaluation.scores import Row, ScoreTable
from distilfuse.evaluation.statistics import Summary, summarise

METRICS = ("EN", "VIF", "Qabf", "MSE")


@dataclass
class Study:
    """What :func:`write_report` takes, made by hand."""

    table: ScoreTable
    sources: dict[tuple[str, str], tuple[Path, Path]]
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Which fused pictures were asked for."""

    def fused(self, method: str, dataset: str, name: str) -> NDArray[np.uint8] | None:
        self.asked.append((method, dataset, name))
        if (dataset, name) not in self.sources or method == "no pictures":
            return None
        visible, infrared = (np.asarray(Image.open(path).convert("L")) for path in self.sources[dataset, name])
        return np.maximum(visible, infrared)

    def summary(self) -> Summary:
        return summary() if self.table is table() else summarise(self.table)

    def write(self, path: Path, **changes: object) -> str:
        given = {"sources": self.sources, "fused": self.fused, "title": "A study", "notes": ["A note."], "pictures": 1}
        given |= changes
        write_report(path, self.table, self.summary(), **given)
        return path.read_text("utf-8")


def draw(path: Path, size: tuple[int, int], seed: int, *, colour: bool) -> Path:
    """A smooth picture with a bright patch."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 200, (6, 8, 3) if colour else (6, 8), dtype=np.uint8)
    picture = np.array(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
    picture[size[1] // 3 : size[1] // 2, size[0] // 3 : size[0] // 2] = 250
    Image.fromarray(picture).save(path)
    return path


def scores(method: int, pair: int) -> dict[str, float]:
    """The better the method's number, the better its values; pairs get worse one by one, apart from EN."""
    return {
        "EN": 6 + 0.1 * pair,
        "VIF": 0.5 + 0.1 * method - 0.01 * pair,
        "Qabf": 0.4 + 0.1 * method - 0.02 * pair,
        "MSE": 300 - 50.0 * method + pair,
    }


SETS = {"street": 6, "ct-mri": 3, "street/ir_noise@3": 6}
SIZES = {"street": (320, 240), "ct-mri": (64, 64)}


@cache
def table() -> ScoreTable:
    rows = []
    for dataset, count in SETS.items():
        for pair in range(count):
            for number, method in enumerate(("poor", "fair", "good")):
                if dataset in SIZES or method != "fair":  # a folder of results has no degraded ones
                    name = f"{dataset.partition('/')[0]}-{pair:02d}"
                    rows.append(Row(method, dataset, name, scores(number, pair)))
    return ScoreTable("paper@1", METRICS, tuple(rows))


@cache
def summary() -> Summary:
    return summarise(table())


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("pictures")
    return {
        (dataset, f"{dataset}-{pair:02d}"): (
            draw(folder / f"{dataset}-{pair}.vis.png", size, pair, colour=dataset == "street"),
            draw(folder / f"{dataset}-{pair}.ir.png", size, 100 + pair, colour=False),
        )
        for dataset, size in SIZES.items()
        for pair in range(SETS[dataset])
    }


@pytest.fixture
def study(pictures: dict[tuple[str, str], tuple[Path, Path]]) -> Study:
    """Three methods: ``good`` beats ``fair`` beats ``poor`` everywhere but in EN, where all are alike."""
    pytest.importorskip("scipy", reason="SciPy (extra evaluate) is not installed")
    pytest.importorskip("jinja2", reason="Jinja2 (extra evaluate) is not installed")
    return Study(table(), dict(pictures))


@pytest.fixture
def without_values() -> dict[str, float]:
    return dict.fromkeys(METRICS, math.nan)

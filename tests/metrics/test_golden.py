"""Published scores of other methods' results: the metrics must repeat them to four decimals."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.metrics import METRICS, score

GOLDEN = [
    ("msrs", "ifcnn", "00914N"),
    ("msrs", "seafusion", "00047N"),
    ("roadscene", "ifcnn", "FLIR_04722"),
    ("roadscene", "seafusion", "FLIR_07190"),
    ("tno", "piafusion", "21"),
    ("tno", "u2fusion", "05"),
]


def picture(folder: Path, stem: str) -> np.ndarray:
    found = sorted(folder.glob(f"{stem}.*"))
    if not found:
        pytest.skip(f"{folder.parent.name}/{folder.name}/{stem} is not on this machine")
    with Image.open(found[0]) as image:
        return np.asarray(image)


@pytest.mark.parametrize(("dataset", "method", "stem"), GOLDEN)
def test_scores_of_other_methods(shared_data: Path, dataset: str, method: str, stem: str) -> None:
    peers = shared_data.parent / "peers"
    table = peers / f"{dataset}_{method}.csv"
    if not table.is_file():
        pytest.skip(f"the table of scores {table.name} is not on this machine")
    with table.open(newline="") as lines:
        expected = next(row for row in csv.DictReader(lines) if row["name"] == stem)
    found = score(
        picture(shared_data / dataset / "vi", stem),
        picture(shared_data / dataset / "ir", stem),
        picture(peers / "golden", f"{dataset}_{method}_{stem}"),
    )
    for name in METRICS:
        # Four decimals; the tables have five.
        assert found[name] == pytest.approx(float(expected[name]), abs=5e-5), name

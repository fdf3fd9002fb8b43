"""Published scores of other methods' results: protocol ``paper`` must repeat them to four decimals."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.metrics import score

GOLDEN = [
    ("msrs", "ifcnn", "00914N"),
    ("msrs", "seafusion", "00047N"),
    ("roadscene", "ifcnn", "FLIR_04722"),
    ("roadscene", "seafusion", "FLIR_07190"),
    ("tno", "piafusion", "21"),
    ("tno", "u2fusion", "05"),
]
COLUMNS = ["EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SSIM"]
# Tables of fusions that are one line each, made again here: set, rule, pairs in the table.
REBUILT = [
    ("msrs", "max", 73),
    ("msrs", "mean", 73),
    ("roadscene", "max", 50),
    ("ct-mri", "max", 24),
    ("pet-mri", "max", 24),
    ("spect-mri", "max", 24),
]
SAMPLE = 6
# Four decimals; the tables have five.
TOLERANCE = 5e-5


def rows(shared_data: Path, table: str) -> list[dict[str, str]]:
    path = shared_data.parent / "peers" / f"{table}.csv"
    if not path.is_file():
        pytest.skip(f"the table of scores {path.name} is not on this machine")
    with path.open(newline="") as lines:
        found = list(csv.DictReader(lines))
    assert list(found[0]) == ["name", *COLUMNS]
    return found


def picture(folder: Path, stem: str) -> np.ndarray:
    found = sorted(folder.glob(f"{stem}.*"))
    if not found:
        pytest.skip(f"{folder.parent.name}/{folder.name}/{stem} is not on this machine")
    with Image.open(found[0]) as image:
        return np.asarray(image)


def fuse_luminance(visible: np.ndarray, infrared: np.ndarray, rule: str) -> np.ndarray:
    """As those tables were made: on the luminance of Pillow's YCbCr, the mean cut off, then back to RGB."""
    channels = np.array(Image.fromarray(visible).convert("RGB").convert("YCbCr"))
    y, heat = channels[..., 0].astype(int), infrared.astype(int)
    channels[..., 0] = np.maximum(y, heat) if rule == "max" else (y + heat) // 2
    return np.asarray(Image.frombytes("YCbCr", channels.shape[1::-1], channels.tobytes()).convert("RGB"))


def check(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray, row: dict[str, str]) -> None:
    found = score(visible, infrared, fused)
    assert list(found) == COLUMNS
    for name in COLUMNS:
        assert found[name] == pytest.approx(float(row[name]), abs=TOLERANCE), (row["name"], name)


def check_rebuilt(shared_data: Path, dataset: str, rule: str, chosen: list[dict[str, str]]) -> None:
    medical = dataset.endswith("-mri")
    folder = shared_data / dataset / "test" if medical else shared_data / dataset
    for row in chosen:
        visible = picture(folder / ("a" if medical else "vi"), row["name"])
        infrared = picture(folder / ("b" if medical else "ir"), row["name"])
        check(visible, infrared, fuse_luminance(visible, infrared, rule), row)


@pytest.mark.parametrize(("dataset", "method", "stem"), GOLDEN)
def test_scores_of_other_methods(shared_data: Path, dataset: str, method: str, stem: str) -> None:
    row = next(row for row in rows(shared_data, f"{dataset}_{method}") if row["name"] == stem)
    fused = picture(shared_data.parent / "peers" / "golden", f"{dataset}_{method}_{stem}")
    check(picture(shared_data / dataset / "vi", stem), picture(shared_data / dataset / "ir", stem), fused, row)


@pytest.mark.parametrize(("dataset", "rule", "pairs"), REBUILT)
def test_scores_of_maximum_and_mean(shared_data: Path, dataset: str, rule: str, pairs: int) -> None:
    table = rows(shared_data, f"{dataset}_{rule}")
    assert len(table) == pairs
    check_rebuilt(shared_data, dataset, rule, table[:: pairs // SAMPLE][:SAMPLE])


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "rule", "pairs"), REBUILT)
def test_all_scores_of_maximum_and_mean(shared_data: Path, dataset: str, rule: str, pairs: int) -> None:
    check_rebuilt(shared_data, dataset, rule, rows(shared_data, f"{dataset}_{rule}"))

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.evaluation.detection.boxes import Boxes
from distilfuse.evaluation.detection.truth import read_truth
from distilfuse.imaging.pairs import Pair

WIDTH, HEIGHT = 80, 40

VOC = """<annotation><filename>{name}.jpg</filename>
<size><width>{width}</width><height>{height}</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = """<object><name>{label}</name><difficult>{difficult}</difficult>
<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Pair, ...]:
    """Three pairs whose visible pictures are there."""
    folder = tmp_path / "visible"
    folder.mkdir()
    found = []
    for name in ("01_vis", "02_vis", "03_vis"):
        path = folder / f"{name}.png"
        Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(path)
        found.append(Pair(name, path, path))
    return tuple(found)


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Path]:
    """Writes files of boxes into a folder and names it."""

    def write(**files: str) -> Path:
        folder = tmp_path / "boxes"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            stem, _, suffix = name.rpartition("_")
            (folder / f"{stem.removeprefix('n')}.{suffix}").write_text(text, encoding="utf-8")
        return folder

    return write


def plain(found: Boxes) -> list[tuple[list[float], str, bool]]:
    return list(zip(found.corners.tolist(), found.labels, found.optional.tolist(), strict=True))


def voc(*objects: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    return VOC.format(name="x", width=width, height=height, objects="".join(objects))


def test_pascal_voc(pairs: tuple[Pair, ...], place: Callable[..., Path]) -> None:
    first = OBJECT.format(10, 5, 20, 30, label="person", difficult=0)
    second = OBJECT.format(40, 6, 60.5, 20, label="Car", difficult=1)
    truth = read_truth(place(n01_xml=voc(first, second), n02_vis_xml=voc()), pairs)
    assert plain(truth.boxes["01_vis"]) == [([10, 5, 20, 30], "person", False), ([40, 6, 60.5, 20], "Car", True)]
    assert plain(truth.boxes["02_vis"]) == []
    assert truth.unknown == ("03_vis",)
    assert truth.labels == ("car", "person")


def test_yolo_with_names(pairs: tuple[Pair, ...], place: Callable[..., Path]) -> None:
    folder = place(n01_txt="1 0.5 0.5 0.25 0.5\n\n0 0.125 0.25 0.25 0.5\n", n02_txt="", nclasses_txt="person\ncar\n")
    truth = read_truth(folder, pairs)
    assert plain(truth.boxes["01_vis"]) == [([30, 10, 50, 30], "car", False), ([0, 0, 20, 20], "person", False)]
    assert plain(truth.boxes["02_vis"]) == []
    assert truth.unknown == ("03_vis",)


def test_yolo_names_in_the_folder_above(pairs: tuple[Pair, ...], place: Callable[..., Path], tmp_path: Path) -> None:
    folder = place(n01_txt="1 0.5 0.5 0.25 0.5\n")
    assert read_truth(folder, pairs).labels == ("1",)
    (tmp_path / "obj.names").write_text("person\ncar\n", encoding="utf-8")
    assert read_truth(folder, pairs).labels == ("car",)


def coco(**changes: Any) -> str:
    content = {
        "categories": [{"id": 7, "name": "person"}, {"id": 3, "name": "car"}],
        "images": [
            {"id": 11, "file_name": "val/01.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 12, "file_name": "val\\02_vis.jpg"},
            {"id": 13, "file_name": "elsewhere.jpg", "width": 5, "height": 5},
        ],
        "annotations": [
            {"id": 1, "image_id": 11, "category_id": 7, "bbox": [10, 5, 10, 25], "iscrowd": 0},
            {"id": 2, "image_id": 11, "category_id": 3, "bbox": [40, 6, 20.5, 14], "iscrowd": 1},
        ],
    }
    return json.dumps(content | changes)


def test_coco(pairs: tuple[Pair, ...], place: Callable[..., Path]) -> None:
    truth = read_truth(place(nall_json=coco()) / "all.json", pairs)
    assert plain(truth.boxes["01_vis"]) == [([10, 5, 20, 30], "person", False), ([40, 6, 60.5, 20], "car", True)]
    assert plain(truth.boxes["02_vis"]) == []
    assert truth.unknown == ("03_vis",)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "neither .xml nor .txt"),
        ({"n01_xml": voc(), "n01_txt": ""}, "both .xml and .txt"),
        ({"nother_xml": voc()}, r"for none of the pairs \(such as 01_vis\)"),
        ({"n01_xml": "<annotation>"}, r"01\.xml is no Pascal VOC file"),
        ({"n01_xml": voc("<object><name>car</name></object>")}, r"01\.xml .*an object without a name or without"),
        ({"n01_xml": voc(OBJECT.format(1, 2, "x", 4, label="car", difficult=0))}, r"01\.xml is no Pascal VOC"),
        ({"n01_xml": voc(OBJECT.format(9, 2, 3, 4, label="car", difficult=0))}, r"01\.xml: The box .*ends before"),
        ({"n01_xml": voc(width=640, height=480)}, r"01\.xml was made for pictures of 640x480 pixels, .*80x40"),
        ({"n01_xml": voc(), "n01_ir_xml": voc()}, "claim one name"),
        ({"n01_txt": "0 0.5 0.5 0.1"}, r"01\.txt, line 1: .* is no YOLO box"),
        ({"n01_txt": "0 0.5 0.5 0.1 0.1\ncar 0.5 0.5 0.1 0.1"}, r"01\.txt, line 2: "),
        ({"n01_txt": "0 40 20 10 10"}, r"numbers out of 0\.\.1"),
        ({"n01_txt": "2 0.5 0.5 0.1 0.1", "nclasses_txt": "person\ncar"}, "class 2, but there are names for 2"),
    ],
)
def test_folders_that_cannot_be_read(
    pairs: tuple[Pair, ...], place: Callable[..., Path], files: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_truth(place(**files), pairs)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no COCO file that can be read"),
        ("[]", "no COCO file that can be read"),
        (coco(categories=[]), r"no COCO file that can be read \(7 is missing\)"),
        (coco(images=[{"id": 11, "file_name": "a/01.jpg"}, {"id": 12, "file_name": "b/01.jpg"}]), "two pictures"),
        (coco(images=[{"id": 11, "file_name": "01.jpg", "width": 8, "height": 4}]), "pictures of 8x4 pixels"),
        (coco(annotations=[{"image_id": 11, "category_id": 7, "bbox": [1, 2, -3, 4]}]), "ends before it begins"),
        (coco(annotations=[{"image_id": 99, "category_id": 7, "bbox": [1, 2, 3, 4]}]), r"\(99 is missing\)"),
    ],
)
def test_coco_files_that_cannot_be_read(
    pairs: tuple[Pair, ...], place: Callable[..., Path], text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_truth(place(nall_json=text) / "all.json", pairs)


def test_places_that_are_none(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_truth(tmp_path / "absent", pairs)
    with pytest.raises(InputError, match=r"neither a folder nor a \.json file"):
        read_truth(pairs[0].visible, pairs)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.imaging.transforms import project
from distilfuse.workflows.alignment.points import fit_points, read_points

SIZES = (640, 480), (320, 240)
INFRARED = np.random.default_rng(0).uniform([0, 0], [319, 239], (14, 2))


def written(folder: Path, text: str) -> Path:
    path = folder / "points.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("heading", ["", "x_vis,y_vis,x_ir,y_ir\n", "x_vis, y_vis, x_ir, y_ir\n", "# by hand\n\n"])
def test_reading(tmp_path: Path, heading: str) -> None:
    visible, infrared = read_points(written(tmp_path, f"{heading}1,2,3,4\n\n5.5, 6 ,7,8e0\n"), *SIZES)
    assert visible.tolist() == [[1, 2], [5.5, 6]]
    assert infrared.tolist() == [[3, 4], [7, 8]]


def test_a_byte_order_mark_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(b"\xef\xbb\xbf1,2,3,4\r\n")
    assert read_points(path, *SIZES)[0].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n1,2,3\n", "line 2: four numbers are needed"),
        ("1,2,3,4,5\n", "line 1: four numbers"),
        ("1,2,x,4\n", "line 1: four numbers"),
        ("1,2,nan,4\n", "line 1: four numbers"),
        ("1;2;3;4\n", "line 1: four numbers"),
        ("700,2,3,4\n", r"line 1: the point \(700, 2\) lies outside the visible picture of 640x480 pixels"),
        ("1,2,3,241\n", r"lies outside the infrared picture of 320x240 pixels"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_points(written(tmp_path, text), *SIZES)


def test_no_file_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_points(tmp_path / "none.csv", *SIZES)
    (tmp_path / "points.csv").write_bytes(b"\xff\xff\x00")
    with pytest.raises(InputError, match="is not text"):
        read_points(tmp_path / "points.csv", *SIZES)


@pytest.mark.parametrize(
    ("matrix", "model"),
    [
        ([[2.0, -0.1, 5], [0.1, 2.0, 8], [0, 0, 1]], "similarity"),
        ([[2.1, 0.1, 5], [0.05, 1.8, 8], [0, 0, 1]], "affine"),
        ([[2.0, 0.0, 5], [0.0, 1.9, 8], [8e-4, 4e-4, 1]], "homography"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_model_is_the_stiffest_that_foretells(matrix: list[list[float]], model: str, noise: float) -> None:
    visible = project(np.array(matrix), INFRARED) + np.random.default_rng(1).normal(0, noise, INFRARED.shape)
    found = fit_points(visible, INFRARED)
    assert found.model == model
    assert found.residuals.shape == (14,)
    assert found.residuals.mean() <= 2 * noise + 1e-6


def test_two_points_are_a_similarity() -> None:
    assert fit_points(INFRARED[:2] * 2, INFRARED[:2]).model == "similarity"


def test_a_wrong_point_is_seen_in_its_residual() -> None:
    visible = INFRARED * 2
    visible[4] += 40
    assert fit_points(visible, INFRARED, "similarity").residuals.argmax() == 4


@pytest.mark.parametrize(("model", "number"), [("auto", 0), ("auto", 1), ("affine", 2), ("homography", 3)])
def test_too_few_points(model: str, number: int) -> None:
    with pytest.raises(InputError, match="needs at least"):
        fit_points(INFRARED[:number], INFRARED[:number], model)

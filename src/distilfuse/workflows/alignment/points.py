"""A rig from points set by hand: a file of what lies where in both pictures."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.imaging.transforms import LEAST_POINTS, MODELS, Matrix, Size, fit, project

COLUMNS = ("x_vis", "y_vis", "x_ir", "y_ir")

_GAIN = 0.8
"""What the error of points left out must fall to, as a share, for a more flexible model to be believed."""


@dataclass(frozen=True)
class PointFit:
    """A transformation through points."""

    matrix: Matrix
    """Infrared to visible pixels."""
    model: str
    residuals: NDArray[np.float64]
    """Distance in visible pixels between each point and where the transformation puts it, ``N``."""


def read_points(path: Path, visible_size: Size, infrared_size: Size) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a table of points, with or without the heading ``x_vis,y_vis,x_ir,y_ir``.

    Args:
        path: comma-separated; empty lines and those that begin with ``#`` are skipped.
        visible_size: width, height: points must lie in the pictures.
        infrared_size: the same.

    Returns:
        Visible and infrared points, ``N x 2`` each, whole numbers at the centres of pixels.

    Raises:
        InputError: no such file, a line without four numbers, or a point outside; names file and line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the file.") from error
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text: give a table of {','.join(COLUMNS)}.") from None
    rows: list[list[float]] = []
    for number, cells in enumerate(csv.reader(text.splitlines(), skipinitialspace=True), start=1):
        if not cells or cells[0].startswith("#") or (not rows and tuple(map(str.strip, cells)) == COLUMNS):
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            values = []
        if len(values) != 4 or not np.isfinite(values).all():
            raise InputError(f"{path}, line {number}: four numbers are needed, {','.join(COLUMNS)}.")
        for name, (x, y), (width, height) in (
            ("visible", values[:2], visible_size),
            ("infrared", values[2:], infrared_size),
        ):
            if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                raise InputError(
                    f"{path}, line {number}: the point ({x:g}, {y:g}) lies outside the {name} picture of "
                    f"{width}x{height} pixels: check the order of the columns, {','.join(COLUMNS)}."
                )
        rows.append(values)
    table = np.array(rows, np.float64).reshape(-1, 4)
    return table[:, :2], table[:, 2:]


def fit_points(visible: NDArray[np.float64], infrared: NDArray[np.float64], model: str = "auto") -> PointFit:
    """Fit a model to points.

    Args:
        visible: ``N x 2``.
        infrared: ``N x 2``.
        model: one of :data:`distilfuse.imaging.transforms.MODELS`, or ``auto``: the stiffest that foretells points left
            out about as well as a more flexible one.

    Raises:
        InputError: too few points, or points in one place or on one line.
    """
    if model == "auto":
        model = _choose(visible, infrared)
    matrix = fit(model, infrared, visible)
    return PointFit(matrix, model, np.hypot(*(project(matrix, infrared) - visible).T))


def _choose(visible: NDArray[np.float64], infrared: NDArray[np.float64]) -> str:
    chosen, least = MODELS[0], np.inf
    for model in MODELS:
        if len(visible) <= LEAST_POINTS[model]:  # nothing can be left out
            break
        error = _left_out(visible, infrared, model)
        if error < least * _GAIN:
            chosen, least = model, error
    return chosen


def _left_out(visible: NDArray[np.float64], infrared: NDArray[np.float64], model: str) -> float:
    """Root mean square error of each point, foretold from all others; infinite where these do not suffice."""
    errors = []
    for number in range(len(visible)):
        rest = np.arange(len(visible)) != number
        try:
            matrix = fit(model, infrared[rest], visible[rest])
        except InputError:
            return np.inf
        errors.append(project(matrix, infrared[number]) - visible[number])
    # A rounding error of nothing is no better than one of nothing.
    return max(float(np.sqrt(np.square(errors).sum(axis=1).mean())), 1e-3)

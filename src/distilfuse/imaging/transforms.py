"""Plane transformations of pixel coordinates: similarity, affine, homography; fitted to points, applied, scaled.

A transformation is a ``3 x 3`` float64 matrix on homogeneous column vectors ``(x, y, 1)``, as in OpenCV: x runs to the
right, y down, and whole numbers are centres of pixels, so that the upper left pixel covers -0.5..0.5 on both axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError

Matrix = NDArray[np.float64]
Size = tuple[int, int]
"""Width, height in pixels."""

MODELS = ("similarity", "affine", "homography")
"""From the stiffest to the most flexible: 4, 6 and 8 parameters."""

LEAST_POINTS = {"similarity": 2, "affine": 3, "homography": 4}
"""Pairs of points that determine each."""

_SINGULAR = 1e-6
"""Ratio of the smallest to the largest singular value below which points or a matrix are degenerate."""


def project(matrix: Matrix, points: NDArray[Any]) -> NDArray[np.float64]:
    """Where points go.

    Args:
        matrix: ``3 x 3``.
        points: ``... x 2``, x and y.

    Returns:
        As many points; infinite where the homography sends one to the horizon.
    """
    points = np.asarray(points, np.float64)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        planar: NDArray[np.float64] = moved[..., :2] / moved[..., 2:]
    return planar


def scaling(before: Size, after: Size) -> Matrix:
    """The transformation of pixel coordinates when a whole picture is resized; edges stay edges."""
    (wide, high), (width, height) = before, after
    sx, sy = width / wide, height / high
    return np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])


def corners(size: Size) -> NDArray[np.float64]:
    """Centres of the four corner pixels, ``4 x 2``, clockwise from the upper left."""
    right, bottom = size[0] - 1, size[1] - 1
    return np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)


def grid(size: Size, steps: int = 9) -> NDArray[np.float64]:
    """Points spread evenly over a picture from corner to corner, ``steps**2 x 2``."""
    x, y = np.meshgrid(*(np.linspace(0, side - 1, steps) for side in size))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def distance(first: Matrix, second: Matrix, size: Size) -> float:
    """Mean distance in pixels between where two transformations send a :func:`grid` over a picture of this size."""
    apart = project(first, grid(size)) - project(second, grid(size))
    return float(np.hypot(*apart.T).mean())


def fit(model: str, source: NDArray[Any], target: NDArray[Any]) -> Matrix:
    """The transformation that brings points closest to others in the sense of least squares.

    Similarity and affine minimise the distances in the target; a homography their algebraic stand-in (the direct linear
    transform on normalised points; Hartley & Zisserman, *Multiple View Geometry*, 2004, algorithm 4.2).

    Args:
        model: one of :data:`MODELS`.
        source: ``N x 2``.
        target: ``N x 2``.

    Raises:
        InputError: fewer points than the model needs, or points in one place or on one line.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if len(source) < LEAST_POINTS[model]:
        raise InputError(
            f"A {model} needs at least {LEAST_POINTS[model]} pairs of points but there are {len(source)}: add some"
            + (f", or choose {MODELS[MODELS.index(model) - 1]}." if model != "similarity" else ".")
        )
    (moved, before), (aim, after) = _normalised(source), _normalised(target)
    zero, one = np.zeros(len(moved)), np.ones(len(moved))
    (x, y), (u, v) = moved.T, aim.T
    if model == "similarity":
        rows = np.concatenate([np.stack([x, -y, one, zero], axis=1), np.stack([y, x, zero, one], axis=1)])
        a, b, c, d = _solve(rows, np.concatenate([u, v]), model)
        inner = np.array([[a, -b, c], [b, a, d], [0, 0, 1]])
    elif model == "affine":
        rows = np.stack([x, y, one], axis=1)
        inner = np.vstack([_solve(rows, aim, model).T, [0, 0, 1]])
    else:
        rows = np.concatenate(
            [
                np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1),
                np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1),
            ]
        )
        _, sizes, axes = np.linalg.svd(rows, full_matrices=len(rows) < 9)  # the ninth axis is wanted
        if sizes[7] < _SINGULAR * sizes[0]:
            raise _degenerate(model)
        inner = axes[8].reshape(3, 3)
    matrix = np.linalg.inv(after) @ inner @ before
    if flaw := flaw_of(matrix):
        raise InputError(f"The points determine no {model} that can be used ({flaw}): check their order and spread.")
    return np.asarray(matrix / matrix[2, 2])


def flaw_of(matrix: Matrix, size: Size | None = None) -> str:
    """What makes a matrix unfit to map one picture onto another; empty if nothing does.

    Args:
        matrix: ``3 x 3``.
        size: of the picture to be mapped: its horizon must lie outside.
    """
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        return "not 3 x 3 finite numbers"
    # In units in which rotation, shift and perspective are about as large, or shifts of a thousand pixels decide.
    span = float(max(size)) if size else 1000.0
    unit = np.diag([span, span, 1.0])
    sizes = np.linalg.svd(np.linalg.inv(unit) @ matrix @ unit, compute_uv=False)
    if sizes[-1] <= _SINGULAR * sizes[0]:
        return "singular"
    weights = corners(size or (1, 1)) @ matrix[2, :2] + matrix[2, 2]
    if abs(matrix[2, 2]) < _SINGULAR or (weights * np.sign(matrix[2, 2]) <= 0).any():
        return "the horizon crosses the picture"
    if np.linalg.det(matrix / matrix[2, 2]) < 0:
        return "mirrored"
    return ""


def _normalised(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], Matrix]:
    """Points about the origin at a mean distance of sqrt(2), and the matrix that brought them there."""
    centre = points.mean(axis=0)
    spread = float(np.hypot(*(points - centre).T).mean())
    if not np.isfinite(spread) or spread == 0:
        raise InputError("The points lie in one place or are no numbers: give points that are spread over the picture.")
    factor = np.sqrt(2) / spread
    matrix = np.array([[factor, 0, -factor * centre[0]], [0, factor, -factor * centre[1]], [0, 0, 1]])
    return (points - centre) * factor, matrix


def _solve(rows: NDArray[np.float64], values: NDArray[np.float64], model: str) -> NDArray[np.float64]:
    solution, _, _, sizes = np.linalg.lstsq(rows, values, rcond=None)
    if sizes[-1] < _SINGULAR * sizes[0]:
        raise _degenerate(model)
    return np.asarray(solution)


def _degenerate(model: str) -> InputError:
    return InputError(f"The points lie on one line, which determines no {model}: spread them over the picture.")

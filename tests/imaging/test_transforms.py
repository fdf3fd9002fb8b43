from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.errors import InputError
from distilfuse.imaging.transforms import (
    LEAST_POINTS,
    MODELS,
    corners,
    distance,
    fit,
    flaw_of,
    grid,
    project,
    scaling,
)

SIMILARITY = np.array([[0.9, -0.2, 30.0], [0.2, 0.9, -12.0], [0, 0, 1]])
AFFINE = np.array([[1.1, 0.05, -20.0], [-0.08, 0.93, 9.0], [0, 0, 1]])
HOMOGRAPHY = np.array([[1.02, 0.03, 5.0], [-0.02, 0.97, 8.0], [4e-5, -6e-5, 1]])
BY_MODEL = dict(zip(MODELS, (SIMILARITY, AFFINE, HOMOGRAPHY), strict=True))
POINTS = np.array([[3.0, 4.0], [600, 20], [580, 470], [15, 440], [300, 222], [120, 333]])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("exact", [True, False])
def test_a_fit_finds_the_transformation(model: str, exact: bool) -> None:
    points = POINTS[: LEAST_POINTS[model]] if exact else POINTS
    found = fit(model, points, project(BY_MODEL[model], points))
    np.testing.assert_allclose(found, BY_MODEL[model], rtol=1e-6, atol=1e-9)


def test_a_stiffer_model_is_the_least_squares_one() -> None:
    target = project(AFFINE, POINTS)
    found = fit("similarity", POINTS, target)
    np.testing.assert_allclose(found[0, 0], found[1, 1])
    np.testing.assert_allclose(found[0, 1], -found[1, 0])
    least = np.square(project(found, POINTS) - target).sum()
    for row, column in ((0, 2), (1, 2)):
        other = found.copy()
        other[row, column] += 0.1
        assert np.square(project(other, POINTS) - target).sum() > least


@pytest.mark.parametrize("model", MODELS)
def test_too_few_points(model: str) -> None:
    points = POINTS[: LEAST_POINTS[model] - 1]
    with pytest.raises(InputError, match=rf"A {model} needs at least {LEAST_POINTS[model]} pairs of points but there"):
        fit(model, points, points)


@pytest.mark.parametrize("model", ["affine", "homography"])
def test_points_on_one_line(model: str) -> None:
    line = np.array([[0.0, 0], [10, 10], [20, 20], [30, 30], [44, 44]])
    with pytest.raises(InputError, match="one line"):
        fit(model, line, line)


def test_points_in_one_place() -> None:
    with pytest.raises(InputError, match="one place"):
        fit("similarity", np.ones((3, 2)), POINTS[:3])


def test_mirrored_points_are_refused() -> None:
    with pytest.raises(InputError, match="mirrored"):
        fit("affine", POINTS, POINTS * [-1, 1])


@pytest.mark.parametrize(
    ("matrix", "flaw"),
    [
        (np.eye(3), ""),
        (HOMOGRAPHY, ""),
        (np.zeros((3, 3)), "singular"),
        (np.array([[1.0, 2, 3], [2, 4, 6], [0, 0, 1]]), "singular"),
        (np.array([[1.0, 0, 0], [0, 1, 0], [-0.01, 0, 1]]), "the horizon crosses the picture"),
        (np.diag([-1.0, 1, 1]), "mirrored"),
        (np.full((3, 3), np.nan), "not 3 x 3 finite numbers"),
        (np.eye(2), "not 3 x 3 finite numbers"),
    ],
)
def test_flaws(matrix: np.ndarray, flaw: str) -> None:
    assert flaw_of(matrix, (640, 480)) == flaw


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 4000))
def test_scaling_keeps_the_edges_of_the_picture(wide: int, high: int, width: int, height: int) -> None:
    edges = np.array([[-0.5, -0.5], [wide - 0.5, high - 0.5]])
    there = project(scaling((wide, high), (width, height)), edges)
    np.testing.assert_allclose(there, [[-0.5, -0.5], [width - 0.5, height - 0.5]], atol=1e-6)


def test_distance_is_that_of_a_shift() -> None:
    shift = np.array([[1.0, 0, 3], [0, 1, 4], [0, 0, 1]])
    assert distance(shift, np.eye(3), (200, 100)) == pytest.approx(5)


def test_grid_and_corners() -> None:
    assert grid((640, 480)).min(axis=0).tolist() == [0, 0]
    assert grid((640, 480)).max(axis=0).tolist() == [639, 479]
    assert corners((640, 480)).tolist() == [[0, 0], [639, 0], [639, 479], [0, 479]]


def test_beyond_the_horizon_is_infinite() -> None:
    matrix = np.array([[1.0, 0, 0], [0, 1, 0], [-0.01, 0, 1]])
    assert np.isinf(project(matrix, np.array([100.0, 5.0]))).all()

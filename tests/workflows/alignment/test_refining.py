from __future__ import annotations

import numpy as np
import pytest

from distilfuse.imaging.structure import CHANNELS, structure
from distilfuse.imaging.transforms import distance
from distilfuse.workflows.alignment.refining import CELLS, Refiner
from distilfuse.workflows.alignment.search import search
from distilfuse.workflows.alignment.views import View, carried

cv2 = pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")


def texture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Smooth blobs with edges."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return np.where(smooth > 0, 0.7, 0.3).astype(np.float32) + cv2.GaussianBlur(noise, (0, 0), 2)


def seen_by(other: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What a camera would see whose pixels the matrix sends to those of ``other``."""
    return cv2.warpPerspective(other, np.linalg.inv(matrix), size, borderMode=cv2.BORDER_REFLECT)


TRUTH = {
    "similarity": np.array([[0.98, -0.03, 6.0], [0.03, 0.98, -4.0], [0, 0, 1]]),
    "affine": np.array([[1.02, 0.02, -3.0], [-0.01, 0.97, 4.0], [0, 0, 1]]),
    "homography": np.array([[1.0, 0.01, 2.0], [-0.01, 1.0, 1.0], [1e-4, -8e-5, 1]]),
}


@pytest.mark.parametrize("model", TRUTH)
@pytest.mark.parametrize("stride", [1, 2])
def test_uphill_is_to_the_truth(model: str, stride: int) -> None:
    visible = texture(240, 180)
    infrared = 1 - seen_by(visible, TRUTH[model], (220, 170))
    refiner = Refiner([View(visible, infrared)], stride=stride)
    start = np.array([[1.0, 0, 2], [0, 1, 0], [0, 0, 1]])
    found = refiner.refine(start, model)
    assert distance(found.matrix, TRUTH[model], (220, 170)) < 0.1
    assert found.correlation > 0.9
    assert found.correlation > refiner.look(start).correlation


def test_what_is_held_out_is_not_looked_at() -> None:
    visible = texture(240, 180)
    refiner = Refiner([View(visible, visible)])
    white, black = (refiner.part(cells) for cells in refiner.cells())
    assert not (white & black).any()
    assert (white | black).all()
    spoilt = visible.copy()
    y, x = np.mgrid[:180, :240]
    margin = cv2.erode(black.astype(np.uint8), np.ones((21, 21), np.uint8), borderValue=0).astype(bool)
    spoilt[margin[y, x]] = texture(240, 180, seed=9)[margin[y, x]]
    other = Refiner([View(visible, spoilt)])
    assert other.look(np.eye(3), white).correlation > other.look(np.eye(3), black).correlation + 0.05


def test_cells_make_a_checkerboard() -> None:
    refiner = Refiner([View(texture(160, 120), texture(160, 120))])
    white, black = refiner.cells()
    assert len(white) + len(black) == CELLS * CELLS * 120 // 160


def test_hardly_an_overlap() -> None:
    visible = texture(160, 120)
    away = np.array([[1.0, 0, 150], [0, 1, 0], [0, 0, 1]])
    found = Refiner([View(visible, visible)]).refine(away, "similarity")
    assert found.correlation == -1
    np.testing.assert_array_equal(found.matrix, away)


def test_the_search_finds_the_place() -> None:
    visible = texture(128, 96)
    matrix = np.array([[0.7, -0.03, 25.0], [0.03, 0.7, 14.0], [0, 0, 1]])
    infrared = seen_by(visible, matrix, (120, 90))
    best, *others = search([View(visible, infrared)])
    assert distance(best.matrix, matrix, (120, 90)) < 3
    assert all(other.score < best.score for other in others)
    assert all(distance(other.matrix, best.matrix, (120, 90)) > 7 for other in others)


def test_nothing_to_search_by() -> None:
    assert search([View(texture(128, 96), np.zeros((96, 128), np.float32))]) == []


def test_structure_does_not_depend_on_contrast_or_sign() -> None:
    plane = texture(128, 96)
    maps = structure(plane)
    assert maps.shape == (CHANNELS, 96, 128)
    np.testing.assert_allclose(structure(1 - plane), maps, atol=1e-3)
    np.testing.assert_allclose(structure(0.3 * plane + 0.2), maps, atol=1e-2)
    assert np.abs(structure(np.full((96, 128), 0.4, np.float32))).max() < 1e-3


def test_carried_to_other_sizes_and_back() -> None:
    small, large = ((160, 120), (80, 60)), ((640, 480), (240, 180))
    there = carried(TRUTH["homography"], small, large)
    np.testing.assert_allclose(carried(there, large, small), TRUTH["homography"], atol=1e-12)

from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.metrics import qabf
from distilfuse.metrics.qabf import _fast_angle

# Both sigmoids at an equal, parallel edge: ratio 1 and alignment 1.
STRENGTH_KEPT = 0.9994 / (1 + math.exp(-15 * (1 - 0.5)))
ANGLE_KEPT = 0.9879 / (1 + math.exp(-22 * (1 - 0.8)))


def random_grey(seed: int, shape: tuple[int, int] = (7, 9)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def naive_edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sobel by loops; what lies outside the picture is 0."""
    height, width = image.shape
    strength, angle = np.zeros(image.shape), np.zeros(image.shape)
    for y in range(height):
        for x in range(width):
            gx = gy = 0.0
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    inside = 0 <= y + dy < height and 0 <= x + dx < width
                    value = float(image[y + dy, x + dx]) if inside else 0.0
                    # As published: gx from left to right falling, gy from top to bottom rising.
                    gx -= dx * (2 - abs(dy)) * value
                    gy += dy * (2 - abs(dx)) * value
            strength[y, x] = math.sqrt(gx * gx + gy * gy)
            angle[y, x] = math.pi / 2 if gx == 0 else math.atan(gy / gx)
    return strength, angle


def naive_qabf(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray, *, quirk: bool) -> float:
    strength_f, angle_f = naive_edges(fused)
    kept = total = 0.0
    for source in (visible, infrared):
        strength_s, angle_s = naive_edges(source)
        for g, a, gf, af in zip(strength_s.flat, angle_s.flat, strength_f.flat, angle_f.flat, strict=True):
            if g == gf:
                ratio = g if quirk else 1.0
            else:
                ratio = gf / g if g > gf else g / gf
            alignment = 1 - abs(a - af) / (math.pi / 2)
            quality_g = 0.9994 / (1 + math.exp(-15 * (ratio - 0.5)))
            quality_a = 0.9879 / (1 + math.exp(-22 * (alignment - 0.8)))
            kept += g * quality_g * quality_a
            total += g
    return kept / total


@pytest.mark.parametrize("quirk", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_naive_loops(seed: int, quirk: bool) -> None:
    visible, infrared = random_grey(3 * seed), random_grey(3 * seed + 1)
    # Half of the picture taken from a source: equal edges occur, which is where the quirk acts.
    fused = np.where(np.arange(9) < 5, visible, random_grey(3 * seed + 2))
    found = qabf(visible, infrared, fused, equal_edge_quirk=quirk)
    assert found == pytest.approx(naive_qabf(visible, infrared, fused, quirk=quirk), rel=1e-6)


def test_the_quirk_acts_on_equal_edges_only() -> None:
    visible, other = random_grey(20), random_grey(21)
    assert qabf(visible, visible, visible) > qabf(visible, visible, visible, equal_edge_quirk=False)
    assert qabf(visible, visible, other) == qabf(visible, visible, other, equal_edge_quirk=False)


def test_half_of_the_contrast_by_hand() -> None:
    # Two pixels, 0 and 100, zeros around. The left one has gx = -2 * 100 and gy = 0; the right one's
    # neighbours are 0 on both sides, gx = gy = 0. Half of the contrast: strength ratio 1/2, where the
    # strength sigmoid is exactly half of its height, and the same angle.
    source, half = np.array([[0, 100]], np.uint8), np.array([[0, 50]], np.uint8)
    assert qabf(source, source, half) == pytest.approx(0.9994 / 2 * ANGLE_KEPT, rel=1e-6)


def test_identity_by_hand() -> None:
    image = random_grey(22)
    assert qabf(image, image, image, equal_edge_quirk=False) == pytest.approx(STRENGTH_KEPT * ANGLE_KEPT, rel=1e-6)
    # With the quirk "ratio" is the magnitude, at least 1 wherever it has a weight: the sigmoid saturates.
    assert qabf(image, image, image) == pytest.approx(0.9994 * ANGLE_KEPT, rel=1e-4)


def test_an_edge_turned_by_a_right_angle_is_lost() -> None:
    vertical = np.zeros((9, 9), np.uint8)
    vertical[1:-1, 4] = 200
    assert qabf(vertical, vertical, vertical.T) < 0.05


def test_weights_are_the_sources_magnitudes() -> None:
    # Edges of I are a fifth of V's and no other: I counts a fifth of V.
    visible = np.zeros((6, 8), np.uint8)
    visible[2:4, 3:5] = 200
    infrared = visible // 5
    keeps_visible = qabf(visible, infrared, visible, equal_edge_quirk=False)
    ratio = 0.9994 / (1 + math.exp(-15 * (0.2 - 0.5))) * ANGLE_KEPT
    assert keeps_visible == pytest.approx((5 * STRENGTH_KEPT * ANGLE_KEPT + ratio) / 6, rel=1e-6)


def test_sources_may_change_places_but_not_with_the_fused() -> None:
    visible, infrared, fused = random_grey(30), random_grey(31), random_grey(32)
    assert qabf(visible, infrared, fused) == pytest.approx(qabf(infrared, visible, fused), rel=1e-6)
    assert qabf(visible, infrared, fused) != pytest.approx(qabf(fused, infrared, visible), rel=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_tiny_and_black_pictures(shape: tuple[int, int]) -> None:
    black = np.zeros(shape, np.uint8)
    assert math.isnan(qabf(black, black, random_grey(33, shape)))
    if shape == (1, 1):
        return  # zeros all around: no gradient in the one pixel either
    assert 0 <= qabf(random_grey(34, shape), black, random_grey(35, shape)) <= 0.9994 * 0.9879


def test_a_constant_picture_has_edges_at_its_border_only() -> None:
    # What lies outside counts as black, as published, so that a constant picture kept is an edge kept.
    flat = np.full((6, 6), 100, np.uint8)
    assert qabf(flat, flat, flat) == pytest.approx(0.9994 * ANGLE_KEPT, rel=1e-6)


def test_bytes_in_float32_are_what_float64_gives() -> None:
    # Published: an error below 1e-6. Larger pictures average it out, so small and adverse ones are tried here.
    for seed in range(20):
        pictures = [random_grey(50 + 3 * seed + k, (9, 11)) for k in range(3)]
        pictures[2][:, :6] = pictures[seed % 2][:, :6]
        floats = [picture.astype(float) for picture in pictures]
        for quirk in (True, False):
            found = qabf(*pictures, equal_edge_quirk=quirk)
            assert found == pytest.approx(qabf(*floats, equal_edge_quirk=quirk), abs=1e-6)


def test_every_angle_of_bytes_is_that_of_the_arc_tangent() -> None:
    gx, gy = (grid.astype(np.float32) for grid in np.meshgrid(np.arange(-1020, 1021, 3), np.arange(-1020, 1021, 2)))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(gx == 0, np.pi / 2, np.arctan(gy.astype(float) / gx))
    np.testing.assert_allclose(_fast_angle(gx, gy), expected, atol=2e-7)


def test_strips_leave_no_seam() -> None:
    pictures = [random_grey(70 + k, (131, 9)) for k in range(3)]
    whole = qabf(*pictures, equal_edge_quirk=False)
    assert whole == pytest.approx(naive_qabf(*pictures, quirk=False), rel=1e-6)


def test_on_unit_pictures_the_quirk_costs_whoever_copies() -> None:
    units = [random_grey(60, (40, 40)) / 255, random_grey(61, (40, 40)) / 255]
    correct = qabf(*units, units[0], data_range=1, equal_edge_quirk=False)
    assert qabf(*units, units[0], data_range=1) < correct
    assert qabf(*(np.round(unit * 255) for unit in (*units, units[0]))) == pytest.approx(correct, abs=0.02)

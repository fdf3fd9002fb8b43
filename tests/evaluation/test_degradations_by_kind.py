"""What the six kinds beside the table's eight do to a picture, by hand or by a second implementation."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from distilfuse.evaluation.degradations import degrade, generator
from distilfuse.evaluation.degradations.blur import _stroke
from distilfuse.evaluation.degradations.geometry import _move

SHAPE = (90, 120)


def smooth(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Random hills between .2 and .7, a few pixels wide."""
    hills = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 4)
    hills -= hills.min()
    return (0.2 + 0.5 * hills / hills.max()).astype(np.float32)


def flat(level: float, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.full(shape, level, np.float32)


def applied(
    kind: str, visible: np.ndarray, infrared: np.ndarray, severity: float = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    return degrade(visible, infrared, kind=kind, severity=severity, rng=generator(seed, "a", kind))


# --- motion blur --------------------------------------------------------------------------------


def test_a_stroke_is_a_line_of_its_length() -> None:
    level = _stroke(10, 0.0)
    assert np.count_nonzero(level.sum(axis=1)) == 1  # one row
    row = level[level.shape[0] // 2]
    assert row.sum() == pytest.approx(1)
    assert np.count_nonzero(row > 0.05) == 11  # ten whole pixels; the outermost two are half covered
    np.testing.assert_allclose(row, row[::-1], atol=1e-6)


@given(length=st.floats(3, 22), angle=st.floats(0, np.pi))
@settings(max_examples=30, deadline=None)
def test_a_stroke_has_the_variance_of_a_line(length: float, angle: float) -> None:
    """A uniform line of length L has variance L^2 / 12 along, and none across but for the sharing out."""
    taps = _stroke(length, angle).astype(float)
    radius = taps.shape[0] // 2
    y, x = np.mgrid[radius : -radius - 1 : -1, -radius : radius + 1]
    assert taps.sum() == pytest.approx(1, abs=1e-5)
    assert (taps * x).sum() == pytest.approx(0, abs=1e-4)
    assert (taps * y).sum() == pytest.approx(0, abs=1e-4)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    assert (taps * along**2).sum() == pytest.approx(length**2 / 12, abs=0.5 + 0.02 * length**2)
    assert (taps * across**2).sum() < 0.3


def test_motion_blur_smears_one_way_and_keeps_what_lies_along_it() -> None:
    """The blurred picture of a point is its stroke: long one way, thin the other; the light in it is kept."""
    point = flat(0, (61, 61, 3))
    point[30, 30] = 1
    blurred, _ = applied("motion_blur", point, flat(0, (61, 61)), severity=5)
    light = blurred[..., 0].astype(float) ** 2.2
    assert light.sum() == pytest.approx(1, rel=0.15)  # 8-bit rounding of faint values
    y, x = np.mgrid[-30:31, -30:31]
    covariance = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=light.ravel(), ddof=0)
    thin, long = np.linalg.eigvalsh(covariance)
    assert long == pytest.approx(22**2 / 12, rel=0.1)
    assert thin < 0.5


def test_motion_blur_has_another_direction_for_another_picture() -> None:
    scene = np.repeat(smooth()[..., None], 3, axis=2)
    results = [applied("motion_blur", scene, smooth(1), seed=seed)[0] for seed in range(3)]
    assert (results[0] != results[1]).mean() > 0.2
    assert (results[0] != results[2]).mean() > 0.2


@pytest.mark.parametrize("kind", ["motion_blur", "haze"])
def test_an_even_picture_stays_even(kind: str) -> None:
    result, _ = applied(kind, flat(0.4, (*SHAPE, 3)), flat(0.2), severity=5)
    np.testing.assert_allclose(result * 255, 102, atol=1)


# --- haze ---------------------------------------------------------------------------------------


def test_haze_follows_the_scattering_equation() -> None:
    """Two pictures of two levels, under the same haze: I1 - I2 = (J1 - J2) t in linear light, row by row.

    Every other column is white in both, so that the air's light is the same.
    """
    lamps = np.zeros(SHAPE, bool)
    lamps[:, ::2] = True
    rows = []
    for level in (0.3, 0.5):
        scene = flat(level)
        scene[lamps] = 1
        hazy, _ = applied("haze", scene, flat(0), severity=3)
        rows.append(np.where(lamps, np.nan, hazy.astype(float) ** 2.2))
    shares = np.nanmean((rows[1] - rows[0]) / (0.5**2.2 - 0.3**2.2), axis=1)
    # Severity 3 has the optical depth 1.2 at the farthest, a fifth more or less; half of that not far below the
    # horizon, which lies above 45 % of the height.
    assert np.all(shares[:25] > np.exp(-1.2 * 1.25))
    assert np.all(shares[:25] < np.exp(-1.2 * 0.75))
    assert np.all(np.diff(shares[45:].reshape(-1, 5).mean(axis=1)) > 0)  # nearer is clearer
    assert shares[-1] > np.exp(-1.2 * 0.4)


def test_haze_at_night_is_dark_and_haze_at_noon_is_bright() -> None:
    night, noon = np.repeat(0.05 + 0 * smooth()[..., None], 3, axis=2), np.repeat(smooth()[..., None] + 0.2, 3, axis=2)
    night[40:42, 60:62] = 1  # a lamp
    for scene, low, high in ((night, 0, 0.2), (noon, 0.5, 1)):
        hazy, _ = applied("haze", scene.astype(np.float32), flat(0), severity=5)
        assert low <= hazy[:30].mean() <= high


def test_haze_takes_contrast_and_colour() -> None:
    scene = np.stack([smooth(1), smooth(2), smooth(3)], axis=-1)
    hazy, _ = applied("haze", scene, flat(0), severity=4)
    assert hazy[:40].std() < 0.6 * scene[:40].std()
    assert np.ptp(hazy[:40], axis=2).mean() < 0.6 * np.ptp(scene[:40], axis=2).mean()


# --- glare --------------------------------------------------------------------------------------


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_glare_only_adds_light(severity: float) -> None:
    scene = np.stack([smooth(1), smooth(2), smooth(3)], axis=-1)
    dazzled, _ = applied("glare", scene, flat(0), severity=severity)
    assert np.all(dazzled >= scene - 0.51 / 255)
    assert dazzled.max() == 1


def test_glare_is_two_lamps_side_by_side_that_fade_with_the_distance() -> None:
    dazzled, _ = applied("glare", flat(0, (300, 400)), flat(0, (300, 400)), severity=2)
    cores, number = ndimage.label(dazzled == 1)
    assert number == 2
    (row1, column1), (row2, column2) = ndimage.center_of_mass(dazzled == 1, cores, (1, 2))
    assert row1 == pytest.approx(row2, abs=2)
    assert 0.04 * 500 < abs(column2 - column1) < 0.1 * 500
    y, x = np.mgrid[0:300, 0:400]
    distance = np.hypot(y - row1, x - (column1 + column2) / 2)
    rings = [dazzled[(distance > k) & (distance < k + 10)].mean() for k in range(25, 120, 10)]
    assert np.all(np.diff(rings) < 0)


def test_glare_streaks_run_further_than_they_are_wide() -> None:
    dark = flat(0, (300, 400))
    dazzled, _ = applied("glare", dark, dark, severity=3)
    beyond = dazzled > np.quantile(dazzled, 0.97)
    y, x = np.nonzero(beyond)
    assert x.std() > 2 * y.std()


# --- JPEG ---------------------------------------------------------------------------------------


def test_jpeg_is_pillows() -> None:
    scene = (np.stack([smooth(1), smooth(2), smooth(3)], axis=-1) * 255).round() / np.float32(255)
    visible, infrared = applied("jpeg", scene.astype(np.float32), smooth(4), severity=3)
    for result, source in ((visible, scene), (infrared, smooth(4))):
        buffer = io.BytesIO()
        Image.fromarray(np.round(source * 255).astype(np.uint8)).save(buffer, "JPEG", quality=22, subsampling=2)
        np.testing.assert_array_equal(np.round(result * 255), np.asarray(Image.open(buffer)))


def test_jpeg_at_the_extreme_shows_blocks() -> None:
    """Steps between neighbours gather at the borders of eight-pixel blocks."""
    scene = smooth(4, (96, 128))
    _, blocky = applied("jpeg", scene, scene, severity=5)
    steps = np.abs(np.diff(blocky, axis=1)).mean(axis=0)
    border = np.arange(1, 128) % 8 == 0
    assert steps[border].mean() > 2 * steps[~border].mean()


# --- misregistration ----------------------------------------------------------------------------


@given(shift=st.floats(-8, 8))
@settings(max_examples=30, deadline=None)
def test_moving_by_fractions_is_cubic_interpolation(shift: float) -> None:
    """Keys' kernel, written out as in his paper (1981, eq. 15)."""
    row = smooth(3)[40].astype(float)
    expected = np.zeros_like(row)
    for k in range(row.size):
        place = k - shift
        for j in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            s = abs(place - j)
            if s < 1:
                weight = 1.5 * s**3 - 2.5 * s**2 + 1
            elif s < 2:
                weight = -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2
            else:
                weight = 0.0
            expected[k] += weight * row[min(max(j, 0), row.size - 1)]
    moved = _move(row[:, None].astype(np.float32), shift, axis=0)[:, 0]
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_moving_by_whole_pixels_copies_them() -> None:
    scene = smooth()
    np.testing.assert_allclose(_move(scene, 3, axis=1)[:, 3:], scene[:, :-3], atol=1e-6)
    np.testing.assert_allclose(_move(scene, -2, axis=0)[:-2], scene[2:], atol=1e-6)
    np.testing.assert_array_equal(_move(scene, 3, axis=1)[:, :3], np.repeat(scene[:, :1], 3, axis=1))


@pytest.mark.parametrize(("severity", "distance"), [(1, 1), (2, 2), (3, 3.5), (4, 5.5), (4.5, 6.75), (5, 8)])
@pytest.mark.parametrize("seed", range(3))
def test_the_shift_has_its_length(severity: float, distance: float, seed: int) -> None:
    y, x = np.mgrid[0:90, 0:120]
    spot = np.exp(-((y - 45) ** 2 + (x - 60) ** 2) / 60).astype(np.float32)
    _, moved = applied("misregistration", spot, spot, severity=severity, seed=seed)
    row, column = ndimage.center_of_mass(moved)
    assert np.hypot(row - 45, column - 60) == pytest.approx(distance, abs=0.05)


def test_shifts_go_every_way() -> None:
    y, x = np.mgrid[0:60, 0:60]
    spot = np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / 60).astype(np.float32)
    quarters = set()
    for seed in range(25):
        row, column = ndimage.center_of_mass(applied("misregistration", spot, spot, severity=5, seed=seed)[1])
        quarters.add((row > 30, column > 30))
    assert len(quarters) == 4


# --- infrared saturation ------------------------------------------------------------------------


@pytest.mark.parametrize(("severity", "share"), [(1, 0.04), (3, 0.15), (4, 0.25), (5, 0.40)])
def test_a_share_of_the_pixels_is_white(severity: float, share: float) -> None:
    ramp = np.linspace(0.1, 0.6, 10_000, dtype=np.float32).reshape(100, 100)
    _, clipped = applied("ir_saturation", ramp, ramp, severity=severity)
    assert (clipped == 1).mean() == pytest.approx(share, abs=0.005)
    below = clipped[clipped < 0.99]
    assert np.all(np.diff(below) >= 0)  # the rest keeps its order
    assert clipped.min() == pytest.approx(0.1, abs=0.03)  # and its cold end


def test_a_cold_even_background_does_not_turn_white() -> None:
    scene = flat(0.2, (100, 100))
    scene[40:60, 30:70] = np.linspace(0.3, 0.9, 40)  # eight per cent
    _, clipped = applied("ir_saturation", scene, scene, severity=5)
    np.testing.assert_allclose(clipped[:40], 0.2, atol=0.51 / 255)
    assert (clipped[40:60, 30:70] == 1).mean() > 0.8


def test_a_flat_infrared_picture_has_no_hot_end() -> None:
    _, same = applied("ir_saturation", flat(0.4), flat(0.4), severity=5)
    np.testing.assert_array_equal(same, flat(0.4))

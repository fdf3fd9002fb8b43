from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.errors import InputError
from distilfuse.evaluation.degradations import DEGRADATIONS, TABLE_KINDS, degrade, generator, quantise

VISIBLE_ONLY = ("low_light", "over_exposure", "visible_noise", "visible_blur", "motion_blur", "haze", "glare")
INFRARED_ONLY = ("ir_low_contrast", "ir_noise", "ir_stripes", "misregistration", "ir_saturation")
BOTH = ("low_light+ir_noise", "jpeg")
RANDOM = (
    "visible_noise",
    "ir_noise",
    "ir_stripes",
    "low_light+ir_noise",
    "motion_blur",
    "haze",
    "glare",
    "misregistration",
)


def clean(seed: int = 1, shape: tuple[int, int] = (48, 60)) -> tuple[np.ndarray, np.ndarray]:
    """A pair as read from 8-bit files, neither dark nor clipped."""
    rng = np.random.default_rng(seed)
    visible = rng.integers(20, 200, (*shape, 3)) / np.float32(255)
    infrared = rng.integers(20, 200, shape) / np.float32(255)
    return visible.astype(np.float32), infrared.astype(np.float32)


def degraded(kind: str, severity: float = 3.0, *, seed: int = 0, name: str = "set/a") -> tuple[np.ndarray, np.ndarray]:
    return degrade(*clean(), kind=kind, severity=severity, rng=generator(seed, name, kind))


def flat(level: int, shape: tuple[int, ...] = (200, 200)) -> np.ndarray:
    return np.full(shape, level / 255, np.float32)


def test_the_kinds() -> None:
    assert set(DEGRADATIONS) == {*VISIBLE_ONLY, *INFRARED_ONLY, *BOTH}


def test_the_eight_kinds_of_the_robustness_table_come_first() -> None:
    assert tuple(DEGRADATIONS)[:8] == TABLE_KINDS
    assert TABLE_KINDS[-1] == "low_light+ir_noise"


# --- what holds for each kind -------------------------------------------------------------------


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_the_same_seed_name_and_kind_degrade_alike(kind: str) -> None:
    for first, second in zip(degraded(kind), degraded(kind), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", RANDOM)
def test_another_seed_or_name_draws_anew(kind: str) -> None:
    infrared_or_visible = 0 if kind in VISIBLE_ONLY else 1
    first = degraded(kind)[infrared_or_visible]
    assert (first != degraded(kind, seed=1)[infrared_or_visible]).mean() > 0.3
    assert (first != degraded(kind, name="set/b")[infrared_or_visible]).mean() > 0.3


@pytest.mark.parametrize("kind", sorted(set(DEGRADATIONS) - set(RANDOM)))
def test_what_is_not_random_does_not_draw(kind: str) -> None:
    for first, second in zip(degraded(kind), degraded(kind, seed=1, name="set/b"), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_the_other_picture_is_unchanged_and_the_inputs_are_left_alone(kind: str) -> None:
    visible, infrared = clean()
    kept = visible.copy(), infrared.copy()
    new_visible, new_infrared = degrade(visible, infrared, kind=kind, rng=generator(0, "a", kind))
    np.testing.assert_array_equal(visible, kept[0])
    np.testing.assert_array_equal(infrared, kept[1])
    assert np.array_equal(new_visible, visible) == (kind in INFRARED_ONLY)
    assert np.array_equal(new_infrared, infrared) == (kind in VISIBLE_ONLY)


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_result_is_what_an_8_bit_camera_delivers(kind: str, severity: float) -> None:
    for image, source in zip(degraded(kind, severity), clean(), strict=True):
        assert image.shape == source.shape
        assert image.dtype == np.float32
        assert image.min() >= 0
        assert image.max() <= 1
        levels = image.astype(np.float64) * 255
        np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)


# Noise that is moved by two pixels is as different as noise that is moved by eight.
@pytest.mark.parametrize("kind", sorted(set(DEGRADATIONS) - {"misregistration"}))
def test_more_severity_changes_more(kind: str) -> None:
    # The same random field at each severity: only its strength grows.
    changes = []
    for severity in np.linspace(1, 5, 9):
        results = degraded(kind, float(severity))
        changes.append(sum(np.abs(new - old).mean() for new, old in zip(results, clean(), strict=True)))
    assert changes[0] > 0.004  # a grey level
    assert np.all(np.diff(changes) > 0)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_grey_visible_picture_is_degraded_as_well(kind: str) -> None:
    visible, infrared = clean()
    new_visible, new_infrared = degrade(visible[..., 0], infrared, kind=kind, rng=generator(0, "a", kind))
    assert new_visible.shape == new_infrared.shape == infrared.shape
    assert np.array_equal(new_visible, visible[..., 0]) == (kind in INFRARED_ONLY)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_one_pixel_is_a_picture(kind: str) -> None:
    results = degrade(flat(90, (1, 1, 3)), flat(60, (1, 1)), kind=kind, rng=generator(0, "a", kind))
    assert [image.shape for image in results] == [(1, 1, 3), (1, 1)]
    assert all(np.isfinite(image).all() for image in results)


# --- what each kind does ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "severity", "level", "expected"),
    [
        ("low_light", 3, 200, 70),  # .35 * 200
        ("low_light", 1, 200, 140),
        ("low_light", 5, 200, 24),
        ("low_light", 2.5, 200, 85),  # half-way between .5 and .35
        ("over_exposure", 3, 100, 190),  # 1.9 * 100
        ("over_exposure", 3, 200, 255),  # clipped
        ("over_exposure", 4.5, 50, 135),  # half-way between 2.4 and 3
        ("low_light+ir_noise", 3, 200, 70),
    ],
)
def test_light_by_hand(kind: str, severity: float, level: int, expected: int) -> None:
    visible, _ = degrade(
        flat(level, (2, 2, 3)), flat(9, (2, 2)), kind=kind, severity=severity, rng=generator(0, "", kind)
    )
    np.testing.assert_array_equal(np.round(visible * 255), np.full((2, 2, 3), expected))


@pytest.mark.parametrize(("severity", "sigma"), [(1, 8), (3, 25), (3.5, 30.5), (4, 36)])
def test_noise_has_the_sigma_of_its_severity(severity: float, sigma: float) -> None:
    # At mid-grey 127 levels are 3.5 sigma of the strongest here: clipping hardly takes any of it away.
    visible, infrared = flat(127, (200, 200, 3)), flat(127)
    noisy, _ = degrade(visible, infrared, kind="visible_noise", severity=severity, rng=generator(0, "a", "v"))
    deviation = (noisy - visible) * 255
    # 120 000 values: the standard error of sigma is .2 %, that of the mean .3 % of sigma.
    assert deviation.std() == pytest.approx(sigma, rel=0.01)
    assert abs(deviation.mean()) < 0.02 * sigma
    for a, b in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(deviation[..., a].ravel(), deviation[..., b].ravel())[0, 1]
        assert abs(correlation) < 0.03

    _, noisy = degrade(visible, infrared, kind="ir_noise", severity=severity, rng=generator(0, "a", "i"))
    assert ((noisy - infrared) * 255).std() == pytest.approx(sigma, rel=0.02)


def test_both_at_once_is_each_alone() -> None:
    visible, infrared = degraded("low_light+ir_noise")
    np.testing.assert_array_equal(visible, degraded("low_light")[0])
    alone = degrade(*clean(), kind="ir_noise", rng=generator(0, "set/a", "low_light+ir_noise"))[1]
    np.testing.assert_array_equal(infrared, alone)


@pytest.mark.parametrize(("severity", "sigma"), [(1, 6), (3, 20), (5, 45)])
def test_stripes_are_one_offset_a_column(severity: float, sigma: float) -> None:
    # A picture that varies from row to row within a range that no offset clips
    infrared = np.broadcast_to(np.arange(120, 136)[:, None] / np.float32(255), (16, 900)).astype(np.float32)
    _, striped = degrade(
        flat(0, (16, 900, 3)), infrared, kind="ir_stripes", severity=severity, rng=generator(0, "a", "s")
    )
    offset = np.round((striped - infrared) * 255).astype(int)
    unclipped = (striped > 0).all(0) & (striped < 1).all(0)
    assert unclipped.mean() > 0.97
    # Rounding of one and the same offset may fall on either side of a half, no further.
    assert np.ptp(offset[:, unclipped], axis=0).max() <= 1
    # 900 columns: the standard error of sigma is 2.4 %.
    assert offset[0].std() == pytest.approx(sigma, rel=0.1)
    neighbours = np.corrcoef(offset[0, 1:], offset[0, :-1])[0, 1]
    assert abs(neighbours) < 0.12


@pytest.mark.parametrize(("severity", "contrast"), [(1, 0.7), (3, 0.3), (5, 0.1)])
def test_low_contrast_shrinks_towards_the_mean(severity: float, contrast: float) -> None:
    infrared = clean()[1]
    _, weak = degraded("ir_low_contrast", severity)
    assert weak.mean() == pytest.approx(infrared.mean(), abs=0.1 / 255)
    assert weak.std() == pytest.approx(contrast * infrared.std(), rel=0.01)
    expected = infrared.mean() + contrast * (infrared - infrared.mean())
    np.testing.assert_allclose(weak * 255, expected * 255, atol=0.51)  # a rounding


@pytest.mark.parametrize(("severity", "sigma"), [(1, 0.6), (3, 1.6), (4.5, 2.75)])
def test_blur_is_a_gaussian(severity: float, sigma: float) -> None:
    visible, _ = clean()
    blurred, _ = degraded("visible_blur", severity)
    for channel in range(3):
        expected = ndimage.gaussian_filter(visible[..., channel].astype(float), sigma, mode="nearest", truncate=3)
        # A rounding, and half a level where the two fall on either side of it
        np.testing.assert_allclose(blurred[..., channel] * 255, expected * 255, atol=0.51)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_blur_preserves_the_mean(severity: float) -> None:
    # A scene on an even ground as wide as the blur: nothing flows over the border.
    ground = flat(80, (60, 70, 3)).copy()
    ground[15:-15, 15:-15] = clean()[0][:30, :40]
    blurred, _ = degrade(ground, flat(9, (60, 70)), kind="visible_blur", severity=severity, rng=generator(0, "", ""))
    np.testing.assert_allclose(blurred.mean((0, 1)), ground.mean((0, 1)), atol=0.1 / 255)
    assert blurred[15:-15, 15:-15].std() < 0.8 * ground[15:-15, 15:-15].std()
    even, _ = degrade(
        flat(80, (9, 5, 3)), flat(9, (9, 5)), kind="visible_blur", severity=severity, rng=generator(0, "", "")
    )
    np.testing.assert_array_equal(even, flat(80, (9, 5, 3)))


# --- randomness, rounding, bad input ------------------------------------------------------------


def test_generator_is_the_same_in_every_process_and_version() -> None:
    # Raw output of PCG64, which numpy keeps stable; a salted hash() in between would change with the process.
    first = generator(3407, "roadscene/FLIR_00006", "ir_noise").bit_generator.random_raw()
    assert first == 17527288917299582482


def test_generator_depends_on_seed_name_and_kind() -> None:
    keys = [(0, "a", "k"), (1, "a", "k"), (0, "b", "k"), (0, "a", "l"), (0, "a/k", "")]
    assert len({generator(*key).bit_generator.random_raw() for key in keys}) == len(keys)


def test_quantise_by_hand() -> None:
    image = np.array([-0.2, 0, 0.4 / 255, 0.6 / 255, 100.4 / 255, 1, 1.7], np.float32)
    np.testing.assert_array_equal(quantise(image), np.array([0, 0, 0, 1, 100, 255, 255], np.float32) / np.float32(255))
    assert quantise(image).dtype == np.float32


def test_quantise_keeps_every_level() -> None:
    levels = np.arange(256, dtype=np.uint8) / np.float32(255)
    np.testing.assert_array_equal(quantise(levels), levels)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="Unknown degradation 'fog': choose from low_light, over_exposure"):
        degraded("fog")


@pytest.mark.parametrize("severity", [0.0, 0.99, 5.01, -3.0, float("nan"), float("inf")])
def test_a_severity_out_of_range_is_refused(severity: float) -> None:
    with pytest.raises(InputError, match="Severity must be from 1 to 5"):
        degraded("low_light", severity)


def test_bytes_are_refused() -> None:
    """A picture of 0..255 would clip to white without a word."""
    picture = np.zeros((8, 8), np.uint8)
    with pytest.raises(InputError, match="divide bytes by 255"):
        degrade(picture, picture, kind="ir_noise", rng=generator(0, "x", "ir_noise"))  # type: ignore[arg-type]

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distilfuse.errors import ConfigError
from distilfuse.evaluation.degradations import DEGRADATIONS
from distilfuse.training.augmentation import AugmentationConfig, damage, vary

PLAIN = AugmentationConfig(dark=0, dim_infrared=0, faint_noise=0, grey=0, degraded=0, second=0)
"""Nothing varied, nothing degraded; each test turns one thing on."""


def clean(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    visible = rng.integers(0, 256, (24, 20, 3)) / np.float32(255)
    infrared = rng.integers(0, 256, (24, 20)) / np.float32(255)
    infrared[0, :2] = 0, 1
    return visible.astype(np.float32), infrared.astype(np.float32)


def varied(config: AugmentationConfig, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return vary(*clean(), config, np.random.default_rng(seed))


def damaged(config: AugmentationConfig, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return damage(*clean(), config, np.random.default_rng(seed))[0]


def is_changed(images: tuple[np.ndarray, np.ndarray]) -> tuple[bool, bool]:
    visible, infrared = clean()
    return not np.array_equal(images[0], visible), not np.array_equal(images[1], infrared)


# --- clean variety ------------------------------------------------------------------------------


def test_with_every_share_at_zero_nothing_is_varied() -> None:
    for seed in range(10):
        assert is_changed(varied(PLAIN, seed)) == (False, False)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_varied_stays_an_8_bit_picture(seed: int) -> None:
    config = replace(PLAIN, dark=1, dim_infrared=1, faint_noise=1, grey=0.5)
    for image, source in zip(varied(config, seed), clean(), strict=True):
        assert image.dtype == np.float32
        assert image.shape == source.shape
        levels = image.astype(np.float64) * 255
        np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
        assert 0 <= levels.min() <= levels.max() <= 255


def test_the_sources_are_left_alone() -> None:
    visible, infrared = clean()
    config = replace(PLAIN, dark=1, dim_infrared=1, faint_noise=1, grey=1, degraded=1)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        damage(*vary(visible, infrared, config, rng), config, rng)[0]
    assert is_changed((visible, infrared)) == (False, False)


def test_grey_is_the_luminance_in_all_channels() -> None:
    visible, infrared = varied(replace(PLAIN, grey=1), 0)
    luminance = clean()[0].astype(float) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(visible * 255, np.repeat(luminance[..., None], 3, 2) * 255, atol=0.51)
    np.testing.assert_array_equal(infrared, clean()[1])


def test_dark_takes_light_from_the_visible_picture_only() -> None:
    gains = []
    for seed in range(60):
        visible, infrared = varied(replace(PLAIN, dark=1), seed)
        np.testing.assert_array_equal(infrared, clean()[1])
        # Gain at white, where a gamma changes nothing
        gains.append(visible[clean()[0] == 1].mean())
        # Order of brightness stays: darker is darker everywhere
        flat = np.argsort(clean()[0].ravel(), kind="stable")
        assert np.all(np.diff(visible.ravel()[flat]) >= 0)
    # Log-uniform from .12 to 1
    assert min(gains) >= 0.115
    assert max(gains) <= 1
    assert np.median(gains) == pytest.approx(np.sqrt(0.12), abs=0.12)


def test_dim_infrared_shrinks_contrast_without_clipping() -> None:
    spans, lowest = [], []
    for seed in range(60):
        visible, infrared = varied(replace(PLAIN, dim_infrared=1), seed)
        np.testing.assert_array_equal(visible, clean()[0])
        # The source spans 0 to 1, so the result's span is the gain and its least value the offset.
        spans.append(float(np.ptp(infrared)))
        lowest.append(float(infrared.min()))
        assert lowest[-1] <= 0.5 * (1 - spans[-1]) + 0.01
    assert min(spans) >= 0.115
    assert max(spans) <= 1
    assert np.median(spans) == pytest.approx(np.sqrt(0.12), abs=0.12)
    assert max(lowest) > 0.2, "weak contrast occurs at raised levels, too"


def test_faint_noise_is_faint_and_the_same_in_all_channels() -> None:
    middle = np.full((60, 60, 3), 127 / 255, np.float32)
    config = replace(PLAIN, faint_noise=1, faint_sigma=4.0)
    sigmas = []
    for seed in range(30):
        visible, infrared = vary(middle, middle[..., 0], config, np.random.default_rng(seed))
        np.testing.assert_array_equal(visible[..., 0], visible[..., 1])
        np.testing.assert_array_equal(visible[..., 0], visible[..., 2])
        sigmas += [float(visible.std() * 255), float(infrared.std() * 255)]
    assert max(sigmas) < 4.2
    assert max(sigmas) > 3
    assert np.mean(sigmas) == pytest.approx(2, abs=0.5)


# --- degraded inputs ----------------------------------------------------------------------------


def test_nothing_is_degraded_at_share_zero_or_without_kinds() -> None:
    for seed in range(10):
        assert is_changed(damaged(PLAIN, seed)) == (False, False)
        assert is_changed(damaged(replace(PLAIN, degraded=1, kinds={}), seed)) == (False, False)


def test_degraded_is_a_share() -> None:
    config = replace(PLAIN, degraded=0.3, kinds={"ir_noise": 1.0})
    share = np.mean([is_changed(damaged(config, seed))[1] for seed in range(500)])
    # Standard error 2 %
    assert share == pytest.approx(0.3, abs=0.07)


def test_only_the_kinds_named_are_drawn_and_by_their_frequency() -> None:
    config = replace(PLAIN, degraded=1, kinds={"visible_noise": 3.0, "ir_noise": 1.0})
    changed = [is_changed(damaged(config, seed)) for seed in range(400)]
    assert set(changed) == {(True, False), (False, True)}
    assert np.mean([visible for visible, _ in changed]) == pytest.approx(0.75, abs=0.08)


def test_second_adds_another_kind_never_the_same() -> None:
    config = replace(PLAIN, degraded=1, second=1, kinds={"visible_noise": 1.0, "ir_noise": 1.0})
    assert {is_changed(damaged(config, seed)) for seed in range(20)} == {(True, True)}
    alone = replace(config, kinds={"ir_noise": 1.0})
    assert {is_changed(damaged(alone, seed)) for seed in range(20)} == {(False, True)}


def test_severity_stays_in_its_range() -> None:
    # Low light tells its gain: from .35 at severity 3 to .22 at severity 4.
    config = replace(PLAIN, degraded=1, kinds={"low_light": 1.0}, severity=(3.0, 4.0))
    white = np.ones((2, 2, 3), np.float32)
    gains = [damage(white, white[..., 0], config, np.random.default_rng(k))[0][0].mean() for k in range(60)]
    assert 0.215 < min(gains) < 0.25
    assert 0.32 < max(gains) < 0.355


# --- configuration ------------------------------------------------------------------------------


def test_the_defaults_are_valid_and_known() -> None:
    assert set(AugmentationConfig().kinds) <= set(DEGRADATIONS)


@pytest.mark.parametrize("share", ["dark", "dim_infrared", "faint_noise", "grey", "degraded", "second"])
def test_shares_lie_between_zero_and_one(share: str) -> None:
    for value in (-0.01, 1.01, float("nan")):
        with pytest.raises(ConfigError, match=rf"augmentation\.{share} is a share from 0 to 1"):
            AugmentationConfig(**{share: value})
    for value in (0.0, 1.0):
        assert getattr(AugmentationConfig(**{share: value}), share) == value


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"augmentation\.kinds: unknown degradation 'fog', choose from low_light"):
        AugmentationConfig(kinds={"ir_noise": 1.0, "fog": 1.0})


@pytest.mark.parametrize("frequency", [0.0, -1.0, float("nan"), float("inf")])
def test_a_frequency_that_is_not_positive_is_refused(frequency: float) -> None:
    # Later it would be an error of numpy's in the middle of a run.
    with pytest.raises(ConfigError, match="the frequency of 'ir_noise' must be positive"):
        AugmentationConfig(kinds={"visible_noise": 1.0, "ir_noise": frequency})


@pytest.mark.parametrize("severity", [(0.5, 3.0), (2.0, 5.5), (4.0, 3.0), (float("nan"), 3.0)])
def test_a_severity_range_outside_one_to_five_is_refused(severity: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match=r"augmentation\.severity must be a range inside 1\.\.5"):
        AugmentationConfig(severity=severity)


def test_a_negative_sigma_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"augmentation\.faint_sigma must not be negative"):
        AugmentationConfig(faint_sigma=-1.0)


def test_what_was_done_is_told() -> None:
    """The words of a crop are made from this: kinds of the catalogue, severities inside the range, none when clean."""
    config = AugmentationConfig(degraded=0.6, second=0.5, severity=(2.0, 3.0))
    seen: set[str] = set()
    for seed in range(40):
        visible, infrared = clean()
        images, applied = damage(visible, infrared, config, np.random.default_rng(seed))
        changed = bool((images[0] != visible).any() or (images[1] != infrared).any())
        assert changed == bool(applied)
        assert all(kind in config.kinds and 2 <= severity <= 3 for kind, severity in applied)
        seen |= {kind for kind, _ in applied}
    assert len(seen) > 3

"""What the further metrics owe alike: bad input, ranges, types, identity, constant pictures, exchange of sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from distilfuse.errors import InputError
from distilfuse.metrics.chen_blum import chen_blum
from distilfuse.metrics.chen_varshney import chen_varshney
from distilfuse.metrics.correlation import correlation
from distilfuse.metrics.cross_entropy import cross_entropy
from distilfuse.metrics.feature_mutual_information import fmi_dct, fmi_edge, fmi_gradient, fmi_pixel, fmi_wavelet
from distilfuse.metrics.fusion_artifacts import labf, nabf
from distilfuse.metrics.ms_ssim import ms_ssim
from distilfuse.metrics.mse import mse
from distilfuse.metrics.nonlinear_correlation import nonlinear_correlation
from distilfuse.metrics.normalised_mutual_information import normalised_mutual_information
from distilfuse.metrics.piella import qe, qw
from distilfuse.metrics.psnr import psnr
from distilfuse.metrics.scd import scd
from distilfuse.metrics.viff import viff
from distilfuse.metrics.yang import yang

EACH = [correlation, cross_entropy, ms_ssim, mse]
FMI = [fmi_dct, fmi_edge, fmi_gradient, fmi_pixel, fmi_wavelet]
BOTH = [
    chen_blum,
    chen_varshney,
    labf,
    nabf,
    nonlinear_correlation,
    normalised_mutual_information,
    psnr,
    qe,
    qw,
    scd,
    viff,
    yang,
    *FMI,
]
ALL = EACH + BOTH
SMALLEST = {
    chen_blum: 32,
    chen_varshney: 16,
    labf: 2,
    nabf: 2,
    ms_ssim: 161,
    qe: 10,
    qw: 10,
    viff: 41,
    yang: 7,
    **dict.fromkeys(FMI, 3),
}


def named(metric: Callable[..., float]) -> str:
    return metric.__name__


def textured(seed: int, shape: tuple[int, int], *, low: int = 20, high: int = 230) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 1, shape)
    smooth = ndimage.gaussian_filter(noise, 2, mode="wrap")
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.round(low + (high - low) * smooth).astype(np.uint8)


@cache
def triple(metric: Callable[..., float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two sources and a fused picture, no larger than the metric needs."""
    shape = (170, 163) if metric is ms_ssim else (58, 61)
    visible, infrared = textured(0, shape), textured(1, shape, low=0, high=180)
    return visible, infrared, np.maximum(visible, infrared // 2)


def of(metric: Callable[..., float], sources: Sequence[np.ndarray], fused: np.ndarray, **options: float) -> float:
    return metric(*sources[: 1 if metric in EACH else 2], fused, **options)


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_bytes_words_and_unit_floats_agree(metric: Callable[..., float]) -> None:
    *sources, fused = triple(metric)
    found = of(metric, sources, fused)
    assert isinstance(found, float)
    assert math.isfinite(found)
    words = tuple(picture.astype(np.uint16) * 257 for picture in (*sources, fused))
    units = tuple(picture / 255 for picture in (*sources, fused))
    scale = 255**2 if metric is mse else 1
    # Where windows decide by equality or a threshold, rounding in the division by 255 tips a few of them.
    tolerance = 2e-3 if metric in (labf, nabf, *FMI) else 1e-7
    assert of(metric, words[:2], words[2], data_range=65535) == pytest.approx(
        found * (257**2 if metric is mse else 1), rel=tolerance
    )
    assert of(metric, units[:2], units[2], data_range=1) * scale == pytest.approx(found, rel=tolerance)


@pytest.mark.parametrize("metric", BOTH, ids=named)
def test_the_sources_may_be_exchanged(metric: Callable[..., float]) -> None:
    visible, infrared, fused = triple(metric)
    assert metric(infrared, visible, fused) == pytest.approx(metric(visible, infrared, fused), rel=1e-9)


@pytest.mark.parametrize("metric", [correlation, ms_ssim, mse], ids=named)
def test_source_and_fused_may_be_exchanged(metric: Callable[..., float]) -> None:
    visible, _, fused = triple(metric)
    assert metric(visible, fused) == pytest.approx(metric(fused, visible), rel=1e-12)


IDENTITY = {
    chen_blum: 1,
    chen_varshney: 0,
    correlation: 1,
    cross_entropy: 0,
    labf: 1 - math.sqrt(0.9999 * 0.9995),
    ms_ssim: 1,
    mse: 0,
    nabf: 0,
    normalised_mutual_information: 2,
    psnr: math.inf,
    qe: 1,
    qw: 1,
    viff: 1,
    yang: 1,
    **dict.fromkeys(FMI, 1),
}


@pytest.mark.parametrize("metric", IDENTITY, ids=named)
def test_three_times_the_same_picture(metric: Callable[..., float]) -> None:
    visible, _, _ = triple(metric)
    assert of(metric, (visible, visible), visible) == pytest.approx(IDENTITY[metric], abs=2e-4)


CONSTANT = {
    **IDENTITY,
    chen_varshney: math.nan,
    correlation: math.nan,
    nonlinear_correlation: 1 - math.log(3, 256),
    normalised_mutual_information: math.nan,
    qe: math.nan,
    qw: math.nan,
    scd: math.nan,
}


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("metric", CONSTANT, ids=named)
def test_three_times_the_same_constant(metric: Callable[..., float], level: int) -> None:
    flat = np.full_like(triple(metric)[0], level)
    assert of(metric, (flat, flat), flat) == pytest.approx(CONSTANT[metric], abs=2e-4, nan_ok=True)
    assert of(metric, (flat / 255, flat / 255), flat / 255, data_range=1.0) == pytest.approx(
        CONSTANT[metric], abs=2e-4, nan_ok=True
    )


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_black_regions_in_all_pictures_do_no_harm(metric: Callable[..., float]) -> None:
    *sources, fused = (picture.copy() for picture in triple(metric))
    for picture in (*sources, fused):
        picture[:, :25] = 0
    assert math.isfinite(of(metric, sources, fused))


WRONG: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "size": lambda picture: picture[:-1],
    "colour": lambda picture: picture[..., None].repeat(3, 2),
    "type": lambda picture: picture.astype(np.int32),
    "range": lambda picture: picture * 2.0,
    "NaN": lambda picture: np.where(picture == picture.max(), np.nan, picture),
}


@pytest.mark.parametrize("metric", ALL, ids=named)
@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_refuses_pictures_that_cannot_be_compared(
    metric: Callable[..., float], spoil: Callable[..., np.ndarray]
) -> None:
    visible, infrared, fused = triple(metric)
    with pytest.raises(InputError):
        of(metric, (visible, infrared), spoil(fused))
    with pytest.raises(InputError):
        of(metric, (spoil(visible), infrared), fused)
    if metric in BOTH:
        with pytest.raises(InputError):
            metric(visible, spoil(infrared), fused)


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_refuses_an_impossible_range(metric: Callable[..., float]) -> None:
    *sources, fused = triple(metric)
    for data_range in (0, -1, math.nan, math.inf):
        with pytest.raises(InputError, match="data_range"):
            of(metric, sources, fused, data_range=data_range)
    with pytest.raises(InputError, match=r"do not lie in 0\.\.1"):
        of(metric, sources, fused, data_range=1)


@pytest.mark.parametrize("metric", SMALLEST, ids=named)
def test_says_how_small_is_too_small(metric: Callable[..., float]) -> None:
    smallest = SMALLEST[metric]
    for shape in ((smallest, smallest), (smallest, smallest + 3)):
        tiny = [textured(seed, shape) for seed in (4, 5, 6)]
        assert math.isfinite(of(metric, (tiny[0], tiny[1]), tiny[2]))
    for shape in ((smallest - 1, 200), (200, smallest - 1)):
        tiny = [np.zeros(shape, np.uint8)] * 3
        with pytest.raises(InputError, match=f"at least {smallest} pixels"):
            of(metric, (tiny[0], tiny[1]), tiny[2])


@pytest.mark.parametrize("metric", set(ALL) - set(SMALLEST), ids=named)
def test_the_others_take_a_single_pixel(metric: Callable[..., float]) -> None:
    pixels = [np.array([[level]], np.uint8) for level in (3, 9, 9)]
    found = of(metric, (pixels[0], pixels[1]), pixels[2])
    assert math.isnan(found) or math.isfinite(found)


def test_inputs_are_left_as_they_are() -> None:
    for metric in ALL:
        pictures = [picture.astype(np.float64) for picture in triple(metric)]
        of(metric, pictures[:2], pictures[2])
        for before, after in zip(triple(metric), pictures, strict=True):
            assert np.array_equal(before, after), metric.__name__

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.metrics import feature_mutual_information as fmi
from distilfuse.metrics.features import cosine_transform, edges, gradient, wavelet_transform


def pair_value(a: np.ndarray, f: np.ndarray, *, clip: bool) -> float:
    """One window after the published code: the joint distribution in all 81 cells, by Frechet's bounds of the CDFs."""
    if np.array_equal(a, f):
        return 1.0
    shares = []
    for window in (a, f):
        values = window.ravel(order="F").astype(float)
        span = values.max() - values.min()
        values = (values - values.min()) / span if span > 0 else np.ones(9)
        shares.append(values / values.sum())
    p, q = shares
    index = np.arange(1, 10)
    deviation = [math.sqrt(max(s @ index**2 - (s @ index) ** 2, 0)) for s in shares]
    c = 0.0 if np.ptp(p) == 0 or np.ptp(q) == 0 else float(np.corrcoef(p, q)[0, 1])
    upto_p, upto_q = np.cumsum(p), np.cumsum(q)
    bound = np.zeros((10, 10))
    for i in range(9):
        for j in range(9):
            if c >= 0:
                bound[i + 1, j + 1] = min(upto_p[i], upto_q[j])
            else:
                bound[i + 1, j + 1] = max(upto_p[i] + upto_q[j] - 1, 0)
    phi = 0.0
    if c != 0 and min(deviation) > 1e-6:
        covariance = float((bound[1:, 1:] - np.outer(upto_p, upto_q)).sum())
        phi = c / (covariance / (deviation[0] * deviation[1]))
    if clip:
        phi = min(phi, 1.0)
    joint = phi * np.diff(np.diff(bound, axis=0), axis=1) + (1 - phi) * np.outer(p, q)

    def entropy(x: np.ndarray) -> float:
        x = x[np.abs(x) > 1e-15]
        return float(-(x * np.log2(np.abs(x))).sum())

    single = entropy(p) + entropy(q)
    return 2 * (single - entropy(joint)) / single if single > 0 else 0.0


def second_implementation(
    visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray, *, published_code: bool = False
) -> float:
    values = []
    for y in range(visible.shape[0] - 2):
        for x in range(visible.shape[1] - 2):
            v, i, f = (plane[y : y + 3, x : x + 3] for plane in (visible, infrared, fused))
            from_v = pair_value(v, f, clip=not published_code)
            from_i = pair_value(i, f, clip=not published_code)
            if published_code and np.array_equal(i, f) and not np.array_equal(v, f):
                # Compared after the fused window was stretched: found unequal, then computed.
                from_i = 0.0 if np.ptp(i) == 0 or (i != i.min()).sum() == 1 else 1.0
            values.append((from_v + from_i) / 2)
    return float(np.mean(values))


def triple(seed: int, shape: tuple[int, int] = (13, 16)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    visible, infrared = rng.integers(0, 200, (2, *shape), dtype=np.uint8)
    visible[:5, :6] = 40  # flat in one picture, in two, in all
    infrared[:6, :4] = 20
    infrared[7:11, 2:7] = 250
    infrared[8, 3] = 251  # all of the distribution in one place
    return visible, infrared, np.maximum(visible, infrared)


@pytest.mark.parametrize("published_code", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_pixels_agree_with_loops(seed: int, published_code: bool) -> None:
    pictures = triple(seed)
    found = fmi.fmi_pixel(*pictures, published_code=published_code)
    assert found == pytest.approx(second_implementation(*pictures, published_code=published_code), rel=1e-9)
    assert 0.2 < found < 0.95


@pytest.mark.parametrize(
    ("metric", "feature"),
    [
        (fmi.fmi_gradient, gradient),
        (fmi.fmi_edge, edges),
        (fmi.fmi_dct, cosine_transform),
    ],
)
def test_features_agree_with_loops(metric: Callable[..., float], feature: Callable[[np.ndarray], np.ndarray]) -> None:
    pictures = np.random.default_rng(3).integers(0, 256, (3, 9, 10), dtype=np.uint8)
    expected = second_implementation(*(feature(picture.astype(float)) for picture in pictures))
    assert metric(*pictures) == pytest.approx(expected, rel=1e-6)


def test_wavelet_is_the_metric_of_the_bands() -> None:
    pictures = np.random.default_rng(3).integers(0, 256, (3, 9, 10), dtype=np.uint8)
    bands = np.stack([wavelet_transform(picture.astype(float)) for picture in pictures])
    # Windows are stretched to 0..1 anyway, so scale and offset of the feature do not matter.
    stretched = (bands - bands.min()) / (bands.max() - bands.min())
    assert fmi.fmi_wavelet(*pictures) == pytest.approx(fmi.fmi_pixel(*stretched, data_range=1), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.sampled_from([2, 4, 256]))
def test_lies_between_zero_and_one(seed: int, levels: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, levels, (3, 7, 8), dtype=np.uint8)
    for metric in (fmi.fmi_pixel, fmi.fmi_gradient, fmi.fmi_dct):
        assert -1e-9 <= metric(*pictures) <= 1 + 1e-9


def test_one_window_by_hand() -> None:
    # Shares (1/2, 0, ..., 0, 1/2) in both: correlation 1, the joint distribution is theirs, all is shared.
    a = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1]], np.uint8)
    assert fmi.fmi_pixel(a, a, 7 * a) == pytest.approx(1)
    # The negative, scaled alike, is spread over the other seven; far less is shared, but not nothing.
    assert 0 < fmi.fmi_pixel(a, a, 1 - a) < 0.6
    # A flat window tells nothing.
    assert fmi.fmi_pixel(a, a, np.full_like(a, 5)) == pytest.approx(0)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = triple(4, (30, 20))
    whole = fmi.fmi_pixel(*pictures)
    monkeypatch.setattr(fmi, "_CHUNK", 19)
    assert fmi.fmi_pixel(*pictures) == pytest.approx(whole, rel=1e-12)


def test_cards() -> None:
    cards = (fmi.CARD_PIXEL, fmi.CARD_GRADIENT, fmi.CARD_DCT, fmi.CARD_WAVELET)
    assert [card.name for card in cards] == ["FMI_pixel", "FMI_gradient", "FMI_dct", "FMI_wavelet"]
    assert {(card.inputs, card.arrow) for card in cards} == {("both", "↑")}

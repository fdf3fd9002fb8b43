from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.datasets.pairs import find_pairs
from distilfuse.errors import InputError
from distilfuse.imaging.polarity import (
    ALIKE,
    SURE,
    WEIGHTS,
    WEIGHTS_BESIDE_VISIBLE,
    Polarity,
    combine,
    guess_polarity,
    polarity_features,
)
from distilfuse.imaging.reading import read_array


def street(height: int = 240, width: int = 320, seed: int = 0) -> np.ndarray:
    """A white-hot street in 0..1: cold smooth sky, a warmer textured ground, five hot people on it."""
    rng = np.random.default_rng(seed)
    scene = np.linspace(0.05, 0.2, height)[:, None] + np.zeros((height, width))
    ground = scene[height // 2 :]
    ground += 0.25 + 0.04 * rng.standard_normal(ground.shape)
    for _ in range(5):
        tall = height // 5
        top, left = rng.integers(height // 3, height - tall), rng.integers(10, width - 20)
        scene[top : top + tall, left : left + tall // 4] = 0.85
    return np.clip(scene + 0.01 * rng.standard_normal(scene.shape), 0, 1)


def street_by_day(height: int = 240, width: int = 320) -> np.ndarray:
    """What a visible camera sees of it: a bright blue sky without texture, a brown ground with it."""
    rng = np.random.default_rng(1)
    picture = np.empty((height, width, 3))
    picture[: height // 2] = 120, 160, 230
    picture[height // 2 :] = np.array([130, 110, 80]) + 25 * rng.standard_normal((height - height // 2, width, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_a_street_is_recognised_either_way(seed: int) -> None:
    scene = (255 * street(seed=seed)).astype(np.uint8)
    for visible in (None, street_by_day()):
        white, black = guess_polarity(scene, visible), guess_polarity(255 - scene, visible)
        assert (white.label, black.label) == ("white", "black")
        assert white.sure
        assert black.sure
        assert white.confidence == pytest.approx(black.confidence, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(16, 90), st.integers(16, 90), st.booleans())
def test_the_inverse_has_the_opposite_answer_whatever_the_picture(
    seed: int, height: int, width: int, flat: bool
) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, rng.integers(2, 257), (height, width), np.uint8)
    if flat:
        picture[: height // 2] = rng.integers(0, 256)
    visible = rng.integers(0, 256, (height, width, 3), np.uint8)
    for other in (None, visible):
        assert guess_polarity(255 - picture, other).log_odds == pytest.approx(
            -guess_polarity(picture, other).log_odds, abs=0.02
        )


def test_units_brightness_and_contrast_make_no_difference() -> None:
    scene = (255 * street()).astype(np.uint8)
    expected = polarity_features(scene)
    for same in (
        scene.astype(np.uint16) * 4 + 7000,
        scene.astype(np.float32) / 255,
        20 + 0.1 * scene.astype(np.float64),
        np.dstack([scene] * 3),
        np.asfortranarray(scene),
        scene.astype(">u2"),
    ):
        assert polarity_features(same) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_gamma_makes_little(gamma: float) -> None:
    assert guess_polarity(street() ** gamma).sure
    assert guess_polarity(1 - street() ** gamma).label == "black"


def test_each_sign_is_one_of_white_hot() -> None:
    features = polarity_features(street(), street_by_day())
    assert list(features) == list(WEIGHTS_BESIDE_VISIBLE)
    assert all(value > 0 for value in features.values()), features


def test_nothing_to_go_by_is_a_coin() -> None:
    for picture in (np.zeros((50, 60), np.uint8), np.full((50, 60), 7000, np.uint16), street()[:9], np.ones((1, 1))):
        guess = guess_polarity(picture)
        assert (guess.log_odds, guess.label, guess.confidence, guess.sure) == (0, "white", 0.5, False)


def test_a_visible_picture_of_another_size_and_kind_will_do() -> None:
    scene, seen = street(), street_by_day(480, 640)
    expected = polarity_features(scene, seen)
    for same in (seen.astype(np.uint16) * 257, seen / 255, np.dstack([seen, np.full(seen.shape[:2], 255, np.uint8)])):
        assert polarity_features(scene, same) == pytest.approx(expected, abs=0.02)
    assert polarity_features(scene, seen[..., 1])["red"] == 0
    assert polarity_features(scene, seen[..., 1:2])["red"] == 0


def test_confidence_is_that_of_the_odds() -> None:
    assert Polarity(math.log(3)).confidence == pytest.approx(0.75)
    assert Polarity(-math.log(3)).confidence == pytest.approx(0.75)
    assert Polarity(-800.0).confidence == 1
    edge = math.log(SURE / (1 - SURE))
    assert Polarity(-edge - 0.01).sure
    assert not Polarity(-edge + 0.01).sure
    assert str(Polarity(-math.log(3))) == "black is hot (75.0%, not sure)"
    assert str(Polarity(math.log(999))) == "white is hot (99.9%)"


def test_pictures_of_one_camera_are_combined_as_alike_witnesses() -> None:
    assert combine([Polarity(1.5)]) == Polarity(1.5)
    assert combine([Polarity(2), Polarity(-2)]).log_odds == 0
    assert combine([Polarity(1), Polarity(2)]).log_odds == pytest.approx(3 / (1 + ALIKE))
    many = combine(Polarity(1.0) for _ in range(10_000))
    assert many.log_odds == pytest.approx(1 / ALIKE, rel=1e-3)  # never without limit
    with pytest.raises(InputError, match="no pictures to guess the polarity from"):
        combine([])


def test_bad_pictures_are_refused() -> None:
    nan = np.full((40, 40), np.nan)
    for infrared, visible, said in (
        (nan, None, "infrared picture holds NaN"),
        (street(), nan, "visible picture holds NaN"),
        (np.zeros((40, 40, 2)), None, "infrared array has the shape 40x40x2"),
        (street(), np.zeros((0, 4)), "visible array has the shape 0x4"),
        (np.zeros((40, 40), np.int32), None, "no agreed full scale"),
    ):
        with pytest.raises(InputError, match=said):
            guess_polarity(infrared, visible)


def test_it_takes_milliseconds() -> None:
    infrared = np.random.default_rng(0).integers(0, 256, (512, 640), np.uint8)
    visible = np.dstack([infrared] * 3)
    times = []
    for _ in range(10):
        start = time.process_time()
        guess_polarity(infrared, visible)
        times.append(time.process_time() - start)
    assert min(times) < 0.03  # 8 ms where measured; a busy machine is slower


def test_the_constants_are_those_that_were_measured(project: Path) -> None:
    measured = json.loads((project / "benchmarks" / "results" / "polarity.json").read_text("utf-8"))
    assert measured["weights"] == {"alone": dict(WEIGHTS), "beside_visible": dict(WEIGHTS_BESIDE_VISIBLE)}
    assert measured["sure"] == SURE
    assert max(measured["correlation_of_neighbours"].values()) <= ALIKE


@pytest.mark.parametrize(("name", "right"), [("roadscene", 0.9), ("llvip", 0.8)])
def test_real_pictures(shared_data: Path, name: str, right: float) -> None:
    guesses = []
    for files in find_pairs(name, shared_data, "validation")[:10]:
        infrared, visible = read_array(files.infrared), read_array(files.visible)
        guesses += [guess_polarity(infrared), guess_polarity(infrared, visible)]
        opposite = guess_polarity(255 - infrared)
        assert opposite.log_odds == pytest.approx(-guesses[-2].log_odds, abs=0.02)
    assert np.mean([guess.label == "white" for guess in guesses]) >= right
    assert all(guess.label == "white" for guess in guesses if guess.sure)
    assert combine(guesses).sure

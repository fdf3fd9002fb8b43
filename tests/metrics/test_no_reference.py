from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from distilfuse.errors import InputError, MissingDependencyError
from distilfuse.metrics import no_reference
from distilfuse.metrics.no_reference import CARD_BRISQUE, CARD_NIQE, brisque, niqe

METRICS = {niqe: ("skvideo", "skvideo.measure.niqe"), brisque: ("brisque", "brisque")}
installed = [
    pytest.param(
        metric,
        marks=pytest.mark.filterwarnings(
            "ignore::DeprecationWarning", "ignore::SyntaxWarning", "ignore::FutureWarning"
        ),
    )
    for metric in METRICS
]


@pytest.fixture
def libraries() -> None:
    for package in ("skvideo", "brisque"):
        pytest.importorskip(package, reason=f"{package} (extra no-reference) is not installed")


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("metric", installed)
def test_noise_and_blur_cost(metric: Callable[..., float]) -> None:
    photograph = data.camera()
    plain = metric(photograph)
    noise = np.random.default_rng(0).normal(0, 25, photograph.shape)
    assert metric((photograph + noise).clip(0, 255)) > plain + 2
    assert metric(ndimage.gaussian_filter(photograph.astype(float), 3)) > plain + 1
    assert metric(photograph / 255, data_range=1) == pytest.approx(plain, rel=1e-3)


@pytest.mark.usefixtures("libraries")
def test_brisque_agrees_with_its_library() -> None:
    from brisque import BRISQUE

    photograph = data.camera()
    try:
        expected = BRISQUE(url=False).score(photograph[..., None].repeat(3, axis=2))
    except TypeError:
        pytest.skip("brisque's own score() does not run with this NumPy")
    assert brisque(photograph) == pytest.approx(expected, rel=1e-6)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("metric", installed)
def test_a_constant_picture_has_no_statistics(metric: Callable[..., float]) -> None:
    assert math.isnan(metric(np.full((200, 200), 9, np.uint8)))


@pytest.mark.parametrize(("metric", "smallest"), [(niqe, 192), (brisque, 16)])
def test_refuses_pictures_that_are_too_small_or_coloured(metric: Callable[..., float], smallest: int) -> None:
    with pytest.raises(InputError, match=f"at least {smallest} pixels"):
        metric(np.zeros((smallest - 1, 300), np.uint8))
    with pytest.raises(InputError, match="grey"):
        metric(np.zeros((300, 300, 3), np.uint8))


@pytest.mark.parametrize("metric", METRICS)
def test_names_the_extra_when_the_library_is_missing(
    metric: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    package, module = METRICS[metric]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, module, None)
    from distilfuse.metrics import no_reference

    no_reference._brisque_model.cache_clear()
    picture = np.random.default_rng(1).integers(0, 256, (200, 200), dtype=np.uint8)
    with pytest.raises(MissingDependencyError, match=rf"{package}.*pip install 'distilfuse\[no-reference\]'"):
        metric(picture)


def test_cards() -> None:
    assert [(card.name, card.inputs, card.arrow) for card in (CARD_NIQE, CARD_BRISQUE)] == [
        ("NIQE", "fused", "↓"),
        ("BRISQUE", "fused", "↓"),
    ]


def test_threads_take_turns_with_a_library_that_is_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """libsvm's model is shared; two threads in it at once end the process."""
    inside, most, lock = 0, 0, threading.Lock()

    class Library:
        def calculate_brisque_features(self, *_: object) -> np.ndarray:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1
            return np.zeros(18)

        def calculate_image_quality_score(self, _: object) -> float:
            return 1.0

    class OpenCV:
        INTER_CUBIC = 2

        def resize(self, image: np.ndarray, *_: object, **__: object) -> np.ndarray:
            return image[::2, ::2]

    monkeypatch.setattr(no_reference, "_brisque_model", lambda: Library())
    monkeypatch.setattr(no_reference, "_library", lambda module, metric: OpenCV())
    picture = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: no_reference.brisque(picture), range(8))) == [1.0] * 8
    assert most == 1

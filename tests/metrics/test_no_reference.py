from __future__ import annotations

import math
import subprocess
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
    """libsvm: two threads in it at once, loading above all, end the process."""
    inside, most, loaded, lock = 0, 0, 0, threading.Lock()

    def stay() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        with lock:
            inside -= 1

    class Library:
        INTER_CUBIC = 2

        def BRISQUE(self, *, url: bool) -> Library:
            nonlocal loaded
            stay()
            loaded += 1
            return self

        def calculate_brisque_features(self, *_: object) -> np.ndarray:
            stay()
            return np.zeros(18)

        def calculate_image_quality_score(self, _: object) -> float:
            return 1.0

        def resize(self, image: np.ndarray, *_: object, **__: object) -> np.ndarray:
            return image[::2, ::2]

    monkeypatch.setattr(no_reference, "_library", lambda module, metric: Library())
    no_reference._brisque_model.cache_clear()
    picture = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: no_reference.brisque(picture), range(8))) == [1.0] * 8
    no_reference._brisque_model.cache_clear()
    assert (most, loaded) == (1, 1)


@pytest.mark.usefixtures("libraries")
def test_threads_get_what_one_gets() -> None:
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import numpy as np\n"
        "from skimage import data\n"
        "from distilfuse.metrics.no_reference import brisque, niqe\n"
        "pictures = [data.camera()[k : k + 200, :200] for k in range(0, 300, 60)]\n"
        "with ThreadPoolExecutor(4) as threads:\n"
        "    found = [list(threads.map(metric, pictures)) for metric in (brisque, niqe)]\n"
        "alone = [list(map(metric, pictures)) for metric in (brisque, niqe)]\n"
        "assert np.allclose(found, alone, rtol=1e-9), (found, alone)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)  # it may crash
    assert done.returncode == 0, done.stderr

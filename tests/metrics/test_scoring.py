from __future__ import annotations

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.metrics import METRICS, entropy, paper_grey, qabf, score, ssim, vif


@pytest.fixture
def trio() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    visible = rng.integers(0, 256, (45, 50, 3), dtype=np.uint8)
    infrared = rng.integers(0, 256, (45, 50), dtype=np.uint8)
    fused = np.maximum(visible, infrared[..., None])
    return visible, infrared, fused


def test_is_the_sum_over_both_sources_of_the_grey_pictures(trio: tuple[np.ndarray, ...]) -> None:
    visible, infrared, fused = trio
    v, f = paper_grey(visible), paper_grey(fused)
    assert score(visible, infrared, fused) == {
        "EN": entropy(f),
        "VIF": vif(v, f) + vif(infrared, f),
        "Qabf": qabf(v, infrared, f, equal_edge_quirk=True),
        "SSIM": ssim(v, f) + ssim(infrared, f),
    }


def test_colour_or_grey_may_stand_in_any_place(trio: tuple[np.ndarray, ...]) -> None:
    visible, infrared, fused = trio
    greys = tuple(paper_grey(image) for image in trio)
    expected = score(*greys)
    assert score(visible, greys[1], greys[2]) == expected
    assert score(greys[0], infrared, fused) == expected


def test_gives_what_is_asked_for_in_that_order(trio: tuple[np.ndarray, ...]) -> None:
    everything = score(*trio)
    assert tuple(everything) == METRICS == ("EN", "VIF", "Qabf", "SSIM")
    some = score(*trio, metrics=("SSIM", "EN"))
    assert list(some.items()) == [("SSIM", everything["SSIM"]), ("EN", everything["EN"])]
    assert score(*trio, metrics=()) == {}


def test_a_small_picture_has_the_scores_that_fit_it() -> None:
    # Side 1 is enough for EN and Qabf, 11 for SSIM, 41 for VIF.
    dot = np.full((1, 1), 9, np.uint8)
    assert score(dot, dot, dot, metrics=("EN", "Qabf")) == {"EN": 0.0, "Qabf": 0.0}
    with pytest.raises(InputError, match="VIF needs sides of at least 41"):
        score(dot, dot, dot)


def test_an_unknown_metric_is_refused(trio: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(InputError, match="Unknown metric 'PSNR': choose from EN, VIF, Qabf, SSIM"):
        score(*trio, metrics=("EN", "PSNR"))


def test_sizes_and_types_are_checked(trio: tuple[np.ndarray, ...]) -> None:
    visible, infrared, fused = trio
    with pytest.raises(InputError, match=r"differ in size, \(45, 49\) and \(45, 50\)"):
        score(visible, infrared[:, :-1], fused)
    with pytest.raises(InputError, match="not float64"):
        score(visible / 255, infrared, fused)

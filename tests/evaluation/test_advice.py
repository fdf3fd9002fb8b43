from __future__ import annotations

import math

import pytest

from distilfuse.evaluation.advice import suspicious

MAX = {"EN": 7.0, "SF": 10.0, "AG": 4.0, "VIF": 0.80, "Qabf": 0.60, "SSIM": 1.40}


def test_noise_is_named_with_its_numbers() -> None:
    noisy = {"EN": 7.5, "SF": 20.0, "AG": 9.0, "VIF": 0.50, "Qabf": 0.30, "SSIM": 0.90}
    (sentence,) = suspicious({"max": MAX, "noisy": noisy})
    assert sentence.startswith(
        "noisy against max: EN (7.000 → 7.500), SF (10.000 → 20.000), AG (4.000 → 9.000) up, "
        "but Qabf (0.600 → 0.300), SSIM (1.400 → 0.900) down."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"VIF": 1.2, "Qabf": 0.7},  # better in both
        {"VIF": 0.7, "Qabf": 0.5},  # worse in both
        {"VIF": 1.2, "SSIM": 1.2, "Qabf": 0.7},  # one of the two that matter rises
        {"EN": 7.05, "Qabf": 0.5},  # less than a hundredth up
        {"EN": 7.5, "Qabf": 0.5961},  # less than a hundredth down
        {"VIF": math.nan, "Qabf": 0.3},
    ],
)
def test_nothing_is_said_of_other_changes(change: dict[str, float]) -> None:
    assert suspicious({"max": MAX, "other": MAX | change}) == []


def test_max_against_the_mean_is_not_noise() -> None:
    # Means on MSRS: twice the Qabf makes up for a little SSIM.
    mean = {"EN": 5.939, "VIF": 0.690, "Qabf": 0.367, "SSIM": 1.471}
    brighter = {"EN": 6.616, "VIF": 1.033, "Qabf": 0.704, "SSIM": 1.423}
    assert suspicious({"mean": mean, "max": brighter}) == []


def test_max_comes_first_and_the_others_are_named() -> None:
    sharp = MAX | {"VIF": 1.2, "Qabf": 0.5}
    good = MAX | {"Qabf": 0.9}
    (sentence,) = suspicious({"good": good, "max": MAX, "sharp": sharp})
    assert sentence.startswith("sharp against max: ")
    assert sentence.endswith("(likewise against good).")


def test_without_max_the_largest_loss_is_told() -> None:
    sharp = MAX | {"VIF": 1.2, "Qabf": 0.5}
    (sentence,) = suspicious({"x": MAX | {"Qabf": 0.55}, "y": MAX | {"Qabf": 0.9}, "sharp": sharp})
    assert sentence.startswith("sharp against y: VIF (0.800 → 1.200) up, but Qabf (0.900 → 0.500) down.")


def test_metrics_may_be_missing() -> None:
    assert suspicious({"a": {"EN": 7.0}, "b": {"EN": 8.0}}) == []
    assert suspicious({}) == []

from __future__ import annotations

from dataclasses import replace

import pytest

from distilfuse.errors import InputError
from distilfuse.workflows.alignment.confidence import LEAST, Evidence, refuse_unsure

GOOD = Evidence(correlation=0.6, margin=0.3, patches=30, agreement=0.8, halves=1.2, cycle=0.8)


def test_good_evidence_passes() -> None:
    assert GOOD.confidence > 0.9
    refuse_unsure(GOOD)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"agreement": 0.1}, "only 3 of 30 patches held out lie where the result puts them"),
        ({"patches": 0, "agreement": 0.0}, "only 0 of 0 patches"),
        ({"patches": 1, "agreement": 1.0}, "only 1 of 1 patches"),
        ({"halves": 30.0}, "two halves of the picture differ by 3.0 % of its width"),
        ({"cycle": 45.0}, "there and back misses the start by 4.5 % of the width"),
    ],
)
def test_each_kind_of_doubt_is_named(change: dict[str, float], reason: str) -> None:
    doubtful = replace(GOOD, **change)  # type: ignore[arg-type]
    assert doubtful.confidence < LEAST
    with pytest.raises(InputError, match=reason) as refused:
        refuse_unsure(doubtful)
    assert f"confidence {doubtful.confidence:.2f}" in str(refused.value)
    assert "--points" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["agreement", "patches"])
def test_more_of_it_is_never_less_sure(key: str) -> None:
    assert replace(GOOD, **{key: getattr(GOOD, key) / 10}).confidence < GOOD.confidence


@pytest.mark.parametrize("key", ["halves", "cycle"])
def test_farther_apart_is_never_surer(key: str) -> None:
    assert replace(GOOD, **{key: 5.0}).confidence < GOOD.confidence


def test_figures_are_in_pixels() -> None:
    figures = GOOD.figures(pairs=2, longer_side=2000)
    assert figures["halves_px"] == pytest.approx(2.4)
    assert figures["cycle_px"] == pytest.approx(1.6)
    assert figures["pairs"] == 2

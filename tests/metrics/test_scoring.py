from __future__ import annotations

import math

import numpy as np
import pytest

from distilfuse.errors import ConfigError, InputError, MissingDependencyError
from distilfuse.metrics import (
    METRICS,
    PROTOCOLS,
    average_gradient,
    entropy,
    mutual_information,
    paper_grey,
    qabf,
    score,
    spatial_frequency,
    ssim,
    standard_deviation,
    vif,
)
from distilfuse.metrics.scoring import smallest_side

Trio = tuple[np.ndarray, np.ndarray, np.ndarray]
COLUMNS = ("EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SSIM")


@pytest.fixture
def trio() -> Trio:
    rng = np.random.default_rng(1)
    visible = rng.integers(0, 256, (45, 50, 3), dtype=np.uint8)
    infrared = rng.integers(0, 256, (45, 50), dtype=np.uint8)
    fused = np.maximum(visible, infrared[..., None])
    return visible, infrared, fused


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", sorted(set(METRICS) - {"NIQE", "BRISQUE"}))
def test_the_smallest_side_is_the_smallest(name: str, protocol: str) -> None:
    side = smallest_side(name, protocol=protocol)
    pictures = np.random.default_rng(2).integers(0, 256, (3, side, side + 3), dtype=np.uint8)
    pictures[2] = pictures.mean(axis=0)
    if side > 2:  # two pixels are no statistics
        assert np.isfinite(score(*pictures, metrics=[name], protocol=protocol)[name])
    if side > 1:
        assert np.isnan(score(*pictures[:, 1:], metrics=[name], protocol=protocol)[name])


def test_paper_is_the_functions_on_the_grey_pictures(trio: Trio) -> None:
    visible, infrared, fused = trio
    v, f = paper_grey(visible), paper_grey(fused)
    assert score(visible, infrared, fused) == pytest.approx(
        {
            "EN": entropy(f),
            "SD": standard_deviation(f),
            "SF": spatial_frequency(f),
            "AG": average_gradient(f),
            "MI": mutual_information(v, f) + mutual_information(infrared, f),
            "VIF": vif(v, f) + vif(infrared, f),
            "Qabf": qabf(v, infrared, f, equal_edge_quirk=True),
            "SSIM": ssim(v, f) + ssim(infrared, f),
        },
        rel=1e-12,
    )


def test_colour_or_grey_may_stand_in_any_place(trio: Trio) -> None:
    visible, infrared, fused = trio
    greys = tuple(paper_grey(image) for image in trio)
    expected = score(*greys)
    assert score(visible, greys[1], greys[2]) == expected
    assert score(greys[0], infrared, fused) == expected


def test_gives_what_is_asked_for_in_that_order(trio: Trio) -> None:
    everything = score(*trio)
    assert tuple(everything) == COLUMNS == PROTOCOLS["paper"].metrics
    assert list(score(*trio, metrics=("ssim", "en"))) == ["SSIM", "EN"]
    some = score(*trio, metrics=("SSIM", "EN"))
    assert list(some.items()) == [("SSIM", everything["SSIM"]), ("EN", everything["EN"])]
    assert score(*trio, metrics=()) == {}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_gives_finite_plain_numbers(protocol: str, textured) -> None:
    visible, infrared = textured(1, (168, 176, 3)), textured(2, (168, 176))
    fused = (visible // 2 + infrared[..., None] // 2).astype(np.uint8)
    found = score(visible, infrared, fused, protocol=protocol)
    assert tuple(found) == PROTOCOLS[protocol].metrics
    for name, value in found.items():
        assert type(value) is float, name
        assert math.isfinite(value), name


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (9, 9), (40, 60)])
def test_a_metric_without_a_value_is_nan(protocol: str, shape: tuple[int, int]) -> None:
    pictures = [np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8) for seed in range(3)]
    found = score(*pictures, protocol=protocol)
    assert math.isnan(found["VIF"])
    assert math.isfinite(found["EN"])
    assert math.isfinite(found["SD"])
    assert math.isfinite(found["SF"]) == (min(shape) > 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("level", [0, 100, 255])
def test_constant_pictures_are_nan_or_a_number(protocol: str, level: int) -> None:
    flat = np.full((64, 64), level, np.uint8)
    found = score(flat, flat, flat, protocol=protocol)
    assert found["EN"] == found["SD"] == found["SF"] == 0
    assert math.isnan(found["VIF"]) == (protocol != "cddfuse"), "that code says 1 for 0 / 0"
    assert math.isnan(found["Qabf"]) == (level == 0), "other levels have an edge at the border, as published"


def test_any_metric_may_be_asked_for_in_any_protocol(trio: Trio) -> None:
    assert list(score(*trio, metrics=["AG", "Qy"], protocol="cddfuse")) == ["AG", "Qy"]


def test_an_unknown_name_is_refused_with_the_nearest(trio: Trio) -> None:
    with pytest.raises(ConfigError, match=r"There is no metric 'SIMM': did you mean SSIM"):
        score(*trio, metrics=("EN", "SIMM"))
    with pytest.raises(ConfigError, match=r"There is no protocol 'papr': did you mean paper\?$"):
        score(*trio, protocol="papr")
    with pytest.raises(
        ConfigError, match=r"There is no protocol 'xyz': choose from paper, cddfuse, tang-matlab, standard\.$"
    ):
        score(*trio, protocol="xyz")


def test_sizes_and_types_are_checked(trio: Trio) -> None:
    visible, infrared, fused = trio
    with pytest.raises(InputError, match=r"differ in size, \(45, 49\) and \(45, 50\)"):
        score(visible, infrared[:, :-1], fused)
    with pytest.raises(InputError, match="not float64"):
        score(visible / 255, infrared, fused)
    with pytest.raises(InputError, match="no pixels"):
        score(visible[:0], infrared[:0], fused[:0])


def test_a_missing_extra_is_no_missing_value(trio: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "brisque", None)
    from distilfuse.metrics import no_reference

    no_reference._brisque_model.cache_clear()
    with pytest.raises(MissingDependencyError, match="pip install"):
        score(*trio, metrics=("EN", "BRISQUE"))


def test_the_inputs_are_left_as_they_are(trio: Trio) -> None:
    before = [picture.copy() for picture in trio]
    score(*trio, protocol="standard", metrics=[name for name in METRICS if name not in ("NIQE", "BRISQUE")])
    for picture, copy in zip(trio, before, strict=True):
        np.testing.assert_array_equal(picture, copy)

"""The records; what they compute is tested in test_golden, test_cddfuse_protocol and test_tang_protocol."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

from distilfuse.errors import ConfigError
from distilfuse.metrics import METRICS, PROTOCOLS, find_protocol, qabf, score, ssim, vif
from distilfuse.metrics.grey import GREY, exact_grey
from distilfuse.metrics.registry import DEFINITIONS

Trio = tuple[np.ndarray, np.ndarray, np.ndarray]


def test_names_and_labels() -> None:
    assert {name: protocol.label for name, protocol in PROTOCOLS.items()} == {
        "paper": "paper@1",
        "cddfuse": "cddfuse@1",
        "tang-matlab": "tang-matlab@1",
        "standard": "standard@1",
    }
    assert find_protocol("cddfuse") is PROTOCOLS["cddfuse"]
    with pytest.raises(ConfigError, match="did you mean tang-matlab"):
        find_protocol("tang")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_conventions_fit_the_functions_they_are_for(name: str) -> None:
    protocol = PROTOCOLS[name]
    assert protocol.grey in GREY
    assert set(protocol.metrics) <= set(METRICS)
    assert len(set(protocol.metrics)) == len(protocol.metrics)
    for metric, convention in protocol.conventions.items():
        assert metric in METRICS
        definition = DEFINITIONS[convention.definition or metric]
        assert set(convention.options) <= set(inspect.signature(definition.compute).parameters)
        assert convention.note, f"{metric} departs from the plain definition and does not say so"
        if definition.inputs != "each":
            assert convention.over_sources == "mean", f"{metric} has one value for both sources"


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROTOCOLS["paper"].version = 2  # type: ignore[misc]


def test_standard_corrects(scene: Trio) -> None:
    visible, infrared, fused = scene
    found = score(*scene, protocol="standard", metrics=["SSIM", "VIF", "Qabf", "MI", "EN"])
    v, f = exact_grey(visible), exact_grey(fused)
    i = infrared.astype(float)
    assert found["SSIM"] == pytest.approx((ssim(v, f) + ssim(i, f)) / 2, rel=1e-9)
    assert found["VIF"] == pytest.approx((vif(v, f) + vif(i, f)) / 2, rel=1e-9)
    assert found["Qabf"] == pytest.approx(qabf(v, i, f, equal_edge_quirk=False), rel=1e-6)
    # 1 for identical pictures in the mean, and nothing above.
    same = score(infrared, infrared, infrared, protocol="standard", metrics=["SSIM", "VIF"])
    assert same == pytest.approx({"SSIM": 1, "VIF": 1}, abs=1e-6)

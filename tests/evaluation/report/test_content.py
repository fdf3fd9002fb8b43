from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.evaluation.report.content import chart_data, embeddable_json, quality_metric, source_labels


@given(st.text())
def test_embedded_json_is_the_same_data_and_ends_no_script(text: str) -> None:
    embedded = embeddable_json({text: [text, 1.5, None]})
    assert json.loads(embedded) == {text: [text, 1.5, None]}
    assert not set(embedded) & set("<>&\u2028\u2029")


def test_embedded_json_holds_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embeddable_json({"value": math.nan})


@pytest.mark.parametrize(
    ("metrics", "chosen"),
    [(("EN", "VIF", "Qabf"), "Qabf"), (("EN", "SD", "MI", "SSIM"), "MI"), (("EN", "SF"), "EN")],
)
def test_pairs_are_judged_by_a_metric_that_looks_at_the_sources(metrics: tuple[str, ...], chosen: str) -> None:
    assert quality_metric(metrics) == chosen


@pytest.mark.parametrize(
    ("dataset", "labels"),
    [
        ("ct-mri", ["CT", "MRI"]),
        ("harvard-pet-mri", ["PET", "MRI"]),
        ("spect-mri/ir_noise@3", ["SPECT (clean)", "MRI (clean)"]),
        ("roadscene", ["visible", "infrared"]),
        ("sect-mri", ["visible", "infrared"]),
    ],
)
def test_sources_are_called_what_they_are(dataset: str, labels: list[str]) -> None:
    assert source_labels(dataset) == labels


def test_values_behind_the_dots(study) -> None:
    data = chart_data(study.table, study.summary(), quality="Qabf")
    street = data["sets"][0]
    assert street["pairs"] == [f"street-{k:02d}" for k in range(6)]
    assert street["values"][1][2] == pytest.approx([0.5 - 0.02 * k for k in range(6)], rel=1e-6)
    assert data["quality"] == 2
    assert [metric["decimals"] for metric in data["metrics"]] == [3, 3, 3, 1]

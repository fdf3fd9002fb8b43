from __future__ import annotations

import pytest

from distilfuse.errors import ConfigError
from distilfuse.losses import TERMS, Objective
from distilfuse.losses.weights import IVIF, MEDICAL, NO_TEXT, TABLES, event_weights

# The released configuration, row by row.
IVIF_ROWS = {
    #                   intensity, consistency, gradient, structure, colour
    "low_light": (48, 20, 48, 2, 12),
    "over_exposure": (32, 60, 48, 2, 12),
    "ir_low_contrast": (40, 40, 48, 2, 12),
    "ir_noise": (32, 60, 48, 2, 12),
    "motion_blur": (32, 40, 72, 2, 12),
    "sensor_artifact": (24, 80, 96, 2, 12),
    "high_noise": (32, 80, 72, 2, 12),
    "default": (24, 40, 48, 2, 12),
}
MEDICAL_ROWS = {
    #                        intensity, consistency, gradient, structure
    "contrast_enhancement": (40, 60, 96, 4),
    "edge_preservation": (48, 80, 72, 2),
    "noise_suppression": (32, 100, 72, 4),
    "detail_enhancement": (40, 80, 96, 2),
    "structure_consistency": (48, 100, 72, 8),
    "artifact_reduction": (32, 120, 96, 6),
    "default": (40, 80, 72, 4),
}


@pytest.mark.parametrize("event", IVIF_ROWS)
def test_ivif_row(event: str) -> None:
    names = ("intensity", "consistency", "gradient", "structure", "colour")
    assert dict(event_weights("ivif", event)) == dict(zip(names, IVIF_ROWS[event], strict=True))


@pytest.mark.parametrize("event", MEDICAL_ROWS)
def test_medical_row(event: str) -> None:
    names = ("intensity", "consistency", "gradient", "structure")
    assert dict(event_weights("medical", event)) == dict(zip(names, MEDICAL_ROWS[event], strict=True))


def test_there_are_no_other_rows() -> None:
    assert set(IVIF) == set(IVIF_ROWS)
    assert set(MEDICAL) == set(MEDICAL_ROWS)
    assert set(TABLES) == {"ivif", "medical"}


def test_without_text_the_papers_weights_hold() -> None:
    assert dict(NO_TEXT) == {"intensity": 24, "structure": 40, "gradient": 48, "colour": 12}


@pytest.mark.parametrize("table", ["ivif", "medical"])
def test_an_event_without_a_row_uses_the_default(table: str) -> None:
    assert event_weights(table, "haze") == TABLES[table]["default"]
    # A row of the one table is none of the other.
    other = "noise_suppression" if table == "ivif" else "low_light"
    assert event_weights(table, other) == TABLES[table]["default"]


def test_every_row_is_an_objective() -> None:
    for row in [NO_TEXT, *IVIF.values(), *MEDICAL.values()]:
        assert set(Objective(row).weights) <= set(TERMS)


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        IVIF["low_light"]["intensity"] = 0  # type: ignore[index]
    with pytest.raises(TypeError):
        IVIF["haze"] = IVIF["default"]  # type: ignore[index]


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(ConfigError, match="no weight table 'ivf'"):
        event_weights("ivf", "low_light")

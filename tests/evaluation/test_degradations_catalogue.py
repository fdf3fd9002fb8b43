from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.evaluation.degradations import (
    DEGRADATIONS,
    TABLE_KINDS,
    degrade,
    generator,
    kind_label,
    parse_kind,
    parse_kinds,
)


def scene() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:60, 0:80].astype(np.float32)
    visible = np.stack([0.2 + 0.5 * x / 80, 0.3 + 0.3 * np.sin(x / 5) ** 2, 0.2 + 0.6 * y / 60], axis=-1)
    infrared = 0.2 + 0.5 * np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 200)
    return visible.astype(np.float32), infrared.astype(np.float32)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_card_says_which_picture_changes(kind: str) -> None:
    visible, infrared = scene()
    results = degrade(visible, infrared, kind=kind, severity=5, rng=generator(0, "a", kind))
    # Quantising alone moves a value by half a level at most.
    changed = [np.abs(new - old).max() > 0.6 / 255 for new, old in zip(results, (visible, infrared), strict=True)]
    assert changed == [DEGRADATIONS[kind].modality in ("A", "both"), DEGRADATIONS[kind].modality in ("B", "both")]


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_card_speaks_of_the_pictures_it_changes(kind: str) -> None:
    card = DEGRADATIONS[kind]
    assert card.title[0].islower()
    assert not card.title.endswith(".")
    assert card.description.endswith(".")
    assert any(digit.isdigit() for digit in card.severities) or "+" in kind
    modalities = {modality for _, modality in card.events}
    assert modalities in ({card.modality}, {"A", "B"} if card.modality == "both" else {card.modality})


def test_events_are_words_of_the_annotations(shared_data: Path) -> None:
    lines = (shared_data.parent / "annotations" / "ivf.jsonl").read_text("utf-8").splitlines()
    words = {event["type"] for line in lines for event in json.loads(line)["events"]}
    assert {event for card in DEGRADATIONS.values() for event, _ in card.events} <= words


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        DEGRADATIONS["haze"] = DEGRADATIONS["jpeg"]  # type: ignore[index]


# --- KIND@SEVERITY ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("low_light@4", ("low_light", 4.0)),
        ("low_light", ("low_light", 3.0)),
        (" haze@2.5 ", ("haze", 2.5)),
        ("low_light+ir_noise@1", ("low_light+ir_noise", 1.0)),
    ],
)
def test_parse_kind(text: str, expected: tuple[str, float]) -> None:
    assert parse_kind(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fog@3", "Unknown degradation 'fog': choose from low_light, "),
        ("", "Unknown degradation ''"),
        ("haze@", "'haze@' has no number behind the @: write KIND@SEVERITY, such as haze@3"),
        ("haze@much", "has no number behind the @"),
        ("haze@6", "Severity must be from 1 to 5, not 6"),
        ("haze@nan", "Severity must be from 1 to 5, not nan"),
    ],
)
def test_what_is_no_kind_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_kind(text)


def test_parse_kinds_keeps_the_order() -> None:
    assert parse_kinds("ir_noise@5, haze,ir_noise@1") == (("ir_noise", 5.0), ("haze", 3.0), ("ir_noise", 1.0))


def test_all_stands_for_the_kinds_of_the_table() -> None:
    assert parse_kinds("all@4,haze@2") == (*((kind, 4.0) for kind in TABLE_KINDS), ("haze", 2.0))


def test_a_kind_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="ir_noise@3 is named twice"):
        parse_kinds("all,ir_noise")
    with pytest.raises(InputError, match="haze@3 is named twice"):
        parse_kinds("haze,jpeg,haze@3.0")


@pytest.mark.parametrize("text", ["low_light@3", "haze@2.5", "low_light+ir_noise@5"])
def test_labels_are_read_back(text: str) -> None:
    assert kind_label(*parse_kind(text)) == text

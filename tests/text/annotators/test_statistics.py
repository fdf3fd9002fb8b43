from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distilfuse import samples
from distilfuse.datasets.pairs import Pair, load_pairs
from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.degradations import degrade, generator
from distilfuse.text.agreement import agreement
from distilfuse.text.annotations import packaged_captions
from distilfuse.text.annotators.annotator import Bytes
from distilfuse.text.annotators.statistics import StatisticsAnnotator
from distilfuse.text.events import IVIF_EVENTS, MEDICAL_EVENTS


def found(visible: Bytes, infrared: Bytes, task: str = "ivif") -> dict[str, float]:
    caption = StatisticsAnnotator(task).annotate(visible, infrared, "a/1")
    return {event.type: event.severity for event in caption.events}


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> list[Pair]:
    """Every third training pair."""
    return load_pairs(shared_data, "roadscene", "train")[::3]


@pytest.fixture(scope="module")
def clean(pairs: list[Pair]) -> list[Pair]:
    return [pair for pair in pairs if len(found(pair.visible, pair.infrared)) <= 2][:6]


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("low_light", "low_light"),
        ("over_exposure", "over_exposure"),
        ("visible_noise", "high_noise"),
        ("visible_blur", "low_resolution"),
        ("ir_low_contrast", "ir_low_contrast"),
        ("ir_noise", "ir_noise"),
        ("ir_stripes", "fixed_pattern"),
        ("ir_saturation", "ir_saturation"),
        ("haze", "haze"),
    ],
)
def test_what_was_done_to_a_pair_is_found_the_worse_the_more_severe(clean: list[Pair], kind: str, event: str) -> None:
    severities = []
    for pair in clean:
        planes = pair.visible / np.float32(255), pair.infrared / np.float32(255)
        for level in (3, 5):
            degraded = degrade(*planes, kind=kind, severity=level, rng=generator(0, pair.name, kind))
            visible, infrared = (np.round(plane * 255).astype(np.uint8) for plane in degraded)
            severities.append(found(visible, infrared).get(event, 0.0))
    mild, severe = severities[::2], severities[1::2]
    assert sum(severity > 0 for severity in mild) >= len(clean) - 1
    assert np.mean(severe) > np.mean(mild)


def test_agreement_with_the_captions_of_training_pairs(pairs: list[Pair]) -> None:
    annotator = StatisticsAnnotator()
    captions = {pair.name: annotator.annotate(pair.visible, pair.infrared, pair.name) for pair in pairs}
    compared, rows = agreement(captions, packaged_captions("ivif"))
    by_type = {row.type: row for row in rows}
    assert compared == len(pairs)
    for kind, precision, recall in (("low_light", 0.7, 0.6), ("over_exposure", 0.6, 0.85)):
        assert (by_type[kind].precision or 0) > precision, kind
        assert (by_type[kind].recall or 0) > recall, kind


def test_a_pair_without_fault_is_default() -> None:
    grey = np.clip(np.random.default_rng(0).normal(150, 25, (40, 60)), 20, 245)
    blocks = np.kron(grey, np.ones((4, 4))).astype(np.uint8)  # sharp edges, no noise
    assert found(np.dstack([blocks] * 3), blocks) == {"default": 0.1}


@pytest.mark.parametrize("name", samples.names())
def test_only_known_types_in_plain_sentences(name: str) -> None:
    task = "medical" if name.endswith("-mri") else "ivif"
    visible, infrared = (np.asarray(picture) for picture in samples.load(name))
    visible = visible if visible.ndim == 3 else np.dstack([visible] * 3)
    caption = StatisticsAnnotator(task).annotate(visible, infrared, "a/1")
    assert {event.type for event in caption.events} <= {*(MEDICAL_EVENTS if task == "medical" else IVIF_EVENTS)}
    assert all(event.description.endswith(".") and 0.1 <= event.severity <= 1 for event in caption.events)
    assert (caption.pair, caption.annotator, caption.prompt) == ("a/1", "statistics-1", "")


@pytest.mark.parametrize("task", ["ivif", "medical"])
@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 17)])
def test_empty_and_tiny_pictures(task: str, value: int, shape: tuple[int, int]) -> None:
    infrared = np.full(shape, value, np.uint8)
    said = found(np.dstack([infrared] * 3), infrared, task)
    assert all(0.1 <= severity <= 1 for severity in said.values())
    if task == "ivif":
        assert ("low_light" in said) == (value == 0)
        assert ("over_exposure" in said) == (value == 255)
        assert "ir_low_contrast" in said


def test_what_is_no_pair_is_refused() -> None:
    grey = np.zeros((8, 8), np.uint8)
    colour = np.zeros((8, 8, 3), np.uint8)
    annotator = StatisticsAnnotator()
    for visible, infrared in ((grey, grey), (colour, grey[:4]), (colour[:0], grey[:0])):
        with pytest.raises(InputError, match="The pair a/1 has arrays of shape"):
            annotator.annotate(visible, infrared, "a/1")
    with pytest.raises(InputError, match="scale them to uint8"):
        annotator.annotate(colour.astype(np.float32), grey, "a/1")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="choose from ivif, medical"):
        StatisticsAnnotator("satellite")

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distilfuse.datasets.splits import split_stems
from distilfuse.errors import ConfigError
from distilfuse.text.annotations import packaged_captions

SETS = {
    "ivif": {
        "roadscene": ("train", "validation", "test"),
        "llvip": ("train", "validation"),
        "msrs": ("test",),
        "tno": ("test",),
    },
    "medical": dict.fromkeys(("ct-mri", "pet-mri", "spect-mri"), ("train", "validation", "test")),
}


@pytest.mark.parametrize("task", SETS)
def test_every_listed_pair_has_a_caption_and_no_other(task: str) -> None:
    listed = {
        f"{name}/{stem}" for name, splits in SETS[task].items() for split in splits for stem in split_stems(name, split)
    }
    captions = packaged_captions(task)
    assert set(captions) == listed
    assert all(caption.pair == pair and caption.annotator and caption.events for pair, caption in captions.items())


def test_they_say_what_the_annotator_said(shared_data: Path) -> None:
    for task, file in (("ivif", "ivf"), ("medical", "medical")):
        captions = packaged_captions(task)
        source = shared_data.parent / "annotations" / f"{file}.jsonl"
        for line in source.read_text("utf-8").splitlines():
            data = json.loads(line)
            name, *_, stem = data["pair"].split("/")
            caption = captions[f"{name}/{stem}"]
            assert caption.scene == data["scene"]
            written = {(e["type"], e["modality"], e["severity"], e["description"]) for e in data["events"]}
            assert {(e.type, e.modality, e.severity, e.description) for e in caption.events} == written


def test_an_unknown_task() -> None:
    with pytest.raises(ConfigError, match="choose from ivif, medical"):
        packaged_captions("satellite")

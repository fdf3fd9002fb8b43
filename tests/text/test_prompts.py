from __future__ import annotations

import hashlib

import pytest

from distilfuse.errors import ConfigError
from distilfuse.text.answer import read_answer
from distilfuse.text.events import IVIF_EVENTS, MEDICAL_EVENTS, event_type
from distilfuse.text.prompts import load_prompt


@pytest.mark.parametrize(("task", "types"), [("ivif", IVIF_EVENTS), ("medical", MEDICAL_EVENTS)])
def test_a_prompt_names_every_type_and_the_form(task: str, types: tuple[str, ...]) -> None:
    prompt = load_prompt(task)
    named = [event_type(line.partition(":")[0]) for line in prompt.text.splitlines() if ": " in line]
    assert set(types) <= set(named)
    assert "\nEvent Type: TYPE (PICTURE, SEVERITY)\nDescription: SENTENCE\n" in prompt.text
    assert prompt.text.isascii()
    assert prompt.hash == hashlib.sha256(prompt.text.encode()).hexdigest()[:16]


def test_the_form_in_the_prompt_is_the_one_that_is_read() -> None:
    form = "Event Type: TYPE (PICTURE, SEVERITY)\nDescription: SENTENCE\n\nScene: SENTENCE\n"
    assert all(line in load_prompt("ivif").text for line in form.splitlines())
    filled = (
        form.replace("TYPE", "Haze").replace("PICTURE", "B").replace("SEVERITY", "0.3").replace("SENTENCE", "Milk.")
    )
    caption = read_answer(filled, "a/1")
    (event,) = caption.events
    assert (event.type, event.modality, event.severity, event.description) == ("haze", "B", 0.3, "Milk.")
    assert (caption.scene, caption.problems) == ("Milk.", ())


def test_an_unknown_task() -> None:
    with pytest.raises(ConfigError, match="choose from ivif, medical"):
        load_prompt("satellite")

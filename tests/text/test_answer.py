from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.text.answer import read_answer, write_answer
from distilfuse.text.events import IVIF_EVENTS, MEDICAL_EVENTS, Event, PairCaption
from distilfuse.text.store import from_line, to_line

CAPTION = PairCaption(
    pair="a/1",
    events=(
        Event(type="low_light", modality="A", severity=0.7, description="The walkers on the left are hardly visible."),
        Event(type="ir_noise", modality="B", severity=0.4, description="Grain lies over the wall."),
    ),
    scene="A street at night.",
)
WRITTEN = """Event Type: Low Light (A, 0.7)
Description: The walkers on the left are hardly visible.

Event Type: IR Noise (B, 0.4)
Description: Grain lies over the wall.

Scene: A street at night.
"""


def seen(text: str) -> list[tuple[str, str, float, str]]:
    caption = read_answer(text, "a/1")
    return [(event.type, event.modality, event.severity, event.description) for event in caption.events]


def test_the_format() -> None:
    assert write_answer(CAPTION) == WRITTEN
    assert read_answer(WRITTEN, "a/1") == CAPTION


DARK = ("low_light", "A", 0.7, "It is dark.")


@pytest.mark.parametrize(
    "text",
    [
        "Event Type: Low Light (A, 0.7)\r\nDescription: It is dark.\r\n",
        "  **Event Type:** Low Light (visible, severity: 0.7)\n  **Description:** It is dark.",
        "- Event Type: `low_light` [A; 70%]\n- Description: It is\n  dark.",
        "1. Event type : LOW-LIGHT (7/10)\n   Description: It is dark.",
        "### Event 1: Low Light\n\n* Description: It is dark.\n* Severity: 0,7\n* Modality: A",
        "Sure, I see:\n\n```text\nEvent Type: Low Light (A, 0.7)\nDescription: It is dark.\n```\nHope it helps!",
        "<think>Event Type: Haze\nDescription: No.</think>\nEvent Type: Low Light (A, 0.7)\nDescription: It is dark.",
        "Event Type: Low Light (A, 0.7) Description: It is dark.",
        "Event Type: Low Light (A,0.7)\rDescription: It is dark.\r",
        "Event Type: Low Light (A, 0.7)\n\nIt is dark.",
        "**Low Light** (A, 0.7): It is dark.",
        "Low Light (A, 0.7): It is dark.\nLow Light (A, 0.7): It is dark.",
        "事件类型：低光 （A，0.7）\n描述：It is dark.",
        "Ereignistyp: Schwaches Licht (A, 0,7)\nBeschreibung: It is dark.",
        '{"events": [{"type": "low light", "modality": "A", "severity": 0.7, "description": "It is dark."}]}',
        'Here:\n```json\n[{"Event Type": "Low Light", "Severity": "70 %", "Description": "It is dark."}]\n```',
    ],
)
def test_one_answer_in_many_forms(text: str) -> None:
    assert seen(text) == [DARK]
    assert read_answer(text, "a/1").problems == ()


@pytest.mark.parametrize(
    ("first", "description", "modality"),
    [
        ("Low Light", "It is dark; infrared shows it.", "A"),
        ("IR Low Contrast", "Flat, while the visible picture is rich.", "B"),
        ("Fixed Pattern", "Stripes.", "B"),
        ("Low Resolution", "The thermal picture is coarse.", "B"),
        ("Low Resolution", "Coarse.", "both"),
        ("Edge Preservation", "Bone is sharp in CT.", "A"),
        ("Detail Enhancement", "Folia are in the MRI.", "B"),
        ("Detail Enhancement", "CT and MRI differ.", "both"),
        ("Detail Enhancement (T2)", "CT is grey.", "B"),
        ("Over Exposure (infrared)", "White.", "B"),
    ],
)
def test_where_no_picture_is_named_it_is_guessed(first: str, description: str, modality: str) -> None:
    assert seen(f"Event Type: {first}\nDescription: {description}")[0][1:3] == (modality, 0.5)


@pytest.mark.parametrize(
    ("text", "events", "problem"),
    [
        ("", [], "The answer is empty."),
        (" \n\t", [], "The answer is empty."),
        ("I cannot see any pictures.", [], "No event could be read in 'I cannot see any pictures.'."),
        ("Event Type: Haze", [("haze", "A", 0.5, "")], "The event haze has no description."),
        (
            "Event Type: Haze (A, 12)\nDescription: Milky.",
            [("haze", "A", 0.5, "Milky.")],
            "The severity 'A, 12' of haze is not from 0 to 1: read as 0.5.",
        ),
        ("Description: Milky.", [("default", "both", 0.5, "Milky.")], "'' is no type of event: read as default."),
        (
            "Event Type: this picture is not very good to look at\nDescription: Milky.",
            [("default", "both", 0.5, "Milky.")],
            "'this picture is not very good to look at' is no type of event: read as default.",
        ),
        (
            "<think>Event Type: Haze\nDescription: Milky.",
            [("haze", "A", 0.5, "Milky.")],
            "The answer ends within its thinking, of which is read what looks like events.",
        ),
    ],
)
def test_what_cannot_be_read_is_reported(text: str, events: list[object], problem: str) -> None:
    assert seen(text) == events
    assert read_answer(text, "a/1").problems == (problem,)


def test_no_event_is_an_answer_too() -> None:
    for text in ("Event Type: None\nDescription: Both are fine.", '{"events": [{"type": "none"}]}'):
        assert read_answer(text, "a/1") == PairCaption(pair="a/1")


def test_several_types_on_one_line_share_a_description() -> None:
    assert seen("Event Type: Low Light, High Noise (A, 0.6)\nDescription: Bad.") == [
        ("low_light", "A", 0.6, "Bad."),
        ("high_noise", "A", 0.6, "Bad."),
    ]
    assert seen("Event Type: salt and pepper\nDescription: Dots.")[0][0] == "salt_and_pepper"


def test_a_long_answer_is_cut_and_repetitions_count_once() -> None:
    block = "Event Type: Haze (A, 0.5)\nDescription: Milky.\n\n"
    caption = read_answer(block * 5000, "a/1")
    assert len(caption.events) <= 2  # the last one may have been cut in its middle
    assert any("Only the first 20000 characters" in problem for problem in caption.problems)


def test_scene_in_several_lines_and_in_json() -> None:
    assert (
        read_answer("Event Type: Haze\nDescription: x\n\nScene: **A road**\nat night.", "p").scene == "A road at night."
    )
    assert read_answer('{"events": [{"type": "haze", "description": "x"}], "scene": "A road."}', "p").scene == "A road."


PIECES = st.sampled_from(
    [
        *(
            "Event Type:",
            "Description:",
            "Scene:",
            "Severity:",
            "Modality:",
            "事件类型：",
            "描述：",
            "<think>",
            "</think>",
        ),
        *("Low Light", "IR Noise", "None", "default", "(A, 0.7)", "(", ")", "[", "{", "]", "}", '"', "```json", "```"),
        *("**", "- ", "1. ", "\n", "\n\n", "\r\n", "\r", ":", ",", "70%", "7/0", "1e400", "nan", "\ud800", "\x00", " "),
        *('{"type": "haze", "severity": 1e999}', '[{"event": 3}]', "A", "B", "both", "infrared", "MRI", "\u2028"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=25).map("".join)))
def test_no_text_is_an_exception(text: str) -> None:
    caption = read_answer(text, "a/1")
    line = to_line(caption)
    assert "\n" not in line
    assert from_line(line.encode("utf-8").decode("utf-8"), "line") == caption


@settings(max_examples=80, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["events", "type", "Event Type", "severity", "description", "x"]), inner),
        ),
        max_leaves=12,
    )
)
def test_no_json_is_an_exception(value: object) -> None:
    caption = read_answer(json.dumps(value), "a/1")
    assert from_line(to_line(caption), "line") == caption


def test_deeply_nested_json_is_no_exception() -> None:
    assert read_answer("[" * 15_000, "a/1").events == ()
    assert read_answer('{"a":' * 3_000, "a/1").events == ()


SENTENCES = st.from_regex(r"[A-Z][a-z]{2,8}( [a-z]{1,8}){0,6}[.]", fullmatch=True)
EVENTS = st.builds(
    Event,
    type=st.sampled_from((*IVIF_EVENTS, *MEDICAL_EVENTS)),
    modality=st.sampled_from(("A", "B", "both")),
    severity=st.floats(0, 1),
    description=SENTENCES,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=4, unique=True), st.one_of(st.just(""), SENTENCES))
def test_what_is_written_is_read_back(events: list[Event], scene: str) -> None:
    caption = PairCaption(pair="a/1", events=tuple(events), scene=scene)
    assert read_answer(write_answer(caption), "a/1") == caption

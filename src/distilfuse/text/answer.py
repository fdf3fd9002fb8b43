"""An annotator's answer, in and out: the paper's two lines an event, as text.

    Event Type: Low Light (A, 0.7)
    Description: People on the left pavement are hardly to be told from the wall.

    Scene: A street at night with parked cars.

An event is a line with its type and one with its description. Behind the type may stand in brackets which picture it
concerns (``A`` visible, CT, PET, SPECT; ``B`` infrared, MRI; ``both``) and how badly (0 to 1); without them the
picture is guessed from the type and the words, and the severity is 0.5. Events are separated by empty lines; a last
line may say what the scene is. That is what :func:`write_answer` writes. :func:`read_answer` takes what language models
make of it: never an exception, and what could not be read is said in ``problems``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from distilfuse.text.events import Event, Modality, PairCaption
from distilfuse.text.vocabulary import KNOWN, LABELS, NOTHING, modality_in, modality_of, severity_in, type_of

DEFAULT_SEVERITY = 0.5
"""Where an answer names none."""

_LONGEST = 20_000
"""Characters of an answer that are read; what is longer is a model that repeats itself."""

_DECORATION = re.compile(r"^(?:\s|[-*•>#_`|]|\(?\d{1,3}[.)](?=\s|\*))+")
_LABEL = re.compile(r"^(?P<label>[^\W\d_][^:：\n]{0,60}?)\s*(?P<count>\d{0,3})\s*[*_`]*\s*[:：]\s*(?P<value>.*)$")
_BRACKETS = re.compile(r"[(\[（]([^()\[\]（）]*)[)\]）]")
_WITHIN = re.compile(r"[\s;,|.]*\b(?:description|描述)\b[\s*_`]*[:：]\s*", re.IGNORECASE)
_SEVERAL = re.compile(r"\s*(?:,|;|/|\+|&|\band\b)\s*")


def write_answer(caption: PairCaption) -> str:
    """A caption in the format above, which :func:`read_answer` reads back."""
    blocks = []
    for event in caption.events:
        name = " ".join("IR" if word == "ir" else word.capitalize() for word in event.type.split("_"))
        first = f"Event Type: {name} ({event.modality}, {event.severity!r})"
        blocks.append(f"{first}\nDescription: {_sentence(event.description)}")
    if caption.scene.strip():
        blocks.append(f"Scene: {_sentence(caption.scene)}")
    return "\n\n".join(blocks) + "\n"


def read_answer(text: str, pair: str) -> PairCaption:
    """The caption that an answer holds, whatever its form.

    Args:
        text: any text: the format above, with Markdown, numbers, thinking or talk around it, on one line, as JSON,
            empty, or none of this.
        pair: name of the pair, for the caption.

    Returns:
        The events found (equal ones once), with a sentence in ``problems`` on each thing that could not be read;
        annotator and prompt are left empty.
    """
    problems: list[str] = []
    body = _body(text, problems)
    drafts, scene = _from_json(body)
    if not drafts and not scene:
        drafts, scene = _from_lines(body)
    events, nothing = _events(drafts, problems)
    if not events and not nothing:
        start = " ".join(body.split())[:60]
        problems.append(f"No event could be read in {start!r}." if start else "The answer is empty.")
    return PairCaption(
        pair=pair,
        events=tuple(dict.fromkeys(events)),
        scene=_sentence(scene),
        problems=tuple(dict.fromkeys(problems)),
    )


@dataclass
class _Draft:
    """One event as it is being read; None and empty: not said yet."""

    type: str
    modality: str = ""
    severity: str = ""
    description: str = ""


def _body(text: str, problems: list[str]) -> str:
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be written to a file
    text = re.sub(r"\r\n?", "\n", text)
    before, closed, after = text.rpartition("</think>")
    if closed:
        text = after
    elif "<think>" in before + after:
        problems.append("The answer ends within its thinking, of which is read what looks like events.")
        text = text.replace("<think>", "\n")
    if len(text) > _LONGEST:
        problems.append(f"Only the first {_LONGEST} characters of the answer were read.")
    return text[:_LONGEST]


def _sentence(text: str) -> str:
    """On one line, without Markdown and quotation marks around it."""
    text = " ".join(text.split())
    text = re.sub(r"(\*\*|__)(.+?)\1", r"\2", text).replace("**", "").strip("*_`| ")
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] == '"' else text


# --- lines ---------------------------------------------------------------------------------------


def _from_lines(text: str) -> tuple[list[_Draft], str]:
    """Drafts and the scene; text in front of the first label is talk, later lines go on with what they follow."""
    drafts: list[_Draft] = []
    scene = ""
    field = ""  # what the line before belonged to
    for line in text.split("\n"):
        label, value = _label(line)
        if label == "type":
            kind, *described = _WITHIN.split(value, maxsplit=1)
            drafts.append(_Draft(type=kind, description=" ".join(described)))
            field = "description"
        elif label == "scene":
            scene, field = value, "scene"
        elif label == "end":
            field = ""
        elif label:
            if not drafts or (label == "description" and drafts[-1].description):
                drafts.append(_Draft(type=""))  # a description that nothing precedes
            setattr(drafts[-1], label, value)
            field = "description"
        elif not value:  # an empty line ends what it follows, but for a description that is still to come
            field = field if drafts and not drafts[-1].description and field == "description" else ""
        elif field == "scene":
            scene += f" {value}"
        elif field == "description":
            drafts[-1].description += f" {value}"
    return drafts, scene


def _label(line: str) -> tuple[str, str]:
    """The field that a line begins, and its value; without a label the whole line; ``end`` for a fence or rule.

    ``Low Light (A, 0.7): too dark`` begins an event as well.
    """
    bare = _DECORATION.sub("", line).strip()
    if re.fullmatch(r"```\w*|[-=*_]{3,}", line.strip()):
        return "end", ""
    if not (found := _LABEL.match(bare)):
        return "", bare
    words = found["label"].strip("*_` ").casefold()
    if words in LABELS:
        return LABELS[words], found["value"].lstrip("*_` ")
    if type_of(_BRACKETS.sub("", words).strip()) in KNOWN:
        return "type", f"{found['label'].strip('*_` ')} Description: {found['value'].lstrip('*_` ')}"
    return "", bare


# --- JSON ----------------------------------------------------------------------------------------


def _from_json(text: str) -> tuple[list[_Draft], str]:
    """Drafts and the scene of the first JSON value that holds an event."""
    decoder = json.JSONDecoder()
    for start in [match.start() for match in re.finditer(r"[{\[]", text)][:20]:
        try:
            value, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        drafts = list(_json_drafts(value))
        if drafts:
            scene = value.get("scene", "") if isinstance(value, dict) else ""
            return drafts, scene if isinstance(scene, str) else ""
    return [], ""


def _json_drafts(value: Any, depth: int = 0) -> Iterator[_Draft]:
    if depth > 4:
        return
    if isinstance(value, list):
        for entry in value:
            yield from _json_drafts(entry, depth + 1)
    elif isinstance(value, dict):
        fields: dict[str, Any] = {}
        for key, entry in value.items():
            fields.setdefault(LABELS.get(key.replace("_", " ").strip().casefold(), ""), entry)
        if isinstance(fields.get("type"), str):
            said = {key: _text(fields.get(key, "")) for key in ("type", "modality", "severity", "description")}
            yield _Draft(**said)
        else:
            for entry in value.values():
                yield from _json_drafts(entry, depth + 1)


def _text(value: Any) -> str:
    """A string or number of JSON as text; what else there is says nothing."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, (int, float)) and math.isfinite(value) else ""


# --- events --------------------------------------------------------------------------------------


def _events(drafts: list[_Draft], problems: list[str]) -> tuple[list[Event], bool]:
    """The events of the drafts, and whether the answer says that there are none."""
    events: list[Event] = []
    nothing = False
    for draft in drafts:
        words = _sentence(draft.type)
        extra = re.sub(r"\b([01]),(\d)", r"\1.\2", ", ".join(_BRACKETS.findall(words)))  # a decimal comma
        kinds = _types(_BRACKETS.sub(" ", words).strip(" .,;:-*_`"))
        if kinds and set(kinds) <= NOTHING:
            nothing = True
            continue
        description = _sentence(draft.description)
        if not kinds:
            if not (words or description):
                continue
            problems.append(f"{words[:60]!r} is no type of event: read as default.")
            kinds = ["default"]
        if not description:
            problems.append(f"The event {', '.join(kinds)} has no description.")
        severity = _severity(draft.severity, extra, kinds, problems)
        for kind in kinds:
            modality = _modality(draft.modality, extra) or modality_of(kind, description)
            events.append(Event(type=kind, modality=modality, severity=severity, description=description))
    return events, nothing


def _types(words: str) -> list[str]:
    """One type, or several where a line lists known ones (``Low Light, High Noise``)."""
    parts = [type_of(part) for part in _SEVERAL.split(words)]
    if len(parts) > 1 and all(part in KNOWN for part in parts):
        return list(dict.fromkeys(parts))
    return [kind] if (kind := type_of(words)) else []


def _modality(said: str, extra: str) -> Modality | None:
    pieces = [said, *extra.split(","), extra]
    return next((modality for piece in pieces if (modality := modality_in(piece))), None)


def _severity(said: str, extra: str, kinds: list[str], problems: list[str]) -> float:
    pieces = [said, *extra.split(","), extra]
    found = next((number for piece in pieces if (number := severity_in(piece)) is not None), None)
    if found is not None:
        return found
    if said.strip() or re.search(r"\d", extra):
        problems.append(f"The severity {(said or extra)[:40]!r} of {', '.join(kinds)} is not from 0 to 1: read as 0.5.")
    return DEFAULT_SEVERITY

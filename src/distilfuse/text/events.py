"""Events and captions: what is wrong with a pair, which picture it concerns, how badly, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from distilfuse.errors import InputError

Modality = Literal["A", "B", "both"]
"""A: the visible picture (or CT, PET, SPECT); B: the infrared one (or MRI)."""

IVIF_EVENTS = (
    "low_light",
    "over_exposure",
    "high_noise",
    "motion_blur",
    "low_resolution",
    "haze",
    "glare",
    "lens_flare",
    "color_cast",
    "ir_low_contrast",
    "ir_noise",
    "ir_saturation",
    "fixed_pattern",
    "sensor_artifact",
    "ghosting",
    "default",
)
"""Types of infrared-visible pairs: the paper's, and what annotators saw besides; others are allowed."""

MEDICAL_EVENTS = (
    "contrast_enhancement",
    "edge_preservation",
    "noise_suppression",
    "detail_enhancement",
    "structure_consistency",
    "artifact_reduction",
    "default",
)
"""Types of medical pairs: what the fusion should attend to rather than what is broken."""

_TYPE = re.compile(r"[a-z][a-z0-9_]*")


def event_type(words: str) -> str:
    """``Low Light`` or ``low-light`` as ``low_light``; an empty string where nothing usable is left."""
    name = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")
    return name if _TYPE.fullmatch(name) else ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that is wrong with a pair, or to be attended to.

    Raises:
        InputError: a type that is no lower-case name, an unknown modality, or a severity outside 0..1.
    """

    type: str
    """``low_light``, ``ir_noise``, ...; see :data:`IVIF_EVENTS` and :data:`MEDICAL_EVENTS`."""
    modality: Modality
    severity: float
    """0.1 (barely) .. 1.0 (extreme)."""
    description: str
    """One sentence."""

    def __post_init__(self) -> None:
        if not (_is_text(self.type) and _TYPE.fullmatch(self.type)):
            raise InputError(f"An event's type is a lower-case name such as low_light, not {self.type!r}.")
        if self.modality not in get_args(Modality):
            raise InputError(f"An event's modality is A, B or both, not {self.modality!r}.")
        if not (_is_number(self.severity) and 0 <= self.severity <= 1):
            raise InputError(f"An event's severity is a number from 0 to 1, not {self.severity!r}.")
        if not _is_text(self.description):
            raise InputError(f"An event's description is a sentence, not {self.description!r}.")


@dataclass(frozen=True, kw_only=True)
class PairCaption:
    """All that is said of one pair."""

    pair: str
    """``SET/STEM`` or a name of one's own."""
    events: tuple[Event, ...] = ()
    """Most severe first."""
    scene: str = ""
    """What is to be seen, one sentence."""
    annotator: str = ""
    """Who wrote it: ``qwen:MODEL``, ``openai:MODEL``, ``statistics``, ...; empty where it is not known."""
    prompt: str = ""
    """First 16 hexadecimal digits of the prompt's SHA-256; empty where there was none."""
    problems: tuple[str, ...] = field(default=())
    """What could not be read in the annotator's answer, one sentence each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "events", tuple(sorted(self.events, key=lambda event: -event.severity)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""The words of an answer: which label, type, picture and severity a piece of an annotator's text means.

Beside English there are the labels and types of a few languages that multimodal models fall into unasked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from distilfuse.text.events import IVIF_EVENTS, MEDICAL_EVENTS, Modality, event_type

KNOWN = frozenset((*IVIF_EVENTS, *MEDICAL_EVENTS))

_LABELS: Mapping[str, tuple[str, ...]] = {
    "type": (
        *("event type", "event types", "event", "degradation type", "degradation", "type"),
        *("事件类型", "事件", "类型", "退化类型", "ereignistyp", "ereignis", "type d'événement", "événement"),
        *("tipo de evento", "evento"),
    ),
    "description": (
        *("description", "event description", "degradation description", "explanation", "details"),
        *("描述", "事件描述", "说明", "beschreibung", "descripción", "descrição"),
    ),
    "scene": ("scene", "scene description", "场景", "场景描述", "szene", "scène", "escena", "cena"),
    "modality": (
        *("modality", "affected modality", "affected image", "image", "picture", "source"),
        *("模态", "图像", "modalität", "modalité", "modalidad"),
    ),
    "severity": ("severity", "level", "degree", "严重程度", "程度", "schweregrad", "sévérité", "severidad"),
}
LABELS: Mapping[str, str] = {word: field for field, words in _LABELS.items() for word in words}
"""Label, folded to lower case, to the field that follows it."""

_TYPES: Mapping[str, str] = {
    "dark": "low_light",
    "darkness": "low_light",
    "low_illumination": "low_light",
    "underexposure": "low_light",
    "under_exposure": "low_light",
    "over_exposed": "over_exposure",
    "overexposure": "over_exposure",
    "overexposed": "over_exposure",
    "saturation": "over_exposure",
    "noise": "high_noise",
    "noisy": "high_noise",
    "visible_noise": "high_noise",
    "blur": "motion_blur",
    "blurring": "motion_blur",
    "blurry": "motion_blur",
    "fog": "haze",
    "low_contrast": "ir_low_contrast",
    "infrared_low_contrast": "ir_low_contrast",
    "infrared_noise": "ir_noise",
    "thermal_noise": "ir_noise",
    "infrared_saturation": "ir_saturation",
    "stripes": "fixed_pattern",
    "stripe_noise": "fixed_pattern",
    "fixed_pattern_noise": "fixed_pattern",
    "sensor_artefact": "sensor_artifact",
    "sensor_artifacts": "sensor_artifact",
    "colour_cast": "color_cast",
    "low_light_and_noise": "low_light",
    "artefact_reduction": "artifact_reduction",
    "noise_reduction": "noise_suppression",
    "denoising": "noise_suppression",
}
_FOREIGN: Mapping[str, str] = {
    "低光": "low_light",
    "弱光": "low_light",
    "过曝": "over_exposure",
    "过度曝光": "over_exposure",
    "运动模糊": "motion_blur",
    "红外低对比度": "ir_low_contrast",
    "低对比度": "ir_low_contrast",
    "红外噪声": "ir_noise",
    "噪声": "high_noise",
    "雾": "haze",
    "眩光": "glare",
    "schwaches licht": "low_light",
    "überbelichtung": "over_exposure",
    "bewegungsunschärfe": "motion_blur",
    "rauschen": "high_noise",
    "faible luminosité": "low_light",
    "surexposition": "over_exposure",
    "poca luz": "low_light",
    "sobreexposición": "over_exposure",
}
"""Part of a type in another language to ours; of several that fit, the first counts."""

NOTHING = frozenset(("none", "no_event", "no_events", "no_degradation", "n_a", "na", "nothing", "normal", "clean"))
"""Types that say that there is no event."""

_MODALITIES: tuple[tuple[Modality, re.Pattern[str]], ...] = (
    ("A", re.compile(r"\b(?:visible|vis|rgb|colou?r (?:image|picture|camera)|ct|pet|spect)\b|可见光", re.IGNORECASE)),
    ("B", re.compile(r"\b(?:infra-?red|ir|thermal|mri|mr|t1|t2)\b|红外|热成像", re.IGNORECASE)),
)
_OF_TYPE: Mapping[str, Modality] = {
    **dict.fromkeys(
        ("low_light", "over_exposure", "high_noise", "motion_blur", "haze", "glare", "lens_flare", "color_cast"), "A"
    ),
    **dict.fromkeys(("ir_low_contrast", "ir_noise", "ir_saturation", "fixed_pattern", "ghosting"), "B"),
    "structure_consistency": "both",
}

_SEVERITIES: Mapping[str, float] = {
    **dict.fromkeys(("very low", "barely", "minimal"), 0.15),
    **dict.fromkeys(("low", "mild", "slight", "minor", "weak"), 0.3),
    **dict.fromkeys(("medium", "moderate", "clear"), 0.5),
    **dict.fromkeys(("high", "severe", "strong", "heavy", "major"), 0.8),
    **dict.fromkeys(("very high", "extreme", "critical"), 1.0),
}
_NUMBER = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?(?:e-?\d+)?)\s*(%|/\s*10+\b)?", re.IGNORECASE)


def type_of(words: str) -> str:
    """The event type that words stand for; an unknown one is kept as a name, empty where there is none.

    A phrase of more than four words is no name: it stands for the known type that it holds, if any.
    """
    name = event_type(words)
    if name in KNOWN or name in NOTHING:
        return name
    if name in _TYPES:
        return _TYPES[name]
    for part, meant in _FOREIGN.items():
        if part in words.casefold():
            return meant
    if 0 < len(name.split("_")) <= 4 and len(name) <= 40 and words.isascii():
        return name
    held = (known for known in (*IVIF_EVENTS, *MEDICAL_EVENTS) if known != "default" and f"_{known}_" in f"_{name}_")
    return next(held, "")


def modality_in(words: str) -> Modality | None:
    """The picture that words speak of: by letter (A, B, both) or by name; None where they name none."""
    letters = {"a": "A", "b": "B", "both": "both", "ab": "both", "a_b": "both", "a_and_b": "both"}
    bare = re.sub(r"[^a-z]+", "_", words.casefold()).strip("_").removeprefix("image_").removeprefix("picture_")
    if bare in letters:
        return letters[bare]  # type: ignore[return-value]  # mypy widens the dictionary to str
    found = [modality for modality, pattern in _MODALITIES if pattern.search(words)]
    if len(found) == 2 or re.search(r"\bboth\b", words, re.IGNORECASE):
        return "both"
    return found[0] if found else None


def modality_of(kind: str, description: str) -> Modality:
    """The picture that an event concerns where the answer does not say: by its type, else by the words used."""
    return _OF_TYPE.get(kind) or modality_in(description) or "both"


def severity_in(words: str) -> float | None:
    """A severity, as 0.7, 0,7, 70 %, 7/10 or a word; None where there is none from 0 to 1."""
    if found := _NUMBER.search(words):
        number, unit = float(found[1].replace(",", ".")), (found[2] or "").replace(" ", "")
        value = number / (100 if unit == "%" else float(unit[1:]) if unit else 1)
        return value if 0 <= value <= 1 else None
    return _SEVERITIES.get(" ".join(re.sub(r"severity|[^a-z ]", " ", words.casefold()).split()))

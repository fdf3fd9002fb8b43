"""All kinds by name, and the one function that applies them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from distilfuse.errors import InputError
from distilfuse.evaluation.degradations.blur import motion_blur, visible_blur
from distilfuse.evaluation.degradations.coding import jpeg
from distilfuse.evaluation.degradations.degradation import Degradation, Image, Pair
from distilfuse.evaluation.degradations.geometry import misregistration
from distilfuse.evaluation.degradations.light import glare, low_light, over_exposure
from distilfuse.evaluation.degradations.noise import ir_noise, low_light_ir_noise, visible_noise
from distilfuse.evaluation.degradations.sensor import ir_low_contrast, ir_saturation, ir_stripes
from distilfuse.evaluation.degradations.weather import haze

DEGRADATIONS: Mapping[str, Degradation] = MappingProxyType(
    {
        "low_light": Degradation(
            title="little light",
            modality="A",
            events=(("low_light", "A"),),
            description="The visible picture is dark: every stored value is multiplied by the same factor below 1.",
            severities="factor 0.7, 0.5, 0.35, 0.22, 0.12",
            random=False,
            apply=low_light,
        ),
        "over_exposure": Degradation(
            title="too much light",
            modality="A",
            events=(("over_exposure", "A"),),
            description="The visible picture is too bright: stored values are multiplied and clip at white.",
            severities="factor 1.3, 1.6, 1.9, 2.4, 3.0",
            random=False,
            apply=over_exposure,
        ),
        "visible_noise": Degradation(
            title="noisy visible picture",
            modality="A",
            events=(("high_noise", "A"),),
            description="Gaussian noise on each channel of the visible picture, independent from pixel to pixel.",
            severities="standard deviation 8, 16, 25, 36, 50 grey levels of 255",
            random=True,
            apply=visible_noise,
        ),
        "visible_blur": Degradation(
            title="out of focus",
            modality="A",
            events=(("low_resolution", "A"),),
            description="The visible picture is soft: Gaussian blur.",
            severities="standard deviation 0.6, 1.1, 1.6, 2.3, 3.2 pixels",
            random=False,
            apply=visible_blur,
        ),
        "ir_low_contrast": Degradation(
            title="weak thermal contrast",
            modality="B",
            events=(("ir_low_contrast", "B"),),
            description="Everything is nearly as warm as everything else: the infrared picture shrinks to its mean.",
            severities="contrast times 0.7, 0.5, 0.3, 0.2, 0.1",
            random=False,
            apply=ir_low_contrast,
        ),
        "ir_noise": Degradation(
            title="noisy infrared picture",
            modality="B",
            events=(("ir_noise", "B"),),
            description="Gaussian noise on the infrared picture, independent from pixel to pixel.",
            severities="standard deviation 8, 16, 25, 36, 50 grey levels of 255",
            random=True,
            apply=ir_noise,
        ),
        "ir_stripes": Degradation(
            title="stripes in the infrared picture",
            modality="B",
            events=(("fixed_pattern", "B"),),
            description="Fixed-pattern noise of an uncooled sensor: each infrared column carries its own offset.",
            severities="standard deviation of the offsets 6, 12, 20, 30, 45 grey levels of 255",
            random=True,
            apply=ir_stripes,
        ),
        "low_light+ir_noise": Degradation(
            title="little light and a noisy infrared picture",
            modality="both",
            events=(("low_light", "A"), ("ir_noise", "B")),
            description="Both at once, so that neither picture can stand in for the other.",
            severities="as low_light and ir_noise",
            random=True,
            apply=low_light_ir_noise,
        ),
        "motion_blur": Degradation(
            title="camera moves",
            modality="A",
            events=(("motion_blur", "A"),),
            description="The visible camera moves in a straight line, in a random direction, while the shutter is "
            "open; light adds up along the way.",
            severities="way of 3, 6, 10, 15, 22 pixels",
            random=True,
            apply=motion_blur,
        ),
        "haze": Degradation(
            title="haze",
            modality="A",
            events=(("haze", "A"),),
            description="Atmospheric scattering veils what is far: the depth is made up from the row, as on level "
            "ground below a horizon; infrared passes it.",
            severities="optical depth of the farthest 0.35, 0.7, 1.2, 1.9, 3.0",
            random=True,
            apply=haze,
        ),
        "glare": Degradation(
            title="headlights into the lens",
            modality="A",
            events=(("glare", "A"),),
            description="A pair of headlights at a random place dazzles the visible camera: full cores, halos, a "
            "streak, and a veil over everything.",
            severities="strength 0.3, 0.6, 1.1, 1.8, 2.8; cores of 0.3 to 1 % of the diagonal",
            random=True,
            apply=glare,
        ),
        "jpeg": Degradation(
            title="strong compression",
            modality="both",
            events=(("sensor_artifact", "both"),),
            description="Both pictures were stored as JPEG of low quality: blocks, ringing, smeared colour.",
            severities="quality 60, 38, 22, 12, 6",
            random=False,
            apply=jpeg,
        ),
        "misregistration": Degradation(
            title="pictures do not lie on each other",
            modality="B",
            events=(("ghosting", "B"),),  # no annotated pair has it; fused, it looks like ghosts
            description="The infrared picture is moved in a random direction, by fractions of a pixel too; nothing is "
            "turned or scaled.",
            severities="shift of 1, 2, 3.5, 5.5, 8 pixels",
            random=True,
            apply=misregistration,
        ),
        "ir_saturation": Degradation(
            title="infrared clips at the hot end",
            modality="B",
            events=(("ir_saturation", "B"),),
            description="The infrared camera's span ends too low: the hottest part of the scene is one flat white, "
            "the rest is brighter.",
            severities="4, 8, 15, 25, 40 % of the pixels are white",
            random=False,
            apply=ir_saturation,
        ),
    }
)
"""Kind to its card, in the order of tables."""

TABLE_KINDS = (
    "low_light",
    "over_exposure",
    "visible_noise",
    "visible_blur",
    "ir_low_contrast",
    "ir_noise",
    "ir_stripes",
    "low_light+ir_noise",
)
"""The eight kinds of the robustness table, which are also those that training may draw from."""

DEFAULT_SEVERITY = 3.0
"""The level of the robustness tables."""


def generator(seed: int, name: str, kind: str) -> np.random.Generator:
    """Random generator that depends on the seed, the picture's name and the kind, and on nothing else."""
    digest = hashlib.sha256(f"{seed}/{name}/{kind}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def degrade(
    visible: Image, infrared: Image, *, kind: str, severity: float = DEFAULT_SEVERITY, rng: np.random.Generator
) -> Pair:
    """Degraded copies of a clean pair.

    Args:
        visible: ``H x W`` or ``H x W x 3`` float32, 0..1.
        infrared: ``H x W`` float32, 0..1.
        kind: a key of :data:`DEGRADATIONS`.
        severity: 1 .. 5.
        rng: source of randomness, see :func:`generator`.

    Returns:
        (visible, infrared), clipped to 0..1 and rounded to 8 bit as a camera would deliver them.

    Raises:
        InputError: an unknown kind, a severity outside 1 .. 5, or pictures that are not float32.
    """
    if visible.dtype != np.float32 or infrared.dtype != np.float32:
        raise InputError(
            f"degrade() takes float32 pictures in 0..1, not {visible.dtype} and {infrared.dtype}: divide bytes by 255."
        )
    _check(kind, severity)
    degraded = DEGRADATIONS[kind](visible, infrared, severity, rng)
    return quantise(degraded[0]), quantise(degraded[1])


def quantise(image: Image) -> Image:
    """Clip to 0..1 and round to 256 levels."""
    levels: Image = np.round(np.clip(image, 0, 1) * np.float32(255)) / np.float32(255)
    return levels


def parse_kind(text: str) -> tuple[str, float]:
    """``low_light@4`` to (kind, severity); without ``@`` the severity is 3.

    Raises:
        InputError: an unknown kind, or a severity that is no number from 1 to 5.
    """
    kind, mark, number = text.strip().partition("@")
    try:
        severity = float(number) if mark else DEFAULT_SEVERITY
    except ValueError:
        raise InputError(f"{text!r} has no number behind the @: write KIND@SEVERITY, such as {kind}@3.") from None
    _check(kind, severity)
    return kind, severity


def parse_kinds(text: str) -> tuple[tuple[str, float], ...]:
    """``haze@2,ir_noise`` to pairs of (kind, severity), in the order given.

    ``all@4`` stands for the eight :data:`TABLE_KINDS` at severity 4.

    Raises:
        InputError: see :func:`parse_kind`; or one is named twice.
    """
    parsed: list[tuple[str, float]] = []
    for part in text.split(","):
        name, mark, number = part.strip().partition("@")
        kinds = TABLE_KINDS if name == "all" else (name,)
        parsed += [parse_kind(f"{kind}{mark}{number}") for kind in kinds]
    labels = [kind_label(*entry) for entry in parsed]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"{label} is named twice: name each degradation once.")
    return tuple(parsed)


def kind_label(kind: str, severity: float) -> str:
    """``KIND@SEVERITY`` as in tables and folder names: ``low_light@3``, ``haze@2.5``."""
    return f"{kind}@{severity:g}"


def _check(kind: str, severity: float) -> None:
    if kind not in DEGRADATIONS:
        raise InputError(f"Unknown degradation {kind!r}: choose from {', '.join(DEGRADATIONS)}.")
    if not 1 <= severity <= 5:
        raise InputError(f"Severity must be from 1 to 5, not {severity:g}.")

"""Captions from measurements, for when no language model is at hand: exposure, contrast, noise, blur, stripes.

Measurements know nothing of what a picture shows: they find what concerns a picture as a whole and is a matter of
grey values, and miss what takes understanding (a lens flare, a smeared walker, a reflection taken for a person). The
limits were chosen on training pairs (RoadScene, LLVIP; Harvard atlas), where they agree best with the packaged
captions, those of noise, stripes and blur on training pairs degraded on purpose; no test pair was looked at. For
medical pairs "what to attend to" is a matter of taste more than of measurement.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distilfuse.errors import ConfigError
from distilfuse.imaging.colour import luminance
from distilfuse.text.annotators.annotator import Bytes, check_pair
from distilfuse.text.annotators.measures import Measures, Plane, local_spread, measure
from distilfuse.text.events import Event, Modality, PairCaption

TASKS = ("ivif", "medical")

VERSION = 1
"""Part of the annotator's name; goes up whenever a limit changes."""

_TISSUE = 0.06
"""Grey value above which a medical picture shows the head and not the background."""


class StatisticsAnnotator:
    """Measures a pair and says what exceeds its limit.

    Args:
        task: ``ivif`` or ``medical``.

    Raises:
        ConfigError: another task.
    """

    concurrency = 1
    prompt = ""

    def __init__(self, task: str = "ivif") -> None:
        if task not in TASKS:
            raise ConfigError(f"There are no measurements for {task!r}: choose from {', '.join(TASKS)}.")
        self.name = f"statistics-{VERSION}"
        self._judge = _infrared_visible if task == "ivif" else _medical

    def annotate(self, visible: Bytes, infrared: Bytes, pair: str) -> PairCaption:
        """See :class:`distilfuse.text.annotators.Annotator`; a pair without events gets one of type ``default``.

        Raises:
            InputError: the arrays are no pair.
        """
        check_pair(visible, infrared, pair)
        events = tuple(self._judge(visible, infrared))
        if not events:
            events = (_event("default", "both", 0.1, "Neither picture has a fault that can be measured."),)
        return PairCaption(pair=pair, events=events, annotator=self.name, prompt=self.prompt)


def _infrared_visible(visible: Bytes, infrared: Bytes) -> Iterator[Event]:
    seen, felt = measure(luminance(visible)), measure(_unit(infrared))
    yield from _light(seen)
    if seen.noise > 0.008:
        said = f"The visible picture is grainy, with noise of {seen.noise:.1%} of full scale in calm areas."
        yield _event("high_noise", "A", 8 * seen.noise, said)
    if seen.floor - 3 * seen.texture > 0.26:
        said = f"A veil lies over the visible picture: hardly anything is darker than {seen.floor:.0%}."
        yield _event("haze", "A", 1.3 * (seen.floor - 3 * seen.texture), said)
    yield from _blur(seen)
    if felt.flat > 0.3:
        said = f"{felt.flat:.0%} of the infrared picture is evenly grey or black and shows no structure."
        yield _event("ir_low_contrast", "B", 0.2 + 0.7 * felt.flat, said)
    if felt.hot > 0.03:
        said = f"Warm parts of the infrared picture, {felt.hot:.1%} of it, are white without structure."
        yield _event("ir_saturation", "B", 0.75 + 0.2 * np.log10(felt.hot), said)
    if felt.noise > 0.008:
        said = f"The infrared picture is grainy, with noise of {felt.noise:.1%} of full scale in calm areas."
        yield _event("ir_noise", "B", 6 * felt.noise, said)
    if felt.stripes > 0.006:
        said = f"Stripes run down the infrared picture, columns differing by {felt.stripes:.1%} of full scale."
        yield _event("fixed_pattern", "B", 8 * felt.stripes, said)


def _light(seen: Measures) -> Iterator[Event]:
    if seen.dark < 0.46:
        said = f"The visible picture is dark: its mean is {seen.mean:.0%} and a quarter of it is below {seen.dark:.0%}."
        yield _event("low_light", "A", 0.87 - 0.78 * seen.mean, said)
    if seen.white > 0.001:
        said = f"Bright parts of the visible picture, {seen.white:.1%} of it, are clipped to white."
        yield _event("over_exposure", "A", 0.63 + 0.08 * np.log10(seen.white) + 0.8 * max(0, seen.white - 0.2), said)


def _blur(seen: Measures) -> Iterator[Event]:
    """Edges softer along one axis than along the other were moved; soft along both: out of focus, or few pixels."""
    severity = 1.1 * (2 - seen.sharpness)
    if seen.sharpness < 1.65 and seen.smear > 0.05:
        yield _event(
            "motion_blur", "A", severity, "Edges in the visible picture are smeared, one way more than the other."
        )
    elif seen.sharpness < 1.5:
        yield _event("low_resolution", "A", severity, "The visible picture is soft: its edges are blurred all ways.")


def _medical(visible: Bytes, infrared: Bytes) -> Iterator[Event]:
    first, second = luminance(visible), _unit(infrared)
    coloured = bool((visible.max(axis=2).astype(int) - visible.min(axis=2)).max() > 8)  # PET, SPECT
    a, b = first > _TISSUE, second > _TISSUE
    head = a | b
    if not head.any():
        return
    contrast = float(np.median(local_spread(first, 4)[head]))
    bone = float((first[head] > 0.8).mean())
    shared = float((a & b).sum() / head.sum())
    if contrast < 0.125:
        said = f"Within the head neighbouring tissue in picture A differs by {contrast:.1%} of full scale only."
        yield _event("contrast_enhancement", "A", 0.6 - 2 * contrast, said)
    if a.mean() > 0.24:
        said = f"Both pictures outline the head, and {shared:.0%} of it is to be seen in both: keep the outlines one."
        yield _event("structure_consistency", "both", 0.5, said)
    ratio = _edges(first, head) / (_edges(second, head) + 1e-6)
    if ratio < 1:
        said = f"Fine structure is in the MRI: the edges of picture A are {ratio:.0%} as strong."
        yield _event("detail_enhancement", "B", 0.6 - 0.3 * ratio, said)
    if not coloured and bone > 0.03:
        yield _event(
            "edge_preservation", "A", 0.5, f"Bone, {bone:.0%} of the head, has sharp edges in CT that must stay."
        )
    elif coloured and _correlation(first[head], second[head]) < 0.37:
        said = "The MRI has outlines of tissue that the colours of picture A do not follow: keep them sharp."
        yield _event("edge_preservation", "B", 0.4, said)
    if not coloured and bone > 0.3:
        said = f"{bone:.0%} of the head is nearly white in CT: thick bone, or a holder that is no anatomy."
        yield _event("artifact_reduction", "A", 0.4, said)
    elif coloured and shared < 0.4:
        said = (
            f"Only {shared:.0%} of the head is in both pictures: what picture A glows outside of tissue is no anatomy."
        )
        yield _event("artifact_reduction", "A", 0.4, said)
    bright = float(np.percentile(second[head], 95))
    if bright < 0.64:
        said = f"The MRI is dim, {bright:.0%} at its brightest: when it is lifted, its noise must not come along."
        yield _event("noise_suppression", "B", 0.35, said)


def _event(kind: str, modality: Modality, severity: float, description: str) -> Event:
    return Event(
        type=kind, modality=modality, severity=round(min(1.0, max(0.1, float(severity))), 2), description=description
    )


def _unit(picture: Bytes) -> Plane:
    plane: Plane = picture / np.float32(255)
    return plane


def _edges(plane: Plane, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    """Mean gradient within a mask; 0 of a picture without neighbours."""
    if min(plane.shape) < 2:
        return 0.0
    steps = np.hypot(np.diff(plane, axis=1)[:-1], np.diff(plane, axis=0)[:, :-1])
    inside = steps[where[:-1, :-1]]
    return float(inside.mean()) if inside.size else 0.0


def _correlation(first: Plane, second: Plane) -> float:
    if first.std() < 1e-6 or second.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])

"""From what is wrong with a pair to sentences, and from sentences to the embedding of the pair.

The embedding of a pair is the mean of those of its sentences. So the sentences that a training run can meet are a
finite list: they are embedded once, and no text encoder runs beside the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from distilfuse.text.events import Event, PairCaption

_DEGREES = ("barely visible", "slight", "clear", "severe", "extreme")

_PICTURES: Mapping[str, tuple[str, str]] = {"ivif": ("visible", "infrared"), "medical": ("CT, PET or SPECT", "MRI")}
"""Task to what its two pictures are called."""

_WORDINGS: Mapping[str, tuple[str, ...]] = {
    "low_light": (
        "The {first} picture is too dark; {degree} lack of light hides detail in the shadows.",
        "Low light in the {first} image, {degree}: unlit parts sink into black.",
        "There is {degree} underexposure of the {first} picture.",
    ),
    "over_exposure": (
        "The {first} picture is too bright; {degree} over-exposure clips highlights to white.",
        "Over-exposed {first} image, {degree}: bright areas have lost their texture.",
        "There is {degree} over-exposure of the {first} picture; trust the {second} where it is white.",
    ),
    "visible_noise": (
        "The {first} picture is noisy; {degree} grain covers flat areas.",
        "High noise in the {first} image, {degree}: speckle must not be taken for texture.",
        "There is {degree} sensor noise in the {first} picture.",
    ),
    "visible_blur": (
        "The {first} picture is out of focus; {degree} blur softens its edges.",
        "Blurred {first} image, {degree}: edges should come from the {second} where it is sharper.",
        "There is {degree} defocus of the {first} picture.",
    ),
    "ir_low_contrast": (
        "The {second} picture has weak contrast; {degree} flattening makes its parts alike.",
        "Low contrast in the {second} image, {degree}: its faint edges need to be kept.",
        "There is {degree} loss of contrast in the {second} picture.",
    ),
    "ir_noise": (
        "The {second} picture is noisy; {degree} grain covers it.",
        "Noise in the {second} image, {degree}: do not carry its speckle over.",
        "There is {degree} sensor noise in the {second} picture.",
    ),
    "ir_stripes": (
        "The {second} picture has vertical stripes; {degree} fixed-pattern noise runs through its columns.",
        "Column stripes in the {second} image, {degree}: a sensor artifact, not structure.",
        "There is {degree} striping in the {second} picture.",
    ),
}
"""Kind of degradation (:mod:`distilfuse.evaluation.degradations`) to ways of saying it."""


def degradation_sentences(kind: str, severity: float, task: str) -> tuple[str, ...]:
    """All ways in which a degradation of a severity (1..5) is put into words for pairs of a task.

    A combined kind (``low_light+ir_noise``) gives the sentences of its parts; unknown kinds give none.
    """
    degree = _DEGREES[min(5, max(1, round(severity))) - 1]
    first, second = _PICTURES[task]
    wordings = (words for part in kind.split("+") for words in _WORDINGS.get(part, ()))
    return tuple(words.format(degree=degree, first=first, second=second) for words in wordings)


def say_degradation(kind: str, severity: float, task: str, rng: np.random.Generator) -> tuple[str, ...]:
    """One sentence for each part of a kind, in a wording drawn at random."""
    chosen = []
    for part in kind.split("+"):
        if sentences := degradation_sentences(part, severity, task):
            chosen.append(sentences[rng.integers(len(sentences))])
    return tuple(chosen)


def all_degradation_sentences(task: str) -> tuple[str, ...]:
    """Every sentence that :func:`say_degradation` can give for a task."""
    return tuple(s for kind in _WORDINGS for level in range(1, 6) for s in degradation_sentences(kind, level, task))


def template(event: Event) -> str:
    """An event without its description: type, picture and degree only."""
    picture = {"A": "the first picture", "B": "the second picture", "both": "both pictures"}[event.modality]
    degree = _DEGREES[min(4, int(event.severity * 5))]
    return f"{event.type.replace('_', ' ').capitalize()} in {picture}, {degree}."


def caption_sentences(caption: PairCaption, style: str) -> tuple[str, ...]:
    """The sentences of a caption.

    Args:
        caption: of a pair.
        style: ``description`` (the annotator's own words behind type, picture and degree) or ``template`` (without
            them).
    """
    if style == "template":
        return tuple(template(event) for event in caption.events)
    return tuple(f"{template(event)} {event.description}".strip() for event in caption.events)


def drop_words(sentence: str, share: float, rng: np.random.Generator) -> str:
    """The sentence without a random share of its words, at least one word long."""
    words = sentence.split()
    kept = [word for word in words if rng.random() >= share]
    return " ".join(kept or words[:1])


def pair_embedding(
    sentences: Sequence[str], embeddings: Mapping[str, NDArray[np.float32]], channels: int
) -> NDArray[np.float32]:
    """Mean of the embeddings of ``sentences``, float32 of length ``channels``; zeros (no text) where there are none."""
    if not sentences:
        return np.zeros(channels, np.float32)
    mean: NDArray[np.float32] = np.stack([embeddings[sentence] for sentence in sentences]).mean(axis=0)
    return mean

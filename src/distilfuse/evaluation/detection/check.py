"""One detector on the sources and on every method's pictures, measured alike."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.evaluation.detection.boxes import Boxes
from distilfuse.evaluation.detection.detector import Detector, detect
from distilfuse.evaluation.detection.precision import ClassPrecision, average_precision
from distilfuse.evaluation.detection.truth import Truth

VISIBLE, INFRARED = "visible", "infrared"
"""What the two sources are called in the table: methods that do nothing."""

_LISTED = 5


@dataclass(frozen=True)
class DetectionScore:
    """How well a detector does on the pictures of one method."""

    method: str
    """A fusion method, or :data:`VISIBLE`, or :data:`INFRARED`."""
    dataset: str
    pictures: int
    """Measured: those that every method of the set has, and whose boxes are known."""
    boxes: int
    """Known boxes in them."""
    ap50: float
    """Mean over the classes, see :class:`ClassPrecision`; NaN where no box is known."""
    ap: float
    classes: tuple[ClassPrecision, ...]


@dataclass(frozen=True)
class Unmeasured:
    """A picture without detections, which therefore no method is measured on."""

    method: str
    dataset: str
    name: str
    reason: str
    failed: bool
    """Whether the detector failed on it; else there is no such picture."""


@dataclass(frozen=True)
class Detection:
    """The outcome."""

    scores: tuple[DetectionScore, ...]
    unmeasured: tuple[Unmeasured, ...]
    notes: tuple[str, ...]
    """What to know before reading the numbers, one sentence each."""


class DetectionCheck:
    """Collects what a detector finds, picture by picture; any thread may bring pictures, one is looked at at a time."""

    def __init__(self, detector: Detector, truth: Truth, *, methods: Sequence[str]) -> None:
        """Begin.

        Args:
            detector: the user's.
            truth: the known boxes.
            methods: the fusion methods to come, for the order of the table.

        Raises:
            InputError: a method has the name of a source.
        """
        if taken := [name for name in methods if name in (VISIBLE, INFRARED)]:
            raise InputError(f"A method cannot be called {taken[0]!r} here, which is a source: give it another name.")
        self._detector = detector
        self._truth = truth
        self._order = (VISIBLE, INFRARED, *methods)
        self._found: dict[tuple[str, str], dict[str, Boxes]] = {}
        self._failed: list[Unmeasured] = []
        self._lock = threading.Lock()

    def look(self, method: str, dataset: str, name: str, picture: NDArray[np.uint8]) -> None:
        """Run the detector on a picture, if the boxes of its pair are known; what goes wrong is kept, not raised.

        Args:
            method: whose picture it is.
            dataset: its set's name in the table.
            name: its pair.
            picture: ``H x W`` or ``H x W x 3`` uint8.
        """
        with self._lock:  # few detectors can be called from two threads at once
            found = self._found.setdefault((dataset, method), {})
            if name not in self._truth.boxes:
                return
            try:
                found[name] = detect(self._detector, picture)
            except InputError as error:
                self._failed.append(Unmeasured(method, dataset, name, str(error), failed=True))

    def result(self) -> Detection:
        """Measure what was seen so far.

        In each set, every method is measured on the same pictures: those that the detector has an answer for in all of
        them. A method without a single answer is measured on none, and the others without it.

        Raises:
            MissingDependencyError: pycocotools is not installed.
        """
        scores: list[DetectionScore] = []
        unmeasured, notes = list(self._failed), self._known_notes()
        for dataset in dict.fromkeys(dataset for dataset, _ in self._found):
            found = {method: self._found[dataset, method] for method in self._order if (dataset, method) in self._found}
            everyone = set().union(*found.values())
            shared = everyone.intersection(*(names for names in found.values() if names))
            failed = {(failure.method, failure.dataset, failure.name) for failure in self._failed}
            unmeasured += [
                Unmeasured(method, dataset, name, "There is no such picture.", failed=False)
                for method, names in found.items()
                for name in sorted(everyone - names.keys())
                if (method, dataset, name) not in failed
            ]
            scores += [
                self._measured(dataset, method, names, shared if names else set()) for method, names in found.items()
            ]
            if len(shared) < len(everyone):
                notes.append(
                    f"{dataset}: measured on the {len(shared)} of {len(everyone)} pictures that every method has "
                    "detections for."
                )
            notes += _comparison(dataset, [score for score in scores if score.dataset == dataset])
        return Detection(tuple(scores), tuple(unmeasured), tuple(dict.fromkeys(notes)))

    def _measured(self, dataset: str, method: str, found: Mapping[str, Boxes], shared: set[str]) -> DetectionScore:
        truth = {name: self._truth.boxes[name] for name in shared}
        classes = average_precision(truth, {name: found[name] for name in shared})
        return DetectionScore(
            method,
            dataset,
            len(shared),
            sum(entry.boxes for entry in classes),
            _mean([entry.ap50 for entry in classes]),
            _mean([entry.ap for entry in classes]),
            classes,
        )

    def _known_notes(self) -> list[str]:
        notes = []
        if unknown := self._truth.unknown:
            notes.append(f"Without known boxes, so not measured: {_listed(unknown)}.")
        said = {
            label.casefold()
            for pictures in self._found.values()
            for found in pictures.values()
            for label in found.labels
        }
        if strange := sorted(said - set(self._truth.labels)):
            notes.append(
                f"The detector says {_listed(strange)}, which the known boxes never do (they say "
                f"{_listed(self._truth.labels)}): they count for nothing; let the detector use the known names."
            )
        return notes


def _comparison(dataset: str, scores: Sequence[DetectionScore]) -> list[str]:
    """A sentence for each fused method that a detector does worse on than on one source alone."""
    sources = [score for score in scores if score.method in (VISIBLE, INFRARED) and not math.isnan(score.ap50)]
    if not sources:
        return []
    best = max(sources, key=lambda score: score.ap50)
    return [
        f"{dataset}: the detector does better on {best.method} alone (AP50 {best.ap50:.3f}) than on {score.method} "
        f"({score.ap50:.3f})."
        for score in scores
        if score.method not in (VISIBLE, INFRARED) and score.ap50 < best.ap50
    ]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")

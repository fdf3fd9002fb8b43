"""Average precision as COCO defines it, computed by pycocotools (extra ``detect``)."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.evaluation.detection.boxes import Boxes
from distilfuse.evaluation.extras import need

_MOST = 100
"""Boxes a picture and class that COCO lets a detector have, the surest first."""


@dataclass(frozen=True)
class ClassPrecision:
    """Average precision of one class."""

    label: str
    """In lower case."""
    boxes: int
    """Known boxes, those that may be missed left out."""
    ap50: float
    """At an overlap (intersection over union) of 0.5 or more: 0..1, higher is better."""
    ap: float
    """Mean over the overlaps 0.50, 0.55, ..., 0.95."""


def average_precision(truth: Mapping[str, Boxes], found: Mapping[str, Boxes]) -> tuple[ClassPrecision, ...]:
    """Average precision of every class that is there.

    Lin et al., Microsoft COCO: common objects in context (2014): boxes are taken from the surest down, each known box
    can be found once, precision is made monotonous and averaged at 101 recalls. One number for all sizes of boxes. Of a
    picture and class the surest 100 boxes count, more where a picture truly holds more.

    Args:
        truth: picture to known boxes.
        found: picture to what was found, the same pictures.

    Returns:
        In the order of the labels. A class that is only found, never there, has no average precision.

    Raises:
        MissingDependencyError: pycocotools is not installed.
    """
    need("detect", "pycocotools")
    from pycocotools.cocoeval import COCOeval

    counts = Counter(
        label.casefold()
        for known in truth.values()
        for label, optional in zip(known.labels, known.optional, strict=True)
        if not optional
    )
    labels = sorted(counts)
    if not labels:
        return ()
    names = sorted(truth)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        evaluation = COCOeval(
            _as_coco(truth, names, labels, known=True), _as_coco(found, names, labels, known=False), "bbox"
        )
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [max(_MOST, _fullest(truth))]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 0]  # overlaps x recalls x classes
    return tuple(
        ClassPrecision(label, counts[label], _mean(precision[0, :, k]), _mean(precision[:, :, k]))
        for k, label in enumerate(labels)
    )


def _as_coco(pictures: Mapping[str, Boxes], names: list[str], labels: list[str], *, known: bool) -> Any:
    """The tables of pycocotools; its numbers begin at 1, because it takes 0 for "no box"."""
    from pycocotools.coco import COCO

    things: list[dict[str, Any]] = []
    for image, name in enumerate(names, start=1):
        found = pictures[name]
        for corners, label, score, optional in zip(
            found.corners, found.labels, found.scores, found.optional, strict=True
        ):
            if label.casefold() not in labels:
                continue
            left, top, right, bottom = corners.tolist()
            things.append(
                {
                    "id": len(things) + 1,
                    "image_id": image,
                    "category_id": labels.index(label.casefold()) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "score": float(score),
                    "iscrowd": int(optional and known),
                }
            )
    tables = COCO()
    tables.dataset = {
        "info": {},
        "images": [{"id": image} for image in range(1, len(names) + 1)],
        "categories": [{"id": k, "name": label} for k, label in enumerate(labels, start=1)],
        "annotations": things,
    }
    tables.createIndex()
    return tables


def _fullest(truth: Mapping[str, Boxes]) -> int:
    """Most boxes of one class in one picture."""
    counts = (Counter(label.casefold() for label in known.labels) for known in truth.values())
    return max((max(count.values()) for count in counts if count), default=0)


def _mean(precision: NDArray[np.float64]) -> float:
    """Mean of what is defined; pycocotools marks the rest by -1."""
    defined = precision[precision > -1]
    return float(defined.mean()) if defined.size else float("nan")

"""The outcome of a detection check as a table and as files."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path
from typing import Any

from distilfuse.evaluation.detection.check import Detection
from distilfuse.imaging.writing import write_bytes

FILES = ("detection.csv", "detection.json")

HEAD = ("set", "method", "class", "AP50 ↑", "AP50-95 ↑", "pictures", "boxes")

PROTOCOL = "coco@1"
"""Average precision as COCO defines it; the version rises whenever a value would change."""

_ALL = "mean of classes"


def detection_rows(detection: Detection) -> list[tuple[str, ...]]:
    """Cells under :data:`HEAD`: a row for each set and method, then one for each class if there are several."""
    rows: list[tuple[str, ...]] = []
    for score in detection.scores:
        several = len(score.classes) > 1
        label = score.classes[0].label if len(score.classes) == 1 else _ALL
        head = (score.dataset, score.method)
        rows.append((*head, label, _figure(score.ap50), _figure(score.ap), str(score.pictures), str(score.boxes)))
        for entry in score.classes if several else ():
            rows.append(
                (*head, entry.label, _figure(entry.ap50), _figure(entry.ap), str(score.pictures), str(entry.boxes))
            )
    return rows


def detection_sentences(detection: Detection) -> list[str]:
    """One for each set, for reports: AP50 (and AP50-95) of the sources and every method."""
    sentences = []
    for dataset in dict.fromkeys(score.dataset for score in detection.scores):
        scores = [score for score in detection.scores if score.dataset == dataset]
        figures = (f"{score.method} {_figure(score.ap50)} ({_figure(score.ap)})" for score in scores)
        sentences.append(f"Detection on {dataset}, AP50 (AP50-95): {', '.join(figures)}.")
    return sentences


def write_detection(folder: Path, detection: Detection) -> list[Path]:
    """Write ``detection.csv`` (one row a set, method and class; the mean has no class) and ``detection.json``.

    Args:
        folder: one that exists.
        detection: what to write.

    Returns:
        The two files.

    Raises:
        OutputError: a file cannot be written; nothing is left of it then.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("method", "set", "class", "AP50", "AP50_95", "pictures", "boxes", "protocol"))
    for score in detection.scores:
        named = [("", score.ap50, score.ap, score.boxes)]
        named += [(entry.label, entry.ap50, entry.ap, entry.boxes) for entry in score.classes]
        for label, ap50, ap, boxes in named:
            writer.writerow(
                (score.method, score.dataset, label, _cell(ap50), _cell(ap), score.pictures, boxes, PROTOCOL)
            )
    table, data = (folder / name for name in FILES)
    write_bytes(table, text.getvalue().encode())
    content = {
        "format": "distilfuse detection",
        "format_version": 1,
        "protocol": PROTOCOL,
        **_without_nan(dataclasses.asdict(detection)),
    }
    write_bytes(data, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    return [table, data]


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.9g}"


def _without_nan(content: Any) -> Any:
    """The same with None for NaN, which JSON does not have."""
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content

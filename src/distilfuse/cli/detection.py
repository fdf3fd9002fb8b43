"""``distilfuse evaluate --detector``: a detector's view of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distilfuse.evaluation.detection.check import Detection, DetectionCheck
    from distilfuse.imaging.pairs import Pair


def start_check(
    detector: str | None, boxes: Path | None, pairs: Sequence[Pair], methods: Sequence[str]
) -> DetectionCheck | None:
    """Load the detector and the known boxes before any other work; None where no detector is asked for.

    Raises:
        ConfigError: only one of the two is given, or there is no such detector.
        InputError: the boxes cannot be read.
        MissingDependencyError: pycocotools is not installed.
    """
    from distilfuse.errors import ConfigError
    from distilfuse.evaluation.detection.check import DetectionCheck
    from distilfuse.evaluation.detection.detector import load_detector
    from distilfuse.evaluation.detection.truth import read_truth
    from distilfuse.evaluation.extras import need

    if detector is None and boxes is None:
        return None
    if detector is None or boxes is None:
        given, missing = ("--boxes", "--detector") if detector is None else ("--detector", "--boxes")
        raise ConfigError(f"{given} needs {missing} as well: a detector is measured against known boxes.")
    need("detect", "pycocotools")
    return DetectionCheck(load_detector(detector), read_truth(boxes, pairs), methods=methods)


def print_detection(detection: Detection) -> None:
    """The table, a row for each set, method and class."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from distilfuse.evaluation.detection.files import HEAD, detection_rows

    console = Console()
    if not console.is_terminal:
        console.width = 1000  # a file or a pipe has no edge to wrap at
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for k, head in enumerate(HEAD):
        grid.add_column(head, justify="left" if k < 3 else "right")
    for row in detection_rows(detection):
        grid.add_row(*(Text(cell) for cell in row))
    console.print("Detection, average precision (COCO)", highlight=False)
    console.print(grid)
    console.print()


def problems(detection: Detection) -> tuple[str, ...]:
    """What the detector failed on, one sentence each."""
    return tuple(
        f"{entry.dataset}, {entry.name}, {entry.method}: {entry.reason}"
        for entry in detection.unmeasured
        if entry.failed
    )

"""The demo: sample pairs fused, laid side by side, timed and scored."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse import samples
from distilfuse.errors import OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.writing import write_image
from distilfuse.metrics import score

SCENES = ("night-street", "smoke-yard", "day-road")
"""The samples that infrared and visible models are shown with."""

METRICS = ("EN", "VIF", "Qabf", "SSIM")
"""What the demo shows, in protocol ``paper``; higher is better in each."""

_GAP = 4
"""White pixels between the pictures."""


@dataclass(frozen=True)
class DemoRow:
    """One sample, fused."""

    name: str
    size: str
    """``WIDTHxHEIGHT`` of one picture."""
    seconds: float
    """Of the second call; the first pays for warming up."""
    scores: dict[str, float]
    picture: Path
    """visible | infrared | fused."""


def run_demo(fuser: Fuser, folder: Path) -> Iterator[DemoRow]:
    """Fuse the samples and write one picture for each, over those of an earlier demo.

    Raises:
        OutputError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}): name another output.") from error
    for name in SCENES:
        visible, infrared = samples.load(name)
        fuser(visible, infrared)
        start = time.perf_counter()
        fused = fuser(visible, infrared)
        seconds = time.perf_counter() - start
        picture = folder / f"{name}.png"
        scores = score(visible, infrared, fused, metrics=METRICS)
        write_image(picture, side_by_side(visible, infrared, fused), overwrite=True)
        height, width = fused.shape[:2]
        yield DemoRow(name, f"{width}x{height}", seconds, scores, picture)


def side_by_side(*pictures: NDArray[Any]) -> NDArray[np.uint8]:
    """Pictures of one height next to each other on white.

    Args:
        pictures: ``H x W`` or ``H x W x 3``, uint8.

    Returns:
        ``H x (sum of widths and gaps) x 3``.
    """
    height = pictures[0].shape[0]
    gap = np.full((height, _GAP, 3), 255, np.uint8)
    row: list[NDArray[Any]] = []
    for picture in pictures:
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        row += [gap, colour]
    return np.concatenate(row[1:], axis=1)

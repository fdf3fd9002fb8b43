"""How far to trust a transformation: what parts of the picture that it was not estimated from say to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.transforms import MODELS, Matrix, distance
from distilfuse.workflows.alignment.refining import Cell, Fine, Refiner
from distilfuse.workflows.alignment.search import APART
from distilfuse.workflows.alignment.views import View, carried

_GAIN = 0.002
"""Share by which a larger model must raise the correlation in held-out cells to be believed."""
_REACH = 10
"""Pixels of the maps, some 256 along the longer side, that a patch is searched around its place."""
_NEAR = 2.5
"""Pixels of the maps within which a patch's best match counts as its place; by chance a twentieth does."""
_STRUCTURED = 0.3
"""Share of the picture's mean structure that a patch must have to be asked."""


@dataclass(frozen=True)
class HeldOut:
    """A model estimated from the white cells of a checkerboard and from the black ones."""

    white: Fine
    black: Fine
    correlation: float
    """Of each estimate in the cells of the other colour, the mean."""


def hold_out(refiner: Refiner, matrix: Matrix, model: str) -> HeldOut:
    """Estimate a model from either half of the cells and judge it in the other."""
    white_part, black_part = (refiner.part(cells) for cells in refiner.cells())
    white = refiner.refine(matrix, model, part=white_part, iterations=5)
    black = refiner.refine(matrix, model, part=black_part, iterations=5)
    seen = refiner.look(white.matrix, black_part), refiner.look(black.matrix, white_part)
    return HeldOut(white, black, (seen[0].correlation + seen[1].correlation) / 2)


def choose_model(held_out: dict[str, HeldOut]) -> str:
    """The stiffest model that explains held-out cells about as well as a more flexible one."""
    chosen = MODELS[0]
    for name in MODELS[1:]:
        if held_out[name].correlation > held_out[chosen].correlation * (1 + _GAIN):
            chosen = name
    return chosen


def agreement(refiner: Refiner, held_out: HeldOut) -> tuple[int, float]:
    """Patches of either colour, and the share that matches best where the estimate from the other colour puts it."""
    white, black = refiner.cells()
    misses = [*_misses(refiner, held_out.black.matrix, white), *_misses(refiner, held_out.white.matrix, black)]
    return len(misses), float(np.mean([miss <= _NEAR for miss in misses])) if misses else 0.0


def margin(chosen: Matrix, places: Sequence[Fine], refiner: Refiner) -> float:
    """How far the place chosen lies above the best one elsewhere, as a share of it: 1 where there is no other.

    Args:
        chosen: infrared to visible pixels.
        places: what the search found, this one among them.
        refiner: of the level that they were judged at.
    """
    apart = APART * max(refiner.size)
    own = max(refiner.look(chosen).score, 1e-6)
    others = [place.score for place in places if distance(place.matrix, chosen, refiner.infrared_size) > apart]
    return 1 - max(others, default=0.0) / own


def cycle(levels: Sequence[Sequence[View]], start: Matrix, forward: Fine) -> float:
    """How far the way there and, estimated anew with the roles exchanged, back misses the start.

    Args:
        levels: the pairs, coarse first.
        start: infrared to visible pixels of the first level, where the way back begins.
        forward: the way there, at the last level.

    Returns:
        The mean distance in visible pixels of the last level.
    """
    matrix, before = _inverse(start), levels[0][0].swapped().sizes
    for level in levels:
        swapped = [view.swapped() for view in level]
        matrix = carried(matrix, before, swapped[0].sizes)
        matrix = Refiner(swapped).refine(matrix, "similarity", iterations=8).matrix
        before = swapped[0].sizes
    return distance(_inverse(matrix), forward.matrix, levels[-1][0].infrared_size)


def _inverse(matrix: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _misses(refiner: Refiner, matrix: Matrix, cells: Sequence[Cell]) -> list[float]:
    """How far from its place each patch with structure matches best, in pixels."""
    misses = []
    for number in range(len(refiner.views)):
        visible, infrared, mask = refiner.maps(matrix, number)
        least = _STRUCTURED * np.mean(np.square(visible))
        for rows, columns in cells:
            found = _match(visible, infrared, mask, (rows, columns), least)
            if found is not None:
                misses.append(found)
    return misses


def _match(
    visible: NDArray[np.float32], infrared: NDArray[np.float32], mask: NDArray[np.bool_], cell: Cell, least: float
) -> float | None:
    height, width = mask.shape
    # The part of the cell around which there is room to search.
    top, bottom = max(cell[0].start, _REACH), min(cell[0].stop, height - _REACH)
    left, right = max(cell[1].start, _REACH), min(cell[1].stop, width - _REACH)
    if min(bottom - top, right - left) < _REACH or mask[top:bottom, left:right].mean() < 1:
        return None
    patch = infrared[:, top:bottom, left:right]
    around = visible[:, top - _REACH : bottom + _REACH, left - _REACH : right + _REACH]
    if min(np.mean(np.square(patch)), np.mean(np.square(around))) < least:
        return None
    cv2 = opencv()
    score = cv2.matchTemplate(
        *(np.ascontiguousarray(maps.transpose(1, 2, 0)) for maps in (around, patch)), cv2.TM_CCORR_NORMED
    )
    y, x = divmod(int(score.argmax()), score.shape[1])
    return float(np.hypot(y - _REACH, x - _REACH))

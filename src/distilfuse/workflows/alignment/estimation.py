"""From pairs of one rig to the transformation between its cameras, and the evidence that says how far to trust it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from distilfuse.errors import InputError
from distilfuse.imaging.transforms import MODELS, Matrix, distance, fit, grid, project
from distilfuse.workflows.alignment.confidence import MEND, Evidence, refuse_unsure
from distilfuse.workflows.alignment.judging import agreement, choose_model, cycle, hold_out, margin
from distilfuse.workflows.alignment.refining import Refiner
from distilfuse.workflows.alignment.search import SIDE, search
from distilfuse.workflows.alignment.views import Sizes, View, carried, reduced

MIDDLE, FINEST = 256, 512
"""Longer sides of the pyramid above the search's."""
SMALLEST = 32
"""Pixels of the shortest side that can be aligned."""
STEPS = 20
"""Of the progress that :func:`estimate` tells."""

_FOLLOWED = 3
"""Places of the search that are looked at more closely."""


@dataclass(frozen=True)
class Estimate:
    """A transformation and the evidence for it."""

    matrix: Matrix
    """Infrared to visible pixels, 3 x 3."""
    model: str
    evidence: Evidence
    held_out: Mapping[str, float]
    """Correlation in held-out cells of each model tried."""


def estimate(
    pairs: Sequence[View],
    *,
    sizes: Sizes | None = None,
    model: str = "auto",
    advance: Callable[[int], None] = lambda done: None,
) -> Estimate | None:
    """Find the transformation, coarse to fine; whether it is to be trusted is another question.

    Args:
        pairs: of one rig, all of the same two sizes: what they show is taken together. At most :data:`FINEST`
            pixels of the longer side are looked at.
        sizes: of the pictures that the matrix shall be for, by default those of ``pairs``.
        model: one of :data:`distilfuse.imaging.transforms.MODELS`, or ``auto``: the stiffest that explains cells which
            it was not estimated from about as well as a more flexible one.
        advance: told how many of :data:`STEPS` are done.

    Returns:
        None where the pictures hold nothing to go by.

    Raises:
        InputError: pictures too small.
        MissingDependencyError: OpenCV (extra ``align``) is not installed.
    """
    visible_size, infrared_size = sizes = sizes or pairs[0].sizes
    if min(*visible_size, *infrared_size) < SMALLEST:
        raise InputError(f"Pictures of less than {SMALLEST} pixels a side hold too little to be aligned.")
    coarse, middle = reduced(pairs, SIDE), reduced(pairs, MIDDLE)
    candidates = search(coarse, advance=lambda done, total: advance(round(10 * done / total)))
    if not candidates:
        return None

    coarse_refiner, refiner = Refiner(coarse), Refiner(middle)
    rivals = [coarse_refiner.refine(candidate.matrix, "similarity", iterations=6) for candidate in candidates]
    rivals.sort(key=lambda place: -place.score)
    advance(12)
    begin = max(
        (
            refiner.refine(carried(place.matrix, coarse[0].sizes, middle[0].sizes), "similarity")
            for place in rivals[:_FOLLOWED]
        ),
        key=lambda place: place.score,
    )
    if begin.correlation <= 0:
        return None
    advance(14)

    # Beyond twice the infrared's own pixels there is nothing to be seen in it.
    finest = Refiner(reduced(pairs, min(FINEST, 2 * max(infrared_size))), stride=2)
    final = finest.refine(carried(begin.matrix, middle[0].sizes, finest.views[0].sizes), "similarity", iterations=8)
    advance(15)
    held_out = {name: hold_out(finest, final.matrix, name) for name in (MODELS if model == "auto" else (model,))}
    chosen = choose_model(held_out) if model == "auto" else model
    advance(18)
    if chosen != "similarity":
        final = finest.refine(final.matrix, chosen, iterations=8)
    matrix = carried(final.matrix, finest.views[0].sizes, sizes)
    if chosen != "homography":  # reduced sizes are rounded, so that a similarity there is not quite one here
        matrix = fit(chosen, grid(infrared_size), project(matrix, grid(infrared_size)))
    advance(19)

    # The way back begins where the search, not where the refinement, has put the picture.
    here = carried(begin.matrix, middle[0].sizes, coarse[0].sizes)
    origin = min(candidates, key=lambda candidate: distance(candidate.matrix, here, coarse[0].infrared_size))
    white, black = held_out[chosen].white, held_out[chosen].black
    patches, agreeing = agreement(finest, held_out[chosen])
    evidence = Evidence(
        correlation=final.correlation,
        margin=margin(here, rivals, coarse_refiner),
        patches=patches,
        agreement=agreeing,
        halves=1000 * distance(white.matrix, black.matrix, finest.infrared_size) / max(finest.size),
        cycle=1000 * cycle((coarse, middle), origin.matrix, begin) / max(refiner.size),
    )
    advance(STEPS)
    return Estimate(matrix, chosen, evidence, {name: half.correlation for name, half in held_out.items()})


def trust(found: Estimate | None) -> Estimate:
    """Let pass what is to be trusted.

    Raises:
        InputError: there is nothing, or its confidence is too low; the message holds the reason and the mend.
    """
    if found is None:
        raise InputError(f"The pictures have no edges in common that they could be aligned by: {MEND}.")
    refuse_unsure(found.evidence)
    return found

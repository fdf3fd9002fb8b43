"""What is decided once for a run, by a look at some of its pictures: is white hot or black?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError
from distilfuse.imaging.polarity import combine, guess_polarity
from distilfuse.imaging.reading import read_picture
from distilfuse.workflows.remarks import hearing, remarks
from distilfuse.workflows.treatment import PolarityChoice, Treatment

LOOKED_AT = 9
"""Pairs, spread over the run, that a guess is from."""

_ENOUGH = 1 << 20
"""Pixels of a picture that are looked at."""

Pictures = tuple[NDArray[Any], NDArray[Any]]
"""Visible and infrared."""


def settle_polarity(treatment: Treatment, pairs: Iterable[Pictures], *, task: str) -> tuple[Treatment, str]:
    """As :func:`settled_polarity`, of a treatment.

    Args:
        treatment: how pairs will be fused.
        pairs: see there.
        task: likewise.

    Returns:
        The treatment with a polarity that is ``white`` or ``black``, and a sentence for the user or nothing.
    """
    polarity, remark = settled_polarity(treatment.polarity, pairs, task=task)
    return treatment.with_polarity(polarity), remark


def settled_polarity(
    polarity: PolarityChoice, pairs: Iterable[Pictures], *, task: str
) -> tuple[Literal["white", "black"], str]:
    """Decide an ``auto`` polarity, and look whether one that was named seems to be wrong.

    Args:
        polarity: ``auto``, or what is said to be hot.
        pairs: to look at: some for ``auto``, else the first.
        task: of the model. What is hot is a question of thermal cameras, ``ivif``, alone.

    Returns:
        What is taken to be hot, and a sentence for the user or nothing.
    """
    guesses = []
    if task == "ivif":
        for visible, infrared in pairs:
            guesses.append(guess_polarity(_thinned(infrared), _thinned(visible)))
            if polarity != "auto" or len(guesses) == LOOKED_AT:
                break
    if not guesses:
        return ("white" if polarity == "auto" else polarity), ""
    guess = combine(guesses)
    if polarity == "auto":
        doubt = "" if guess.sure else ", so white is taken; --polarity says otherwise"
        return ("black" if guess.sure and guess.label == "black" else "white"), f"Polarity: {guess}{doubt}."
    if guess.sure and guess.label != polarity:
        return polarity, (
            f"The infrared picture looks as if {guess.label} were hot ({guess.confidence:.1%}): if so, say --polarity "
            f"{guess.label}."
        )
    return polarity, ""


def _thinned(picture: NDArray[Any]) -> NDArray[Any]:
    """Of a large picture every so many rows and columns: a guess needs few, and would copy all as floats."""
    step = max(1, int((picture.shape[0] * picture.shape[1] / _ENOUGH) ** 0.5))
    return picture[::step, ::step]


def spread(pairs: Sequence[tuple[Path, Path]]) -> Iterator[Pictures]:
    """Some pairs of files of a run, spread over it; those that cannot be read are left out."""
    with hearing(), remarks():  # they are said when the pair is fused
        for visible, infrared in pairs[:: max(1, len(pairs) // LOOKED_AT)]:
            try:
                yield read_picture(visible).colour, read_picture(infrared).colour
            except DistilfuseError:  # that is said, too
                continue

"""Methods to compare: folders of pictures that someone fused, and functions that fuse on the fly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.baselines import BASELINES
from distilfuse.imaging.pairs import INFRARED_WORDS, VISIBLE_WORDS, Pair, list_pictures, match

Bytes = NDArray[np.uint8]

FUSED_WORDS = ("fused", "fusion", "fuse", "result", "f", *VISIBLE_WORDS, *INFRARED_WORDS)
"""What may stand before or behind the name of a fused picture; many codes keep the name of a source."""


@dataclass(frozen=True)
class FusedFolder:
    """A folder of fused pictures."""

    name: str
    folder: Path
    pictures: Mapping[str, Path]
    """Pair to its fused picture."""
    ambiguous: Mapping[str, tuple[Path, ...]]
    """Pair to the several files that claim its name."""
    strays: tuple[Path, ...]
    """Pictures that belong to no pair."""


@dataclass(frozen=True)
class OnTheFly:
    """A function that fuses: a model or a baseline."""

    name: str
    fuse: Callable[[Bytes, Bytes], Bytes]
    """From a visible picture (``H x W`` or ``H x W x 3`` uint8) and a grey infrared one to ``H x W [x 3]`` uint8; safe
    to call from several threads at once."""


@dataclass(frozen=True)
class Told:
    """A function that fuses and is told of each pair: a teacher."""

    name: str
    fuse: Callable[[Bytes, Bytes, str, tuple[tuple[str, float], ...]], Bytes]
    """As :attr:`OnTheFly.fuse`; besides the pictures it gets ``SET/STEM`` and the degradations applied to them, kind
    and severity each."""


Method = FusedFolder | OnTheFly | Told


@dataclass(frozen=True)
class TrainedRow:
    """A network that was trained here for a row of a published table."""

    method: Callable[[Sequence[str]], Method]
    """As a method for pairs with these names (``SET/STEM``)."""
    note: str
    """How it was trained, one sentence."""


def fused_folder(name: str, folder: Path, pairs: Sequence[Pair]) -> FusedFolder:
    """Find the fused picture of each pair, by the rules of :mod:`distilfuse.imaging.pairs`.

    A picture belongs to a pair if its stem is that of the visible picture, or if the two are equal without
    the words that set them apart: ``01_fused.png`` belongs to ``01_vis.png``.

    Args:
        name: the method's, for tables.
        folder: the fused pictures.
        pairs: what they were fused from.

    Raises:
        InputError: no such folder, no pictures in it, or none belongs to a pair.
    """
    matching = match([pair.visible for pair in pairs], list_pictures(folder), words=(VISIBLE_WORDS, FUSED_WORDS))
    sources = {pair.visible for pair in pairs}
    ambiguous = {
        path.stem: tuple(other for other in group if other not in sources)
        for group in matching.ambiguous
        for path in group
        if path in sources
    }
    pictures = {found.name: found.infrared for found in matching.pairs}  # the right-hand side of the match
    if not pictures and not ambiguous:
        example = matching.unmatched_infrared[0].name
        raise InputError(
            f"No picture in {folder} has the name of a pair (there are files such as {example}, but pairs such as "
            f"{pairs[0].name}): name fused pictures like the visible ones."
        )
    return FusedFolder(name, folder, pictures, ambiguous, matching.unmatched_infrared)


def baseline(name: str) -> OnTheFly:
    """One of :data:`distilfuse.evaluation.baselines.BASELINES`.

    Raises:
        ConfigError: there is no such baseline.
    """
    if name not in BASELINES:
        raise ConfigError(f"There is no baseline {name!r}: choose from {', '.join(BASELINES)}.")
    return OnTheFly(name, BASELINES[name])

"""What a degradation is: a function on a pair, and its card in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
"""``H x W`` or ``H x W x 3`` in 0..1."""
Pair = tuple[Image, Image]
"""Visible (or CT, PET, SPECT) and infrared (or MRI)."""
Apply = Callable[[Image, Image, float, np.random.Generator], Pair]
"""(visible, infrared, severity, rng) to the degraded pair, neither clipped nor rounded yet."""

_LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)


def at(severity: float, table: tuple[float, ...]) -> float:
    """The strength at a severity, linear between the five of a table."""
    return float(np.interp(severity, _LEVELS, table))


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """One kind's card. Calling it degrades a pair; :func:`degrade` also checks, clips and rounds."""

    title: str
    """A few words: "little light"."""
    modality: str
    """``A`` (visible), ``B`` (infrared) or ``both``: which of the two pictures changes."""
    events: tuple[tuple[str, str], ...]
    """The same in the words of the pairs' annotations: (event, modality), such as ``("low_light", "A")``."""
    description: str
    """What happens to the picture and how it is imitated, one or two sentences."""
    severities: str
    """What the severities 1, 2, 3, 4, 5 stand for, with the unit."""
    random: bool
    """Whether the result depends on the random generator."""
    apply: Apply

    def __call__(self, visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
        """The degraded pair, neither clipped nor rounded; arguments as for :data:`Apply`."""
        return self.apply(visible, infrared, severity, rng)

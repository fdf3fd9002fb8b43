"""What goes wrong in practice, made on purpose: degraded copies of a clean pair.

Severities run from 1 (barely) to 5 (extreme), any number between is allowed; 3 is the level of the robustness
tables. A degradation is deterministic given its random generator; :func:`generator` makes one from a seed and
a picture's name, so that the same picture is always degraded the same way.
"""

from __future__ import annotations

from distilfuse.evaluation.degradations.catalogue import (
    DEGRADATIONS,
    TABLE_KINDS,
    degrade,
    generator,
    kind_label,
    parse_kind,
    parse_kinds,
    quantise,
)
from distilfuse.evaluation.degradations.degradation import Degradation, Image, Pair

__all__ = [
    "DEGRADATIONS",
    "TABLE_KINDS",
    "Degradation",
    "Image",
    "Pair",
    "degrade",
    "generator",
    "kind_label",
    "parse_kind",
    "parse_kinds",
    "quantise",
]

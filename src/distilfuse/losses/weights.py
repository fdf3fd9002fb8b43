"""Loss weights as data: one row an event, as released with the paper's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from distilfuse.errors import ConfigError

WeightRow = Mapping[str, float]


def _row(intensity: float, consistency: float, gradient: float, structure: float, colour: float = 0.0) -> WeightRow:
    weights = {
        "intensity": intensity,
        "consistency": consistency,
        "gradient": gradient,
        "structure": structure,
        "colour": colour,
    }
    return MappingProxyType({name: weight for name, weight in weights.items() if weight})


NO_TEXT: Final[WeightRow] = MappingProxyType({"intensity": 24.0, "structure": 40.0, "gradient": 48.0, "colour": 12.0})
"""The paper's weights of a teacher without text (section 4.1)."""

IVIF: Final[Mapping[str, WeightRow]] = MappingProxyType(
    {
        "low_light": _row(48, 20, 48, 2, 12),
        "over_exposure": _row(32, 60, 48, 2, 12),
        "ir_low_contrast": _row(40, 40, 48, 2, 12),
        "ir_noise": _row(32, 60, 48, 2, 12),
        "motion_blur": _row(32, 40, 72, 2, 12),
        "sensor_artifact": _row(24, 80, 96, 2, 12),
        "high_noise": _row(32, 80, 72, 2, 12),
        "default": _row(24, 40, 48, 2, 12),
    }
)
"""Infrared-visible fusion."""

MEDICAL: Final[Mapping[str, WeightRow]] = MappingProxyType(
    {
        "contrast_enhancement": _row(40, 60, 96, 4),
        "edge_preservation": _row(48, 80, 72, 2),
        "noise_suppression": _row(32, 100, 72, 4),
        "detail_enhancement": _row(40, 80, 96, 2),
        "structure_consistency": _row(48, 100, 72, 8),
        "artifact_reduction": _row(32, 120, 96, 6),
        "default": _row(40, 80, 72, 4),
    }
)
"""Medical fusion (CT, PET or SPECT with MRI); it has no colour term."""

TABLES: Final[Mapping[str, Mapping[str, WeightRow]]] = MappingProxyType({"ivif": IVIF, "medical": MEDICAL})


def event_weights(table: str, event: str) -> WeightRow:
    """The row of ``event`` in ``table`` ("ivif" or "medical"); an event without a row uses ``default``.

    Raises:
        ConfigError: an unknown table.
    """
    if table not in TABLES:
        raise ConfigError(f"There is no weight table {table!r}: choose from {', '.join(TABLES)}.")
    rows = TABLES[table]
    return rows.get(event, rows["default"])


KIN: Final[Mapping[str, str]] = MappingProxyType(
    {"signed_gradient": "gradient", "edge_preservation": "gradient", "fidelity": "structure"}
)
"""Terms that the tables do not name to the one whose purpose they share."""


def event_factor(table: str, events: Sequence[tuple[str, float]], term: str) -> float:
    """How much more than by default a loss term counts for a pair with these events.

    A row departs from the row ``default`` as far as the event is severe; the mean over the events is taken. For the
    terms of the tables, factor times default weight is therefore the row itself for one event of severity 1.

    Args:
        table: "ivif" or "medical".
        events: type and severity (0..1) of each; none gives 1.
        term: a name of :data:`distilfuse.losses.TERMS`.

    Raises:
        ConfigError: an unknown table.
    """
    column = KIN.get(term, term)
    usual = event_weights(table, "default").get(column, 0.0)
    if not usual or not events:
        return 1.0
    departures = [severity * (event_weights(table, name).get(column, 0.0) / usual - 1) for name, severity in events]
    return 1 + sum(departures) / len(departures)

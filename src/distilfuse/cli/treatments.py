"""From options to a treatment, for the commands that take these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distilfuse.workflows.treatment import Treatment


def make_treatment(*, thermal_range: str, rig: Path | None, save: Sequence[str] = (), **others: Any) -> Treatment:
    """What the options of :mod:`distilfuse.cli.options` say.

    Args:
        thermal_range: see :meth:`distilfuse.imaging.thermal_range.ThermalRange.parse`.
        rig: a file of ``distilfuse align``.
        save: what to save beside results.
        others: fields of :class:`distilfuse.workflows.treatment.Treatment`, as they were typed; it checks them.

    Raises:
        ConfigError, InputError: something that cannot be, or a rig that cannot be read.
    """
    from distilfuse.imaging.thermal_range import ThermalRange
    from distilfuse.workflows.alignment.rig import Rig
    from distilfuse.workflows.treatment import Treatment

    return Treatment(
        thermal_range=ThermalRange.parse(thermal_range),
        rig=Rig.read(rig) if rig else None,
        save=tuple(save),  # type: ignore[arg-type]  # it is checked
        **others,
    )

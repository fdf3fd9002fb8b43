"""What is known of a metric besides its code: the entry that tables, warnings and ``metrics explain`` read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric's card. It lies in the metric's own file, beside the function."""

    name: str
    """As in tables: ``EN``, ``VIF``, ``Qabf``."""
    title: str
    """In words: "visual information fidelity"."""
    inputs: str
    """``fused``: computed on the fused picture alone; ``each``: on one source and the fused picture, then summed or
    averaged over both sources as the protocol says; ``both``: on the two sources and the fused picture at once."""
    higher_is_better: bool
    unit: str
    """``bit``, ``grey level``, ``dB``, or empty for a plain number."""
    range: str
    """Smallest and largest possible value and what they mean."""
    measures: str
    """What it measures, one or two plain sentences with the formula."""
    gamed_by: str
    """What raises the number without making a better picture."""
    in_the_wild: str
    """How published codes differ, with the size of the difference on real pictures."""
    source: str
    """The paper or the code that defines it."""

    @property
    def arrow(self) -> str:
        """``↑`` or ``↓``."""
        return "↑" if self.higher_is_better else "↓"

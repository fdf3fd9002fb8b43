"""How far two annotators agree: an event type at a time, over the pairs that both have described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from distilfuse.text.events import PairCaption

ALL = "all types"
"""Name of the row that adds up the others."""


@dataclass(frozen=True, kw_only=True)
class EventAgreement:
    """Agreement on one type of event; severities, modalities and words are not compared."""

    type: str
    support: int
    """Pairs that the reference gives this type."""
    found: int
    """Pairs that the other one gives it."""
    both: int
    """Pairs that both give it."""

    @property
    def precision(self) -> float | None:
        """Of what was found, the part that the reference has too (0..1); None where nothing was found."""
        return self.both / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """Of what the reference has, the part that was found (0..1); None where it has nothing."""
        return self.both / self.support if self.support else None


def agreement(
    captions: Mapping[str, PairCaption], reference: Mapping[str, PairCaption]
) -> tuple[int, tuple[EventAgreement, ...]]:
    """Compare captions with reference captions, type by type; ``default`` is no event.

    Args:
        captions: pair to caption.
        reference: likewise; pairs that only one of the two has are left out.

    Returns:
        The number of pairs compared, and a row for each type that one of the two uses, the most frequent of the
        reference first, with the sum over all types (:data:`ALL`) at the end.
    """
    pairs = captions.keys() & reference.keys()
    support: Counter[str] = Counter()
    found: Counter[str] = Counter()
    both: Counter[str] = Counter()
    for pair in pairs:
        ours, theirs = _types(captions[pair]), _types(reference[pair])
        found.update(ours)
        support.update(theirs)
        both.update(ours & theirs)
    types = sorted(found | support, key=lambda kind: (-support[kind], kind))
    rows = [EventAgreement(type=kind, support=support[kind], found=found[kind], both=both[kind]) for kind in types]
    total = EventAgreement(type=ALL, support=support.total(), found=found.total(), both=both.total())
    return len(pairs), (*rows, total)


def agreement_table(rows: tuple[EventAgreement, ...]) -> str:
    """The rows as a text table, ``-`` where there is nothing to divide by."""
    width = max(len("event"), *(len(row.type) for row in rows))
    lines = [f"{'event':<{width}}  precision  recall  support  found"]
    lines += [
        f"{row.type:<{width}}  {_share(row.precision):>9}  {_share(row.recall):>6}  {row.support:>7}  {row.found:>5}"
        for row in rows
    ]
    return "\n".join(lines)


def _types(caption: PairCaption) -> set[str]:
    return {event.type for event in caption.events} - {"default"}


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

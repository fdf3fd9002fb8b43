"""Means of what was scored here beside the published ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from distilfuse.datasets.catalogue import find_dataset
from distilfuse.datasets.splits import split_stems
from distilfuse.errors import ConfigError
from distilfuse.evaluation.methods import FusedFolder
from distilfuse.evaluation.published import PublishedRow, PublishedSet, PublishedTable
from distilfuse.evaluation.reproduce.plan import BASELINES, PROTOCOL, SetPlan, TablePlan, is_set, stands_for
from distilfuse.evaluation.scores import Row, ScoreTable
from distilfuse.metrics import find_protocol
from distilfuse.zoo import ModelRecord


@dataclass(frozen=True)
class Cell:
    """One method in one metric on one set."""

    ours: float
    """Mean over the pairs that have a value; NaN where none has."""
    pairs: int
    """How many these are."""
    published: float
    difference: float | None
    """Ours minus published; None where that would mean nothing."""


@dataclass(frozen=True)
class Line:
    """A method that was run, or whose results were given."""

    method: str
    origin: str
    """``model``, ``training``, ``baseline``, ``pictures`` or ``scores``."""
    compared_with: str
    """The published row that the differences are to."""
    stands_for_it: bool
    """Whether it is the method of that row; else the row is the paper's own result."""
    pairs: int
    cells: Mapping[str, Cell]
    notes: tuple[str, ...]
    """What to know of these numbers, one sentence each."""
    sha256: str | None
    """Of a model's weights."""


@dataclass(frozen=True)
class Absent:
    """A published row that nothing here stands for, and what would."""

    method: str
    recipe: str | None
    """Of a model of ours that would stand for it; None for the methods of others."""
    reason: str
    """Without a full stop."""


@dataclass(frozen=True)
class SetReport:
    """One set of the table."""

    published: PublishedSet
    found: int
    """Pairs of the paper's part of the set that are here."""
    scored: int
    reason: str | None
    lines: tuple[Line, ...]
    absent: tuple[Absent, ...]


@dataclass(frozen=True)
class Reproduction:
    """A table with ours beside the paper's."""

    table: PublishedTable
    protocol: str
    """Its label: ``paper@1``."""
    sets: tuple[SetReport, ...]
    notes: tuple[str, ...]
    scores: ScoreTable
    """What was scored here, pair by pair."""

    @property
    def has_scores(self) -> bool:
        """Whether any row has a number of ours."""
        lines = (line for report in self.sets for line in report.lines)
        return any(cell.pairs for line in lines for cell in line.cells.values())


def compare(plan: TablePlan, scored: Sequence[ScoreTable]) -> Reproduction:
    """Put the means beside the published ones.

    Args:
        plan: what was done.
        scored: what came of it, a table for each set with a plan.
    """
    rows = tuple(row for table in scored for row in table.rows)
    label = find_protocol(PROTOCOL).label
    return Reproduction(
        plan.table,
        label,
        tuple(_report(plan, entry, rows) for entry in plan.sets),
        plan.notes,
        ScoreTable(label, plan.table.metrics, rows),
    )


def _report(plan: TablePlan, entry: SetPlan, rows: Iterable[Row]) -> SetReport:
    lines: list[Line] = []
    for method, own in _by_method(row for row in rows if row.dataset == entry.published.name).items():
        lines += _run_lines(plan, entry, method, own)
    earlier = (row for scores in plan.given.scores for row in scores.rows if is_set(row.dataset, entry.published))
    for method, own in _by_method(earlier).items():
        lines.append(_line(plan.table, entry.published, method, own, origin="scores"))
    there = {line.compared_with for line in lines if line.stands_for_it}
    absent = tuple(_absent(plan.table, row, entry.published.name) for row in plan.table.rows if row.method not in there)
    scored = len(entry.plan.pairs) if entry.plan else 0
    return SetReport(entry.published, entry.found, scored, entry.reason, tuple(lines), absent)


def _by_method(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.method, []).append(row)
    return found


def _run_lines(plan: TablePlan, entry: SetPlan, method: str, rows: list[Row]) -> list[Line]:
    """A line for a method that was run; for a model that has seen some of the pairs, a second of the others."""
    record = plan.records.get(method)
    if record is None:
        folders = {m.name for m in entry.plan.methods if isinstance(m, FusedFolder)} if entry.plan else set()
        origin = "baseline" if method in BASELINES and method not in folders else "pictures"
        if method in plan.given.trained:
            note = plan.given.trained[method].note
            return [_line(plan.table, entry.published, method, rows, origin="training", note=note)]
        return [_line(plan.table, entry.published, method, rows, origin=origin)]
    seen = _trained_on(record, entry.published.name)
    known = [row for row in rows if row.name in seen]
    if not known:
        return [_line(plan.table, entry.published, method, rows, origin="model", record=record)]
    unseen = [row for row in rows if row.name not in seen]
    note = f"{len(known)} of these {len(rows)} pairs are training data of {method}, so that its numbers are too good"
    lines = [_line(plan.table, entry.published, method, rows, origin="model", record=record, note=f"{note}.")]
    if unseen:
        name = f"{method}, unseen pairs"
        note = f"On the pairs that {method} was not trained on ({len(unseen)}); the paper's number is of all pairs."
        lines.append(_line(plan.table, entry.published, name, unseen, origin="model", record=record, note=note))
    return lines


def _line(
    table: PublishedTable,
    entry: PublishedSet,
    method: str,
    rows: list[Row],
    *,
    origin: str,
    record: ModelRecord | None = None,
    note: str | None = None,
) -> Line:
    own = table.row(method) or (stands_for(record, table) if record else None)
    published = own or table.row(table.counterpart)
    assert published is not None  # the data's tests hold that every counterpart is a row
    cells = {metric: _cell(table, entry, metric, published, rows) for metric in table.metrics}
    problems = [row.problem for row in rows if row.problem]
    notes = [note] if note else []
    if problems:
        notes.append(f"{len(problems)} of {len(rows)} pairs lack a value; the first: {problems[0]}")
    sha256 = record.sha256 if record else None
    return Line(method, origin, published.method, own is not None, len(rows), cells, tuple(notes), sha256)


def _cell(table: PublishedTable, entry: PublishedSet, metric: str, row: PublishedRow, rows: list[Row]) -> Cell:
    values = [value for value in (own.values.get(metric, math.nan) for own in rows) if math.isfinite(value)]
    ours = math.fsum(values) / len(values) if values else math.nan
    published = row.values[entry.name, metric]
    comparable = bool(values) and metric not in table.incomparable
    return Cell(ours, len(values), published, ours - published if comparable else None)


def _trained_on(record: ModelRecord, dataset: str) -> set[str]:
    """Names of a set's pairs that a model was trained or chosen on."""
    seen: set[str] = set()
    for source in record.training_data:
        name, _, split = source.partition("/")
        try:
            if find_dataset(name).name == dataset:
                for part in ("train", "validation") if split == "train" else (split,):
                    seen.update(split_stems(name, part))
        except ConfigError:  # a set of the trainer's own
            continue
    return seen


def _absent(table: PublishedTable, row: PublishedRow, dataset: str) -> Absent:
    if row.recipe is None:
        reason = f"bring its fused pictures (--fused '{row.method}:{dataset}=DIR') or its scores (--scores FILE)"
    elif table.training:
        reason = f"needs training: --minutes N does it ({row.about})"
    else:
        reason = (
            f"no such model released, needs training: distilfuse train {row.recipe} --data DIR makes it ({row.about}), "
            "distilfuse export its record, --model its row"
        )
    return Absent(row.method, row.recipe, reason)

"""What of a table can be run here, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distilfuse.datasets.catalogue import find_dataset
from distilfuse.datasets.layouts import find_layout
from distilfuse.datasets.pairs import find_pairs
from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.methods import Method, OnTheFly, TrainedRow, baseline, fused_folder
from distilfuse.evaluation.published import PublishedRow, PublishedSet, PublishedTable
from distilfuse.evaluation.scores import ScoreTable
from distilfuse.evaluation.scoring import Plan
from distilfuse.fuser import Fuser
from distilfuse.imaging.pairs import Pair
from distilfuse.metrics import find_protocol
from distilfuse.zoo import ModelRecord, find_record, list_models

PROTOCOL = "paper"
BASELINES = ("max", "mean")
"""Run beside the models wherever a table compares methods."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the user brings besides data."""

    models: tuple[str, ...] = ()
    """Names or records; empty for the released ones that belong into the table."""
    fused: Mapping[tuple[str, str], Path] = field(default_factory=dict)
    """(method, set) to a folder of fused pictures."""
    trained: Mapping[str, TrainedRow] = field(default_factory=dict)
    """Row to the network that was trained for it."""
    scores: tuple[ScoreTable, ...] = ()
    """Rows of the table's sets are taken, others left."""
    limit: int | None = None
    """At most so many pairs of each set, spread evenly over it."""


@dataclass(frozen=True)
class SetPlan:
    """What is done about one set of a table."""

    published: PublishedSet
    plan: Plan | None
    """None where there is nothing to score."""
    found: int
    """Pairs of the paper's part of the set that are here."""
    reason: str | None
    """Why other pairs than the paper's are scored, or none; without a full stop."""


@dataclass(frozen=True)
class TablePlan:
    """What is done about a table."""

    table: PublishedTable
    sets: tuple[SetPlan, ...]
    records: Mapping[str, ModelRecord]
    """Model to its record."""
    given: Given
    notes: tuple[str, ...]


def plan_table(table: PublishedTable, data: Path | None, given: Given, *, threads: int) -> TablePlan:
    """Find out what can be run, and load the models.

    Args:
        table: what to reproduce.
        data: folder that holds the data sets, each in any known layout, or None.
        given: what the user brings.
        threads: CPU threads a model and pair.

    Raises:
        ConfigError: scores of another protocol, a set that the table does not have, or a method twice.
        InputError: fused pictures without their sources, or a folder without pictures of the set.
        ModelError: there is no such model.
    """
    _check_given(table, given)
    fusers = {fuser.record.name: fuser for fuser in _load(table, given.models, threads)}
    sets = []
    for entry in table.sets:
        pairs, reason = _find(entry, data)
        kept = _spread(pairs, given.limit)
        if len(kept) < len(pairs):
            reason = f"limited to {len(kept)} of {len(pairs)} pairs" + (f"; {reason}" if reason else "")
        methods: list[Method] = []
        if kept:
            methods += [OnTheFly(name, fuser) for name, fuser in fusers.items()]
            names = [f"{entry.name}/{pair.name}" for pair in kept]
            methods += [row.method(names) for row in given.trained.values()]
            methods += [] if table.training else [baseline(name) for name in BASELINES]
        for (method, dataset), folder in given.fused.items():
            if dataset == entry.name:
                if not kept:
                    raise InputError(f"The pictures of {method} cannot be scored without those of {dataset}: {reason}.")
                methods.append(fused_folder(method, folder, pairs))
        _refuse_twice([method.name for method in methods], given.scores, entry)
        plan = None
        if methods:
            plan = Plan(
                dataset=entry.name, pairs=kept, methods=tuple(methods), protocol=PROTOCOL, metrics=table.metrics
            )
        sets.append(SetPlan(entry, plan, len(pairs), reason))
    records = {name: fuser.record for name, fuser in fusers.items()}
    return TablePlan(table, tuple(sets), records, given, tuple(_notes(table, records.values(), given)))


def stands_for(record: ModelRecord, table: PublishedTable) -> PublishedRow | None:
    """The row whose recipe a model was trained with."""
    return next((row for row in table.rows if (row.recipe, row.model) == (record.recipe, record.name)), None)


def is_set(dataset: str, entry: PublishedSet) -> bool:
    """Whether a set's name in a score table means a set of the paper: ``msrs``, ``MSRS-test``, ``ct-mri``."""
    name = dataset.casefold().removesuffix(f"-{entry.split}")
    try:
        return find_dataset(name).name == entry.name
    except ConfigError:
        return False


def _check_given(table: PublishedTable, given: Given) -> None:
    known = [entry.name for entry in table.sets]
    if strange := [dataset for _, dataset in given.fused if dataset not in known]:
        raise ConfigError(f"{table.name} has no set {strange[0]!r}: choose from {', '.join(known)}.")
    label = find_protocol(PROTOCOL).label
    for scores in given.scores:
        if scores.protocol != label:
            raise ConfigError(
                f"Scores of protocol {scores.protocol} cannot stand beside the paper's: score the pictures in {label}."
            )


def _load(table: PublishedTable, names: Iterable[str], threads: int) -> list[Fuser]:
    """The models asked for; else the released ones for the table's task, and those trained by one of its recipes."""
    chosen = list(dict.fromkeys(names))
    if not chosen:
        chosen = [
            name
            for name in list_models()
            if (find_record(name).task == table.task and not table.training) or stands_for(find_record(name), table)
        ]
    # Named, so that a table does not depend on which backend is fastest here.
    fusers = [Fuser.from_pretrained(name, backend="onnxruntime", threads=threads) for name in chosen]
    found = [fuser.record.name for fuser in fusers]
    if twice := [name for name in found if found.count(name) > 1]:
        raise ConfigError(f"Two models are called {twice[0]!r}: give one of the records another name.")
    return fusers


def _find(entry: PublishedSet, data: Path | None) -> tuple[tuple[Pair, ...], str | None]:
    """The pairs of the paper's part of a set, and what is wrong with them."""
    if data is None:
        return (), "no data given (--data DIR)"
    try:
        record = find_dataset(entry.name)
        found = find_layout(record, data)
        parted = found.splits != ("",)
        if parted and entry.split and entry.split not in found.splits:
            return (), f"{found.folder} holds {' and '.join(found.splits)} only, not the part {entry.split}"
        # A copy without split folders is taken to be the paper's part, unless a list tells its pairs from the others.
        pairs = find_pairs(entry.name, data, entry.split if parted or record.complete else None)
    except InputError as error:
        return (), str(error).rstrip(".")
    if entry.pairs is None or len(pairs) == entry.pairs:
        return pairs, None
    if len(pairs) < entry.pairs:
        return pairs, f"not the full set: {len(pairs)} of {entry.pairs} pairs"
    return pairs, f"not the paper's set: {len(pairs)} pairs, where the paper has {entry.pairs}"


def _spread(pairs: Sequence[Pair], limit: int | None) -> tuple[Pair, ...]:
    if limit is None or limit >= len(pairs):
        return tuple(pairs)
    return tuple(pairs[k * len(pairs) // limit] for k in range(limit))


def _refuse_twice(names: list[str], scores: Iterable[ScoreTable], entry: PublishedSet) -> None:
    given = [
        method for table in scores for method in dict.fromkeys(r.method for r in table.rows if is_set(r.dataset, entry))
    ]
    everything = [*names, *given]
    if twice := [name for name in everything if everything.count(name) > 1]:
        raise ConfigError(f"Two methods are called {twice[0]!r} on {entry.name}: give one of them another name.")


def _notes(table: PublishedTable, records: Iterable[ModelRecord], given: Given) -> Iterable[str]:
    for record in records:
        if record.task != table.task:
            yield f"{record.name} is a model for {record.task}, not for {table.task}: run because it was asked for."
    strange = [
        dataset
        for scores in given.scores
        for dataset in scores.datasets
        if not any(is_set(dataset, entry) for entry in table.sets)
    ]
    if strange:
        yield f"Scores on {', '.join(dict.fromkeys(strange))} are left out: {table.name} has no such set."

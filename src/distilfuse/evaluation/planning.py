"""From folders and names to a plan: what can be found wrong before any picture is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distilfuse.datasets.splits import split_stems
from distilfuse.errors import ConfigError, InputError, MissingDependencyError
from distilfuse.evaluation.methods import FusedFolder, Method
from distilfuse.evaluation.scores import Row, ScoreTable, merge
from distilfuse.evaluation.scoring import CLEAN, Condition, Plan
from distilfuse.evaluation.sources import Remark, grouped
from distilfuse.imaging.pairs import INFRARED_WORDS, VISIBLE_WORDS, Matching, Pair, match_folders
from distilfuse.metrics import find_metric, find_protocol
from distilfuse.metrics.no_reference import check_installed

_SPLITS = ("train", "val", "validation", "test")
_LISTED = 20
"""Files named in one note before the rest is only counted."""


def find_pairs(visible: Path, infrared: Path) -> Matching:
    """The pairs of two folders, at least one.

    Raises:
        InputError: see :func:`distilfuse.imaging.pairs.match_folders`; or every name is claimed twice.
    """
    matching = match_folders(visible, infrared)
    if not matching.pairs:
        names = ", ".join(path.name for path in matching.ambiguous[0])
        raise InputError(
            f"Every name in {visible} and {infrared} is claimed by several files (such as {names}): keep one each."
        )
    return matching


def choose_split(matching: Matching, dataset: str, split: str) -> tuple[Matching, tuple[str, ...]]:
    """Keep what a published split lists, in the list's order.

    Args:
        matching: of a folder that may hold other pictures of the set.
        dataset: a name that :func:`distilfuse.datasets.splits.split_stems` knows.
        split: ``train``, ``validation`` or ``test``.

    Returns:
        The listed part, and the listed names that are no pair here.

    Raises:
        ConfigError: there is no such list.
        InputError: none of the listed pairs is here.
    """
    stems = split_stems(dataset, split)
    by_name = {pair.name: pair for pair in matching.pairs}
    pairs = tuple(by_name[stem] for stem in stems if stem in by_name)
    if not pairs:
        raise InputError(
            f"None of the {len(stems)} pairs of {dataset} {split} is here, such as {stems[0]}: check the folders."
        )
    listed = set(stems)
    kept = Matching(
        pairs,
        tuple(path for path in matching.unmatched_visible if path.stem in listed),
        tuple(path for path in matching.unmatched_infrared if path.stem in listed),
        tuple(group for group in matching.ambiguous if any(path.stem in listed for path in group)),
    )
    return kept, tuple(stem for stem in stems if stem not in by_name)


def default_set_name(visible: Path) -> str:
    """What to call the set: the folder's name, or its parent's where that only says "visible".

    The name of a split goes with the one above it: ``MSRS/test/vi`` is ``MSRS-test``.
    """
    words = {*VISIBLE_WORDS, *INFRARED_WORDS}
    parts = [part for part in visible.resolve().parts[1:] if part.casefold() not in words]
    if not parts:
        return "pictures"
    return "-".join(parts[-2:]) if parts[-1].casefold() in _SPLITS else parts[-1]


def make_plan(
    pairs: Sequence[Pair],
    methods: Sequence[Method],
    *,
    dataset: str,
    protocol: str,
    metrics: Sequence[str] | None = None,
    degradations: Iterable[tuple[str, float]] = (),
    seed: int = 0,
    earlier: Sequence[ScoreTable] = (),
) -> Plan:
    """Put a plan together and refuse what would only fail after the work is done.

    Args:
        pairs: what to score on.
        methods: what to score.
        dataset: the set's name in tables.
        protocol: one of :data:`distilfuse.metrics.PROTOCOLS`.
        metrics: which columns, see :func:`distilfuse.metrics.find_metric`; by default those of the protocol.
        degradations: (kind, severity) to score beside the clean pictures.
        seed: of the degradations.
        earlier: score tables that the new one shall be merged with.

    Raises:
        ConfigError: an unknown protocol or metric, a metric whose extra is not installed, two methods of one name, or
            earlier scores that do not fit.
    """
    found = find_protocol(protocol)
    columns = tuple(found.metrics if metrics is None else (find_metric(metric).name for metric in metrics))
    if not columns or len(set(columns)) < len(columns):
        raise ConfigError(f"The metrics must be named once each, not {', '.join(columns) or 'none'}.")
    for metric in columns:
        try:
            check_installed(metric)  # here, and not pair by pair after half of the work
        except MissingDependencyError as error:
            raise ConfigError(str(error)) from error  # columns that cannot be had: nothing is begun
    names = [method.name for method in methods]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"Two methods are called {twice[0]!r}: give one of them another name.")
    if not methods and not earlier:
        raise ConfigError(
            "There is nothing to score: name a --fused folder, a --model, a --baseline or earlier --scores."
        )
    conditions = (CLEAN, *(Condition(kind, severity) for kind, severity in degradations))
    plan = Plan(
        dataset=dataset,
        pairs=tuple(pairs),
        methods=tuple(methods),
        protocol=protocol,
        metrics=columns,
        conditions=conditions,
        seed=seed,
    )
    merge([ScoreTable(found.label, columns, ()), *earlier])
    sets = {plan.set_name(condition) for condition in conditions}
    for table in earlier:
        if taken := [row.method for row in table.rows if row.dataset in sets and row.method in names]:
            raise ConfigError(
                f"The earlier scores hold {taken[0]!r} on this set already: leave the method out, or call it otherwise."
            )
    return plan


@dataclass(frozen=True)
class Findings:
    """What a reader of the scores must know besides them."""

    problems: tuple[str, ...]
    """What could not be scored and is no row of the table: pictures without a counterpart and the like."""
    unscored: tuple[str, ...]
    """What rows of the table have no value for; tables and report name these rows themselves."""
    notes: tuple[str, ...]
    """What was scored, but not as it lay there."""


def findings(
    plan: Plan,
    matching: Matching,
    table: ScoreTable,
    remarks: Iterable[Remark],
    *,
    warnings: Iterable[str] = (),
    absent: Sequence[str] = (),
) -> Findings:
    """Everything that was noticed, each with its files.

    Args:
        plan: what was scored.
        matching: what the pairs are from.
        table: the new scores.
        remarks: from :func:`distilfuse.evaluation.scoring.collect`.
        warnings: sentences from :func:`distilfuse.evaluation.sources.noticed`.
        absent: names from :func:`choose_split`.
    """
    problems = [f"Listed in the split, but no pair here: {_listed(absent)}."] if absent else []
    problems += [
        f"{path} has no {kind} counterpart."
        for kind, strays in (("infrared", matching.unmatched_visible), ("visible", matching.unmatched_infrared))
        for path in strays
    ]
    problems += [f"Several files claim one name, none is scored: {_listed(group)}." for group in matching.ambiguous]
    unscored = []
    for (name, problem), rows in _by_problem(table).items():
        methods = ", ".join(dict.fromkeys(row.method for row in rows))
        sets = ", ".join(dict.fromkeys(row.dataset for row in rows))
        unscored.append(f"{name} ({methods} on {sets}): {problem}")
    folders = [method for method in plan.methods if isinstance(method, FusedFolder)]
    notes = [
        f"{_strays(len(method.strays), method.folder)} to no pair: {_listed(method.strays)}."
        for method in folders
        if method.strays
    ]
    notes += [f"{what[0].upper()}{what[1:]}: {_listed(files)}." for what, files in grouped(remarks).items()]
    notes += warnings
    if folders and len(plan.conditions) > 1:
        names = ", ".join(method.name for method in folders)
        notes.append(f"Not in the tables of degraded inputs: {names}, whose pictures were fused from clean ones.")
    return Findings(tuple(problems), tuple(unscored), tuple(notes))


def _by_problem(table: ScoreTable) -> dict[tuple[str, str], list[Row]]:
    """One unreadable source fails every method under every condition, and is one problem."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in table.rows:
        if row.problem is not None:
            found.setdefault((row.name, row.problem), []).append(row)
    return found


def _strays(count: int, folder: Path) -> str:
    return f"1 picture in {folder} belongs" if count == 1 else f"{count} pictures in {folder} belong"


def _listed(files: Sequence[object]) -> str:
    rest = len(files) - _LISTED
    return ", ".join(map(str, files[:_LISTED])) + (f" and {rest} more" if rest > 0 else "")

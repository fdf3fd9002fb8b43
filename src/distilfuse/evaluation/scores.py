"""Score tables: which method got which value on which pair, in memory and in files.

A value belongs to a protocol, and numbers of two protocols (or of two versions of one) are never put side by side:
a table holds one, every row of a file names it, and reading or merging anything else is refused.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.degradations import kind_label
from distilfuse.imaging.writing import write_bytes
from distilfuse.metrics import METRICS

_FIXED = ("method", "set", "name", "protocol")
_FORMAT = "distilfuse scores"
_FORMAT_VERSION = 1
_NAMES = "surrogateescape"
"""File names are bytes; those that are no UTF-8 come back as they went in."""


@dataclass(frozen=True)
class Row:
    """One method on one pair."""

    method: str
    dataset: str
    """The set's name; a degraded one is ``SET/KIND@SEVERITY``, see :func:`degraded_set`."""
    name: str
    """The pair, unique within its set."""
    values: Mapping[str, float]
    """Metric to value; NaN where there is none."""
    problem: str | None = None
    """One sentence where the pair could not be scored, or a value is missing."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores of one protocol."""

    protocol: str
    """The protocol's label, name and version: ``paper@1``."""
    metrics: tuple[str, ...]
    """The columns, in order."""
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        """Refuse what no statistics could be made of.

        Raises:
            ConfigError: an unknown metric, or two rows for one method, set and name.
        """
        if unknown := [metric for metric in self.metrics if metric not in METRICS]:
            raise ConfigError(f"There is no metric {unknown[0]!r}: the columns may be {', '.join(METRICS)}.")
        seen: set[tuple[str, str, str]] = set()
        for row in self.rows:
            key = (row.method, row.dataset, row.name)
            if key in seen:
                raise ConfigError(
                    f"The method {row.method!r} has two rows for {row.name!r} of {row.dataset!r}: "
                    "keep one, or give one of the methods another name."
                )
            seen.add(key)

    @property
    def methods(self) -> tuple[str, ...]:
        """In order of first appearance."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    @property
    def datasets(self) -> tuple[str, ...]:
        """In order of first appearance."""
        return tuple(dict.fromkeys(row.dataset for row in self.rows))


class Degraded(NamedTuple):
    """What the name of a degraded set says."""

    base: str
    kind: str
    severity: float


def degraded_set(base: str, kind: str, severity: float) -> str:
    """The name of a degraded set: ``roadscene/ir_noise@3``."""
    return f"{base}/{kind_label(kind, severity)}"


def parse_degraded_set(dataset: str) -> Degraded | None:
    """Base, kind and severity of a degraded set; None for the name of a clean one."""
    found = re.fullmatch(r"(?P<base>.+)/(?P<kind>[^/@]+)@(?P<severity>\d+(?:\.\d+)?)", dataset)
    return Degraded(found["base"], found["kind"], float(found["severity"])) if found else None


def merge(tables: Sequence[ScoreTable]) -> ScoreTable:
    """One table of all rows, with the columns that every table has.

    Args:
        tables: at least one, all of one protocol.

    Raises:
        ConfigError: two protocols or versions, no common column, or a method, set and name that occurs twice.
    """
    first = tables[0]
    for table in tables[1:]:
        if table.protocol != first.protocol:
            raise ConfigError(
                f"Scores of protocol {table.protocol} cannot be compared with those of {first.protocol}: "
                "score the pictures again under one protocol."
            )
    metrics = tuple(metric for metric in first.metrics if all(metric in table.metrics for table in tables))
    if not metrics:
        raise ConfigError("The tables have no metric in common: score the pictures again with the same --metrics.")
    rows = tuple(
        Row(row.method, row.dataset, row.name, {metric: row.values[metric] for metric in metrics}, row.problem)
        for table in tables
        for row in table.rows
    )
    return ScoreTable(first.protocol, metrics, rows)


def write_csv(path: Path, table: ScoreTable) -> None:
    """Write ``method,set,name,protocol`` and one column a metric; an empty cell is a missing value.

    Values have nine significant digits: enough for any comparison, and the same file from any machine.

    Raises:
        OutputError: the file cannot be written; nothing is left of it then.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_FIXED, *table.metrics))
    for row in table.rows:
        cells = ("" if math.isnan(row.values[metric]) else f"{row.values[metric]:.9g}" for metric in table.metrics)
        writer.writerow((row.method, row.dataset, row.name, table.protocol, *cells))
    write_bytes(path, text.getvalue().encode(errors=_NAMES))


def read_csv(path: Path) -> ScoreTable:
    """Read what :func:`write_csv` wrote.

    Raises:
        InputError: no such file, no score table, or a cell that is no number; names file and line.
        ConfigError: rows of several protocols, an unknown metric, or rows that occur twice.
    """
    lines = list(csv.reader(io.StringIO(_read(path), newline="")))
    if not lines or tuple(lines[0][: len(_FIXED)]) != _FIXED or len(lines[0]) == len(_FIXED):
        raise InputError(f"{path} is no score table: its first line must be {','.join(_FIXED)} and metric names.")
    metrics = tuple(lines[0][len(_FIXED) :])
    rows, protocols = [], []
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        if len(cells) != len(lines[0]):
            raise InputError(f"{path}, line {number}: {len(cells)} cells, but the first line has {len(lines[0])}.")
        method, dataset, name, protocol = cells[: len(_FIXED)]
        values = {}
        for metric, cell in zip(metrics, cells[len(_FIXED) :], strict=True):
            try:
                values[metric] = float(cell) if cell else math.nan
            except ValueError:
                raise InputError(f"{path}, line {number}: {cell!r} under {metric} is no number.") from None
        protocols.append(protocol)
        rows.append(Row(method, dataset, name, values, _no_value(path, values)))
    return ScoreTable(_one_protocol(path, protocols), metrics, tuple(rows))


def write_json(path: Path, table: ScoreTable, *, about: Mapping[str, Any] | None = None) -> None:
    """Write the table with its problems, and whatever else a reader should know.

    Infinity (the PSNR of a copy) is written as the text ``inf``, a missing value as null: JSON has numbers for
    neither.

    Args:
        path: file to write.
        table: the scores.
        about: more keys for the top level, values as JSON has them: versions, the protocol as data, notes.

    Raises:
        OutputError: the file cannot be written; nothing is left of it then.
    """
    content = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "protocol": table.protocol,
        **(about or {}),
        "metrics": list(table.metrics),
        "rows": [
            {
                "method": row.method,
                "set": row.dataset,
                "name": row.name,
                "values": {metric: _to_json(row.values[metric]) for metric in table.metrics},
                "problem": row.problem,
            }
            for row in table.rows
        ],
    }
    write_bytes(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> ScoreTable:
    """Read the table that :func:`write_json` wrote.

    Raises:
        InputError: no such file, or no score table.
        ConfigError: an unknown metric, or rows that occur twice.
    """
    try:
        content = json.loads(_read(path))
        if content["format"] != _FORMAT or content["format_version"] != _FORMAT_VERSION:
            raise InputError(f"{path} is no score table of format version {_FORMAT_VERSION}: score the pictures again.")
        metrics = tuple(content["metrics"])
        rows = tuple(
            Row(
                row["method"],
                row["set"],
                row["name"],
                {metric: _from_json(row["values"][metric]) for metric in metrics},
                row["problem"],
            )
            for row in content["rows"]
        )
        return ScoreTable(content["protocol"], metrics, rows)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError | ConfigError):
            raise
        raise InputError(f"{path} is no score table as `distilfuse evaluate` writes it: name a scores.json.") from error


def read_scores(path: Path) -> ScoreTable:
    """Read a ``.csv`` or ``.json`` table, see :func:`read_csv` and :func:`read_json`."""
    readers = {".csv": read_csv, ".json": read_json}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} ends neither in .csv nor in .json: name a scores.csv or scores.json.")
    return readers[path.suffix.lower()](path)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig", errors=_NAMES)  # spreadsheets put a byte order mark in front
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): name a score table.") from error


def _one_protocol(path: Path, protocols: Iterable[str]) -> str:
    found = list(dict.fromkeys(protocols))
    if not found:
        raise InputError(f"{path} has no rows: score some pictures first.")
    if len(found) > 1:
        raise ConfigError(
            f"{path} mixes the protocols {' and '.join(found)}, whose numbers cannot be compared: keep one of them."
        )
    return found[0]


def _no_value(path: Path, values: Mapping[str, float]) -> str | None:
    missing = [metric for metric, value in values.items() if math.isnan(value)]
    return f"{path.name} holds no value for {', '.join(missing)}." if missing else None


def _to_json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def _from_json(value: float | str | None) -> float:
    return math.nan if value is None else float(value)

"""The paper's tables as it printed them, with what is doubtful about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from distilfuse.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PublishedSet:
    """A test set as the paper used it."""

    name: str
    """As in :mod:`distilfuse.datasets`."""
    title: str
    pairs: int | None
    """How many pairs the paper's numbers are means of; None where it does not say."""
    split: str | None
    """The part of the set, ``test`` or ``fusion``; None for all of it."""
    about: str


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """A method, or a variant of the paper's own."""

    method: str
    parameters: str | None
    """Millions, as printed; in brackets those that are not trained but used."""
    values: Mapping[tuple[str, str], float]
    """(set, metric) to the mean, three decimals."""
    recipe: str | None
    """The recipe that trains a model of ours that stands for this row. None for the methods of others."""
    model: str | None
    """The name that this model has in the recipe."""
    about: str | None
    """The model in words."""


@dataclass(frozen=True)
class Doubt:
    """Something in a table that should not be taken at its word."""

    where: str
    what: str


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """One table."""

    name: str
    """``table1`` .. ``table7``."""
    title: str
    """The caption."""
    task: str
    """``ivif`` or ``medical``; models of this task are run."""
    training: bool
    """Whether each row is a training experiment of the paper's, not a method to be run."""
    counterpart: str
    """The row that stands for the paper's own result: what a method without a row of its own is compared with."""
    sets: tuple[PublishedSet, ...]
    metrics: tuple[str, ...]
    """The same for every set."""
    rows: tuple[PublishedRow, ...]
    incomparable: Mapping[str, str]
    """Metric to the reason why no difference to its published values means anything."""
    doubts: tuple[Doubt, ...]

    def row(self, method: str) -> PublishedRow | None:
        """The row of a method, whatever the case of its letters; None if there is none."""
        return next((row for row in self.rows if row.method.casefold() == method.casefold()), None)


def published_source() -> str:
    """The paper, as one cites it."""
    return str(_content()["source"])


def published_tables() -> tuple[str, ...]:
    """Names of the tables."""
    return tuple(_content()["tables"])


@cache
def published_table(name: str) -> PublishedTable:
    """A table by name.

    Raises:
        ConfigError: the paper has no such table.
    """
    tables = _content()["tables"]
    if name not in tables:
        raise ConfigError(f"The paper has no {name!r}: choose from {', '.join(tables)}.")
    content = tables[name]
    sets = tuple(PublishedSet(**entry) for entry in content["sets"])
    metrics = tuple(content["metrics"])
    columns = [(dataset.name, metric) for dataset in sets for metric in metrics]
    rows = tuple(
        PublishedRow(
            method=row["method"],
            parameters=row.get("parameters"),
            values=dict(zip(columns, row["values"], strict=True)),
            recipe=row.get("recipe"),
            model=row.get("model"),
            about=row.get("about"),
        )
        for row in content["rows"]
    )
    return PublishedTable(
        name=name,
        title=content["title"],
        task=content["task"],
        training=content["training"],
        counterpart=content["counterpart"],
        sets=sets,
        metrics=metrics,
        rows=rows,
        incomparable=content.get("incomparable", {}),
        doubts=tuple(Doubt(**doubt) for doubt in content["doubts"]),
    )


@cache
def _content() -> Any:
    return json.loads(resources.files("distilfuse.evaluation").joinpath("published.json").read_text("utf-8"))

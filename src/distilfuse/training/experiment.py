"""A published training experiment again: its rows under equal budgets, and what they gave as methods to be scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from distilfuse.errors import ConfigError
from distilfuse.evaluation.methods import Method, TrainedRow
from distilfuse.evaluation.published import PublishedTable
from distilfuse.training.checkpoint import read_tensors
from distilfuse.training.methods import told, untold
from distilfuse.training.recipe import Recipe, find_recipe, load_stages
from distilfuse.training.stages import train_stages
from distilfuse.training.trained import load_trained


def experiment_stages(table: PublishedTable, recipe: str | None, minutes: float) -> dict[str, Recipe]:
    """Stages of a table's recipe, or of one of yours whose models have the same names, ``minutes`` each.

    Raises:
        ConfigError: a table that compares methods, a recipe that cannot be read, or one that trains no row.
    """
    if not table.training:
        raise ConfigError(f"{table.name} compares methods: --minutes and --recipe are for tables of training.")
    models = {row.model for row in table.rows}
    path = find_recipe(recipe or str(table.rows[0].recipe))
    stages = load_stages(path)
    if not any(stage.name in models for stage in stages.values()):
        raise ConfigError(f"{path} trains no row of {table.name}: call its models {', '.join(_known(table))}.")
    return {name: replace(stage, minutes=minutes) for name, stage in stages.items()}


def run_experiment(
    table: PublishedTable, stages: Mapping[str, Recipe], *, out: Path, cache: Path, **options: Any
) -> dict[str, TrainedRow]:
    """Train every row that the stages have, or take what was trained before.

    Args:
        table: see :func:`experiment_stages`.
        stages: of it.
        out: folder of the runs.
        cache: folder of the cache of text embeddings.
        options: for :func:`distilfuse.training.stages.train_stages`.

    Returns:
        Row to its network: told its captions if it was trained with text.
    """
    weights = train_stages(stages, tuple(stages), out=out, cache=cache, **options)
    rows = {row.model: row.method for row in table.rows}
    return {
        rows[stage.name]: TrainedRow(_maker(weights[name], rows[stage.name], cache), _note(weights[name], stage))
        for name, stage in stages.items()
        if stage.name in rows
    }


def _note(weights: Path, stage: Recipe) -> str:
    steps = int(read_tensors(weights)[1]["step"])
    return f"Trained here for {stage.minutes:g} minutes: {steps:,} steps of {stage.data.batch} crops."


def _maker(weights: Path, row: str, cache: Path) -> Callable[[Sequence[str]], Method]:
    def make(pairs: Sequence[str]) -> Method:
        trained = load_trained(weights)
        if trained.text is None:
            return untold(trained, name=row)
        return told(trained, pairs=pairs, cache=cache, name=row)

    return make


def _known(table: PublishedTable) -> list[str]:
    return [row.model for row in table.rows if row.model]

"""The stages of a recipe one after the other: each student is given the teacher it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distilfuse.errors import ConfigError
from distilfuse.training.checkpoint import read_tensors
from distilfuse.training.loop import train
from distilfuse.training.recipe import Recipe
from distilfuse.training.trained import run_identity

ALL = "all"


def choose(stages: Mapping[str, Recipe], wanted: str) -> tuple[str, ...]:
    """Names of the stages to train: one, or :data:`ALL`.

    Raises:
        ConfigError: there is no such stage.
    """
    if wanted == ALL:
        return tuple(stages)
    if wanted not in stages:
        raise ConfigError(f"The recipe has no stage {wanted!r}: choose from {', '.join((*stages, ALL))}.")
    return (wanted,)


def folder_of(stages: Mapping[str, Recipe], stage: str, out: Path) -> Path:
    """Where a stage's run lies: in a folder of its own if there are several."""
    return out / stage if len(stages) > 1 else out


def train_stages(
    stages: Mapping[str, Recipe],
    chosen: Sequence[str],
    *,
    out: Path,
    teacher: Path | None = None,
    start: Path | None = None,
    cache: Path | None = None,
    **options: Any,
) -> dict[str, Path]:
    """Train stages in order; what is finished already is left as it is.

    Args:
        stages: of :func:`distilfuse.training.recipe.load_stages`.
        chosen: of :func:`choose`.
        out: folder of the runs, see :func:`folder_of`.
        teacher: weights to learn from instead of those of the recipe's own teacher stage.
        start: weights to begin with, for one stage alone; else a stage begins with those of its own ``start``, if any.
        cache: folder of text embeddings, ``out/embeddings`` by default.
        options: for :func:`distilfuse.training.loop.train`.

    Returns:
        Stage to the path of its averaged weights (or its checkpoint where it was stopped).

    Raises:
        ConfigError: ``start`` and more than one stage; and see :func:`distilfuse.training.loop.train`.
    """
    if start is not None and len(chosen) > 1:
        raise ConfigError(f"{start} can be the start of one stage only: say which by --stage ({', '.join(chosen)}).")
    results: dict[str, Path] = {}
    for stage in chosen:
        recipe = stages[stage]
        folder = folder_of(stages, stage, out)
        source = teacher
        if recipe.distillation and teacher is None and recipe.distillation.teacher in stages:
            source = _result(stages, recipe.distillation.teacher, out)
        begin = _result(stages, recipe.start, out) if recipe.start and start is None else start
        finished = _result(stages, stage, out)
        identity = run_identity(recipe, teacher=source, start=begin)
        if len(stages) > 1 and finished.is_file() and read_tensors(finished)[1].get("identity") == identity:
            results[stage] = finished
            continue
        results[stage] = train(
            recipe, out=folder, teacher=source, start=begin, cache=cache or out / "embeddings", **options
        )
    return results


def _result(stages: Mapping[str, Recipe], stage: str, out: Path) -> Path:
    return folder_of(stages, stage, out) / f"{stages[stage].name}.safetensors"

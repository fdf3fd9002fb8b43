"""``distilfuse train``: a recipe in, weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distilfuse.errors import MissingDependencyError


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe that comes with distilfuse (nano-ivif), or a YAML file.")
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder that holds the data sets (SET/vi, SET/ir).")],
    out: Annotated[Path | None, typer.Option("-o", "--output", help="Run folder; default runs/RECIPE.")] = None,
    stage: Annotated[
        str, typer.Option(metavar="NAME|all", help="Stage of a recipe that has several (teacher, student, ...).")
    ] = "all",
    minutes: Annotated[
        float | None, typer.Option(help="Time for all stages together; ends with usable weights.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps (of each stage) instead of the recipe's.")] = None,
    precision: Annotated[str | None, typer.Option(help="32-true, bf16-mixed, 16-mixed; default the recipe's.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of another teacher than the recipe's own stage.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights of the same network to begin with, as for pictures of your own."),
    ] = None,
    embeddings: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Cache of text embeddings; default in the run folder.")
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    devices: Annotated[str, typer.Option(help="Number of devices, or auto.")] = "auto",
    compiled: Annotated[bool, typer.Option("--compile", help="Fuse the objective with torch.compile.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that prepare batches.")] = 0,
) -> None:
    """Train a model from a recipe. A run that was stopped goes on exactly where it was: same command again.

    A recipe of several stages (teacher, then the students that learn from it) is trained in order; stages that are
    finished are left as they are.
    """
    try:
        from distilfuse.training.recipe import find_recipe, load_stages
        from distilfuse.training.stages import choose, train_stages
    except ImportError as error:
        raise MissingDependencyError(
            f"Training needs the package {error.name}: pip install 'distilfuse[train]'."
        ) from error
    overrides = {"steps": steps, "precision": precision, "minutes": minutes}
    path = find_recipe(recipe)
    stages = load_stages(path, {key: value for key, value in overrides.items() if value is not None})
    chosen = choose(stages, stage)
    name = path.stem if len(stages) > 1 else next(iter(stages.values())).name
    results = train_stages(
        stages,
        chosen,
        data=data,
        out=out or Path("runs") / name,
        teacher=teacher,
        start=start,
        cache=embeddings,
        accelerator=accelerator,
        devices=devices,
        workers=workers,
        compiled=compiled,
    )
    for path in results.values():
        typer.echo(f"Averaged weights: {path}")

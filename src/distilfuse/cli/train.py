"""``distilfuse train``: a recipe in, weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distilfuse.errors import MissingDependencyError


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="Recipe, for example recipes/nano-ivif.yaml.")],
    data: Annotated[Path, typer.Option("--data", help="Folder that holds the data sets (SET/vi, SET/ir).")],
    out: Annotated[Path | None, typer.Option("-o", "--output", help="Run folder; default runs/NAME.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps instead of the recipe's.")] = None,
    precision: Annotated[str | None, typer.Option(help="32-true, bf16-mixed, 16-mixed; default the recipe's.")] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    devices: Annotated[str, typer.Option(help="Number of devices, or auto.")] = "auto",
    compiled: Annotated[bool, typer.Option("--compile", help="Fuse the objective with torch.compile.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that prepare batches.")] = 0,
) -> None:
    """Train a model from a recipe. A run that was stopped goes on exactly where it was: same command again."""
    try:
        from distilfuse.training.loop import train as run
        from distilfuse.training.recipe import load_recipe
    except ImportError as error:
        raise MissingDependencyError(
            f"Training needs the package {error.name}: pip install 'distilfuse[train]'."
        ) from error
    overrides = {key: value for key, value in (("steps", steps), ("precision", precision)) if value is not None}
    chosen = load_recipe(recipe, overrides)
    result = run(
        chosen,
        data=data,
        out=out or Path("runs") / chosen.name,
        accelerator=accelerator,
        devices=devices,
        workers=workers,
        compiled=compiled,
    )
    typer.echo(f"Averaged weights: {result}")

"""``distilfuse export``: trained weights in, released model out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distilfuse.errors import InputError, MissingDependencyError


def export(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe that the weights were trained with.")],
    weights: Annotated[
        Path, typer.Argument(metavar="WEIGHTS", help="Its averaged weights: NAME.safetensors of the run.")
    ],
    out: Annotated[Path, typer.Option("-o", "--output", help="Folder for NAME.onnx and its record NAME.json.")],
    scores: Annotated[
        Path | None, typer.Option(help='JSON of measured scores, {"SET": {"METRIC": mean}}, for the record.')
    ] = None,
) -> None:
    """Turn trained weights into ONNX and a model record; fails if the two compute differently."""
    try:
        from distilfuse.export.release import release, stage_of
        from distilfuse.training.recipe import find_recipe, load_stages
    except ImportError as error:
        raise MissingDependencyError(
            f"Exporting needs the package {error.name}: pip install 'distilfuse[train]'."
        ) from error
    measured = None
    if scores is not None:
        try:
            measured = json.loads(scores.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"The scores {scores} cannot be read ({error}): give a JSON file.") from error
    path = find_recipe(recipe)
    record, worst = release(stage_of(load_stages(path), weights), weights, out, file=path.stem, scores=measured)
    typer.echo(
        f"{record.name}: {record.parameters:,} parameters, {record.size:,} bytes, sha256 {record.sha256[:12]}; "
        f"PyTorch and ONNX Runtime differ by at most {worst:.1e}."
    )

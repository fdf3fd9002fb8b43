"""A released model: the ONNX file and its record, made from a recipe and the weights it gave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from distilfuse.errors import ConfigError
from distilfuse.export.arithmetic import flop_per_pixel
from distilfuse.export.onnx import export_gauge, export_in_colour, export_onnx, sha256
from distilfuse.imaging.writing import write_bytes
from distilfuse.nets.build import Network
from distilfuse.nets.nano import NanoNet
from distilfuse.training.checkpoint import read_tensors
from distilfuse.training.recipe import Recipe
from distilfuse.training.trained import load_trained
from distilfuse.zoo import ModelRecord


def stage_of(stages: Mapping[str, Recipe], weights: Path) -> Recipe:
    """The stage of a recipe that some weights were trained in; the only one of a recipe without stages.

    Raises:
        ConfigError: the weights are of none of them.
        ModelError: the file is missing or damaged.
    """
    if len(stages) == 1:
        return next(iter(stages.values()))
    name = json.loads(read_tensors(weights)[1].get("recipe", "{}")).get("name")
    for recipe in stages.values():
        if recipe.name == name:
            return recipe
    names = ", ".join(recipe.name for recipe in stages.values())
    raise ConfigError(f"{weights} are the weights of {name!r}, which is no stage of this recipe: it makes {names}.")


def _network(recipe: Recipe, weights: Path) -> Network:
    network = load_trained(weights).network
    if network.config != recipe.network:
        raise ConfigError(
            f"The weights {weights} were trained with another network than recipe {recipe.name!r} names: "
            "give the recipe of that run."
        )
    return network


def release(
    recipe: Recipe,
    weights: Path,
    folder: Path,
    *,
    file: str,
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[ModelRecord, float]:
    """Write ``NAME.onnx`` and its record ``NAME.json`` into ``folder``.

    Args:
        recipe: what was trained; its card describes the model.
        weights: ``NAME.safetensors`` of the run.
        folder: made if it is missing.
        file: name of the recipe's file without its ending, for the record; one file may hold several models.
        scores: test set to metric to mean value, measured on these weights.

    Returns:
        The record, and the largest difference between PyTorch and ONNX Runtime.

    Raises:
        ConfigError, ModelError, OutputError: see what is called.
    """
    network = _network(recipe, weights)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recipe.name}.onnx"
    worst = export_onnx(network, path)
    gauge: dict[str, object] = {}
    colour: dict[str, object] = {}
    if isinstance(network, NanoNet):
        beside = folder / f"{recipe.name}.gauge.onnx"
        worst = max(worst, export_gauge(network, beside))
        gauge = {"file": beside.name, "sha256": sha256(beside), "channels": network.reading_channels}
        beside = folder / f"{recipe.name}.colour.onnx"
        worst = max(worst, export_in_colour(network, beside))
        colour = {"file": beside.name, "sha256": sha256(beside)}
        network.merge()
    card = recipe.card
    record = ModelRecord(
        name=recipe.name,
        task=card.task,
        summary=card.summary,
        architecture=recipe.network.to_dict(),
        file=path.name,
        sha256=sha256(path),
        size=path.stat().st_size,
        parameters=sum(p.numel() for p in network.parameters()),
        flop_per_pixel=flop_per_pixel(network),
        visible_input=network.visible_input,
        multiple=network.export_multiple,
        halo=network.halo if isinstance(network, NanoNet) else 0,
        gauge=gauge,
        colour=colour,
        licence=card.licence,
        training_data=[f"{s.name}/train" for s in recipe.data.sets],
        data_terms=card.data_terms,
        scores={name: dict(values) for name, values in (scores or {}).items()},
        recipe=file,
    )
    write_bytes(folder / f"{recipe.name}.json", record.to_json().encode())
    return record, worst

"""A trained teacher, from the weights of its stage."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import ConfigError, ModelError
from distilfuse.nets.build import Network, build, config_from_dict
from distilfuse.training.checkpoint import read_tensors
from distilfuse.training.recipe import Recipe, text_from_dict
from distilfuse.training.settings import TextConfig


@dataclass(frozen=True)
class Teacher:
    """What a student learns from."""

    network: Network
    text: TextConfig | None
    """How it was told of its pairs; None for one that was trained without text."""


def load_teacher(path: Path | None, student: str) -> Teacher:
    """The network of a teacher's stage with its averaged weights.

    Args:
        path: ``NAME.safetensors`` of its run.
        student: name of the recipe that asks, for messages.

    Raises:
        ConfigError: no path, or none to a file.
        ModelError: the file is damaged or no result of ``distilfuse train``.
    """
    if path is None or not path.is_file():
        missing = "none was given" if path is None else f"{path} is no file"
        raise ConfigError(
            f"Recipe {student!r} learns from a teacher, but {missing}: train the teacher's stage first (--stage all), "
            "or name its weights (--teacher FILE)."
        )
    tensors, metadata = read_tensors(path)
    try:
        recipe = json.loads(metadata["recipe"])
        network = build(config_from_dict(recipe["network"]))
        network.load_state_dict(tensors)
        text = text_from_dict(recipe["text"]) if recipe.get("text") else None
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} holds no weights of a trained teacher ({error}): give the result of a run."
        ) from error
    return Teacher(network, text)


def run_identity(recipe: Recipe, *, teacher: Path | None, start: Path | None) -> str:
    """What decides a run: its recipe, and the very weights that it learns from or begins with.

    Args:
        recipe: of the stage.
        teacher: weights of the teacher, looked at where the recipe has ``distillation``.
        start: weights to begin with, looked at where it has ``start``.
    """
    needed = [teacher if recipe.distillation else None, start if recipe.start else None]
    files = [path for path in needed if path is not None and path.is_file()]
    return json.dumps([recipe.to_json(), *(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)])

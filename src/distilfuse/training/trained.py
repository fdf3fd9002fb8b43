"""A trained network, from the weights of its stage: as a teacher, or as a method to be scored."""

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
class Trained:
    """A network with the averaged weights of its run."""

    name: str
    """Of its recipe."""
    task: str
    """``ivif`` or ``medical``."""
    network: Network
    text: TextConfig | None
    """How it was told of its pairs; None for one that was trained without text."""


def load_teacher(path: Path | None, student: str) -> Trained:
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
    return load_trained(path)


def load_trained(path: Path) -> Trained:
    """The network of a stage with its averaged weights.

    Args:
        path: ``NAME.safetensors`` of its run.

    Raises:
        ModelError: the file is missing, damaged or no result of ``distilfuse train``.
    """
    tensors, metadata = read_tensors(path)
    try:
        recipe = json.loads(metadata["recipe"])
        network = build(config_from_dict(recipe["network"]))
        network.load_state_dict(tensors)
        text = text_from_dict(recipe["text"]) if recipe.get("text") else None
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} holds no weights of a trained network ({error}): give the result of a run."
        ) from error
    return Trained(recipe["name"], recipe["task"], network.eval(), text)


def run_identity(recipe: Recipe, *, teacher: Path | None, start: Path | None) -> str:
    """What decides a run: its recipe, and the very weights that it learns from or begins with.

    Args:
        recipe: of the stage.
        teacher: weights of the teacher, looked at where the recipe has ``distillation``.
        start: weights to begin with, if any.
    """
    needed = [teacher if recipe.distillation else None, start]
    files = [path for path in needed if path is not None and path.is_file()]
    return json.dumps([recipe.to_json(), *(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)])

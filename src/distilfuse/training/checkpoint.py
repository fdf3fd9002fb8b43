"""Checkpoints: one safetensors file, written whole or not at all; no pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from distilfuse.errors import ConfigError, ModelError, OutputError


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata to ``path`` so that a reader sees the old file or the new one, never a part.

    Raises:
        OutputError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, dict(metadata))
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"The checkpoint {path} cannot be written: {error.strerror}.") from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The checkpoint {path} cannot be read ({error}): remove it or train anew.") from error


def save_checkpoint(
    path: Path,
    *,
    step: int,
    elapsed: float,
    task: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    recipe: str,
) -> None:
    """Everything that the run needs to go on as if it had not stopped.

    Batches are a function of the step and nothing else draws random numbers, so no generator state is needed.
    """
    tensors = {f"task.{name}": t for name, t in task.state_dict().items()}
    tensors |= {f"average.{name}": t for name, t in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
    write_tensors(path, tensors, {"step": str(step), "elapsed": str(elapsed), "recipe": recipe})


def restore_checkpoint(
    path: Path, *, task: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, recipe: str
) -> tuple[int, float]:
    """Load a checkpoint in place; returns its step and the seconds that the run had taken.

    Raises:
        ConfigError: the checkpoint was made by another recipe.
        ModelError: it is damaged.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("recipe") != recipe:
        raise ConfigError(
            f"The checkpoint {path} was made by another recipe: choose another output folder, or remove it."
        )
    task.load_state_dict(_below(tensors, "task."))
    average.load_state_dict(_below(tensors, "average."))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below(tensors, "optimiser.").items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return int(metadata["step"]), float(metadata["elapsed"])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

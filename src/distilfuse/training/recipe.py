"""Recipes: everything that decides a training run, as checked data."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from distilfuse.errors import ConfigError
from distilfuse.losses import Objective
from distilfuse.nets.build import config_from_dict
from distilfuse.nets.config import NetworkConfig
from distilfuse.training.augmentation import AugmentationConfig

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SetConfig:
    """One data set of a recipe."""

    name: str
    """Folder of the data set, and its name in the split lists."""
    weight: float = 1.0
    """How often its pairs are drawn, all together, relative to the other sets."""
    reduce: int = 1
    """Pictures are averaged over cells of this many pixels a side."""

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ConfigError(f"data.sets {self.name!r}: weight must be positive, not {self.weight}.")
        if self.reduce < 1:
            raise ConfigError(f"data.sets {self.name!r}: reduce must be at least 1, not {self.reduce}.")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Pairs, crops and what is done to them."""

    sets: tuple[SetConfig, ...]
    crop: int = 128
    """Side of the square crops, in pixels."""
    batch: int = 16
    """Crops a step and device."""
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        if not self.sets:
            raise ConfigError("data.sets is empty: name at least one data set.")
        if self.crop < 48:
            raise ConfigError(f"data.crop must be at least 48 pixels (the coarsest loss window), not {self.crop}.")
        if self.batch < 1:
            raise ConfigError(f"data.batch must be at least 1, not {self.batch}.")


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """AdamW with linear warm-up and a cosine, both counted in optimiser steps."""

    lr: float = 1e-4
    final_lr: float = 1e-6
    warmup: int = 200
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    clip: float = 1.0
    """Largest norm of the gradient."""

    def __post_init__(self) -> None:
        if not 0 < self.final_lr <= self.lr:
            raise ConfigError(f"optimiser needs 0 < final_lr <= lr, not {self.final_lr} and {self.lr}.")
        if not self.clip > 0:
            raise ConfigError(f"optimiser.clip must be positive, not {self.clip}.")


@dataclass(frozen=True, kw_only=True)
class CardConfig:
    """What people are told of the model; it decides nothing in the run."""

    summary: str
    """One sentence for people who choose."""
    data_terms: str
    """What the terms of the training data mean for users of the weights."""
    task: str = "ivif"
    licence: str = "Apache-2.0"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training run."""

    name: str
    """Name of the model that comes out."""
    card: CardConfig
    network: NetworkConfig
    data: DataConfig
    objective: Mapping[str, float]
    """Loss term to weight."""
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    steps: int
    ema: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is published."""
    precision: str = "auto"
    """``auto`` (bfloat16 where a GPU has it, else float32) or a Lightning precision such as ``bf16-mixed``."""
    seed: int = 3407
    checkpoint_every: int = 500
    validate_every: int = 2000
    validation_pairs: int = 8
    """Pairs a set that are scored, spread over its validation split."""

    def __post_init__(self) -> None:
        Objective(self.objective)
        if self.steps < 1:
            raise ConfigError(f"steps must be at least 1, not {self.steps}.")
        if not 0 <= self.ema < 1:
            raise ConfigError(f"ema must be from 0 to below 1, not {self.ema}.")
        if self.checkpoint_every < 1 or self.validate_every < 1:
            raise ConfigError("checkpoint_every and validate_every must be at least 1.")

    def to_json(self) -> str:
        """What decides the run, as one line of JSON; written into every checkpoint."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "card"}
        data["network"] = self.network.to_dict()
        return json.dumps(data, default=_plain, sort_keys=True)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return dict(value)


def load_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe from YAML; ``overrides`` replace top-level keys.

    Raises:
        ConfigError: the file is missing, is no YAML mapping, or holds an unknown key or a bad value.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The recipe {path} is no valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(data, dict):
        raise ConfigError(f"The recipe {path} must be a mapping of keys to values.")
    return recipe_from_dict({**data, **(overrides or {})})


def recipe_from_dict(data: Mapping[str, Any]) -> Recipe:
    """A recipe from plain data, every key and type checked.

    Raises:
        ConfigError: see :func:`load_recipe`.
    """
    return _structure(Recipe, data, "recipe")


def _structure(cls: type[T], data: Any, where: str) -> T:
    """Build a dataclass from plain data; nested dataclasses, tuples and mappings follow their annotations."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values, not {data!r}.")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]  # T is a dataclass here
    for key in data:
        if key not in fields:
            near = get_close_matches(str(key), fields, n=1)
            hint = f"did you mean {near[0]!r}" if near else f"known keys are {', '.join(fields)}"
            raise ConfigError(f"{where} has no key {key!r}: {hint}.")
    for name, f in fields.items():
        missing = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if missing and name not in data:
            raise ConfigError(f"{where} lacks the key {name!r}.")
    return cls(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in data.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if hint is NetworkConfig:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} must be a mapping with a 'kind', not {value!r}.")
        return config_from_dict(dict(value))
    if dataclasses.is_dataclass(hint):
        return _structure(typing.cast(type[Any], hint), value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} must be a list, not {value!r}.")
        if arguments[-1] is Ellipsis:
            return tuple(_value(arguments[0], item, f"{where}[{k}]") for k, item in enumerate(value))
        if len(value) != len(arguments):
            raise ConfigError(f"{where} must hold {len(arguments)} values, not {len(value)}.")
        return tuple(_value(a, item, f"{where}[{k}]") for k, (a, item) in enumerate(zip(arguments, value, strict=True)))
    if origin in (Mapping, types.MappingProxyType) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} must be a mapping of names to numbers, not {value!r}.")
        return {str(key): _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        # YAML 1.1 reads 1e-4 (no point) as text.
        mend = " (write it with a point, as 1.0e-4)" if hint is float and isinstance(value, str) else ""
        raise ConfigError(f"{where} must be of type {hint.__name__}, not {value!r}{mend}.")
    return value

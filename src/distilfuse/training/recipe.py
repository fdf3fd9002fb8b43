"""Recipes: everything that decides a training run, as checked data."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from distilfuse.errors import ConfigError
from distilfuse.losses import Objective
from distilfuse.nets.build import config_from_dict
from distilfuse.nets.config import NetworkConfig
from distilfuse.training.settings import (
    CardConfig,
    DataConfig,
    DistillationConfig,
    OptimiserConfig,
    SteadinessConfig,
    TextConfig,
)

T = TypeVar("T")


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
    text: TextConfig | None = None
    """What a teacher is told; None for training without text."""
    distillation: DistillationConfig | None = None
    """How a student learns from a teacher; None for learning from the objective alone."""
    steadiness: SteadinessConfig | None = None
    """How much flicker counts, for a network that learns from its objective alone; None where it does not."""
    start: str | None = None
    """Stage of the same recipe whose weights this one begins with (of the same network); None for fresh weights."""
    steps: int
    """Optimiser steps, at most."""
    minutes: float | None = None
    """Time budget: the learning rate falls by the clock, and the run ends with it if ``steps`` are not done before."""
    share: float = 1.0
    """Part of a budget that this stage of several gets, relative to the others."""
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
        if self.minutes is not None and not self.minutes > 0:
            raise ConfigError(f"minutes must be positive, not {self.minutes}.")
        if not self.share > 0:
            raise ConfigError(f"share must be positive, not {self.share}.")
        if self.text and getattr(self.network, "text_channels", None) is None:
            raise ConfigError(f"Recipe {self.name!r} has text, but its network reads none: set network.text_channels.")
        if self.text and self.distillation:
            raise ConfigError(f"Recipe {self.name!r} is a student's and has text: words are for the teacher's stage.")
        if self.steadiness and (self.text or self.distillation):
            raise ConfigError(f"Recipe {self.name!r} has steadiness, which a teacher or its student cannot learn yet.")
        if not 0 <= self.ema < 1:
            raise ConfigError(f"ema must be from 0 to below 1, not {self.ema}.")
        if self.checkpoint_every < 1 or self.validate_every < 1:
            raise ConfigError("checkpoint_every and validate_every must be at least 1.")

    def to_json(self) -> str:
        """What decides the run, as one line of JSON; written into every checkpoint."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("card", "share")}
        data["task"] = self.card.task  # decides which captions and weights are meant
        data["network"] = self.network.to_dict()
        return json.dumps(data, default=_plain, sort_keys=True)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return dict(value)


def find_recipe(recipe: str) -> Path:
    """The file of a recipe: one that comes with distilfuse, by its name (``ivif``), or a YAML file of your own.

    Raises:
        ConfigError: no recipe of that name comes with distilfuse.
    """
    path = Path(recipe)
    if path.suffix or path.is_file():
        return path
    folder = Path(str(resources.files("distilfuse").joinpath("recipes")))
    packaged = folder / f"{recipe}.yaml"
    if not packaged.is_file():
        names = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise ConfigError(f"No recipe {recipe!r} comes with distilfuse: choose from {names}, or name a YAML file.")
    return packaged


def load_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe of one stage from YAML; ``overrides`` replace top-level keys.

    Raises:
        ConfigError: the file is missing, is no YAML mapping, holds an unknown key or a bad value, or several stages.
    """
    stages = load_stages(path, overrides)
    if len(stages) > 1:
        raise ConfigError(f"The recipe {path} has the stages {', '.join(stages)}: say which one is meant.")
    return next(iter(stages.values()))


def load_stages(path: Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Recipe]:
    """Read a recipe of one or several stages.

    In a file with ``stages``, a mapping of stage to keys, every stage has the keys beside it as well; its own ones
    replace them, but ``data``, ``data.augmentation``, ``optimiser`` and ``card`` are merged key by key.

    Args:
        path: YAML file.
        overrides: top-level keys that win over all stages; ``minutes`` is divided by the stages' shares.

    Returns:
        Stage to recipe, in the order in which they are trained; a file without stages has one, named as the recipe.

    Raises:
        ConfigError: see :func:`load_recipe`.
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
    chosen = dict(overrides or {})
    minutes = chosen.pop("minutes", None)
    parts = data.pop("stages", None)
    if parts is None:
        parts = {str(data.get("name")): {}}
    if not isinstance(parts, dict) or not parts or not all(isinstance(part, dict) for part in parts.values()):
        raise ConfigError(f"stages in {path} must be a mapping of stage to keys.")
    stages = {str(name): recipe_from_dict({**_merged(data, part), **chosen}) for name, part in parts.items()}
    for name, recipe in stages.items():
        needed = [recipe.distillation.teacher] if recipe.distillation and len(stages) > 1 else []
        for other in [*needed, *([recipe.start] if recipe.start else [])]:
            if other not in stages:
                raise ConfigError(
                    f"Stage {name!r} of {path} builds on a stage {other!r} that is not there: "
                    f"name one of {', '.join(stages)}."
                )
    if minutes is None:
        return stages
    total = sum(recipe.share for recipe in stages.values())
    return {
        name: dataclasses.replace(recipe, minutes=minutes * recipe.share / total) for name, recipe in stages.items()
    }


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**common, **own}
    for key in ("data", "augmentation", "optimiser", "card"):
        if isinstance(common.get(key), Mapping) and isinstance(own.get(key), Mapping):
            merged[key] = _merged(common[key], own[key])
    return merged


def recipe_from_dict(data: Mapping[str, Any]) -> Recipe:
    """A recipe from plain data, every key and type checked.

    Raises:
        ConfigError: see :func:`load_recipe`.
    """
    return _structure(Recipe, data, "recipe")


def text_from_dict(data: Mapping[str, Any]) -> TextConfig:
    """The text part of a recipe from plain data.

    Raises:
        ConfigError: see :func:`load_recipe`.
    """
    return _structure(TextConfig, data, "text")


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
    if origin in (types.UnionType, typing.Union):  # a value or None
        return None if value is None else _value(next(a for a in arguments if a is not type(None)), value, where)
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

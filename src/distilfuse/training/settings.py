"""The parts of a recipe: data, optimiser, text, distillation, and what people are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from distilfuse.errors import ConfigError
from distilfuse.training.augmentation import AugmentationConfig

TASKS = ("ivif", "medical")


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
class TextConfig:
    """What the network is told of each pair, and how it is put into numbers."""

    encoder: str = "minilm"
    """``clip`` (the paper's), ``minilm`` (packaged) or ``events`` (types only)."""
    captions: str = "packaged"
    """``packaged`` (those that come with distilfuse, for the card's task), ``none`` (only applied degradations are put
    into words) or the path of a file of ``distilfuse annotate``."""
    style: str = "description"
    """``description`` (the annotator's words) or ``template`` (type, picture and degree only)."""
    weights: str = "ivif"
    """Table of loss weights by event: ``ivif``, ``medical``, or ``none`` (fixed weights)."""
    caption_dropout: float = 0.2
    """Share of crops of which nothing is said, so that the network also works without text."""
    word_dropout: float = 0.15
    """Share of words left out of a sentence."""
    variants: int = 4
    """Wordings kept of a sentence: itself and others with words left out."""

    def __post_init__(self) -> None:
        for name, known in (
            ("encoder", ("clip", "minilm", "events")),
            ("style", ("description", "template")),
            ("weights", ("ivif", "medical", "none")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"text.{name} is {getattr(self, name)!r}: choose from {', '.join(known)}.")
        for name in ("caption_dropout", "word_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"text.{name} is a share from 0 to below 1, not {getattr(self, name)}.")
        if self.variants < 1:
            raise ConfigError(f"text.variants must be at least 1, not {self.variants}.")


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """Weights of eq. 15 of the paper."""

    teacher: str = "teacher"
    """Stage of the same recipe that gives the teacher."""
    base: float = 1.0
    """The objective, with fixed weights."""
    features: float = 0.1
    """L1 to learned projections of the teacher's features (eq. 13)."""
    result: float = 1.0
    """L1 to the teacher's fused picture (eq. 14)."""

    def __post_init__(self) -> None:
        for name in ("base", "features", "result"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"distillation.{name} must not be negative, not {getattr(self, name)}.")
        if not self.base + self.features + self.result > 0:
            raise ConfigError("distillation has no weight above 0: nothing would be learned.")


@dataclass(frozen=True, kw_only=True)
class SteadinessConfig:
    """Two takes of every other crop, equal but for their grain, that shall be fused alike (for video)."""

    weight: float
    """Of :func:`distilfuse.losses.steadiness.steadiness_loss`, beside those of the objective."""
    sigma: float = 10.0
    """Largest standard deviation of the grain, in grey levels."""

    def __post_init__(self) -> None:
        for name in ("weight", "sigma"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"steadiness.{name} must be positive, not {getattr(self, name)}.")


@dataclass(frozen=True, kw_only=True)
class CardConfig:
    """What people are told of the model; but for the task it decides nothing in the run."""

    summary: str
    """One sentence for people who choose."""
    data_terms: str
    """What the terms of the training data mean for users of the weights."""
    task: str = "ivif"
    """``ivif`` or ``medical``; decides which captions and which words are meant."""
    licence: str = "Apache-2.0"

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ConfigError(f"card.task is {self.task!r}: choose from {', '.join(TASKS)}.")

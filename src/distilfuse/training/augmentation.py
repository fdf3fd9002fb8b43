"""Clean variety and degraded inputs for training crops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from distilfuse.errors import ConfigError
from distilfuse.evaluation.degradations import TABLE_KINDS, Image, degrade, quantise
from distilfuse.evaluation.degradations import Pair as Images


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How clean crops are varied (inputs and targets alike) and then degraded (inputs only)."""

    dark: float = 0.5
    """Share of crops whose visible picture is a clean scene with less light."""
    dim_infrared: float = 0.5
    """Share of crops whose infrared picture is a clean scene of less thermal contrast or another level."""
    faint_noise: float = 0.3
    """Share of crops with sensor noise below ``faint_sigma`` in the targets too: texture, not damage."""
    faint_sigma: float = 4.0
    """Largest standard deviation of such noise, in grey levels."""
    grey: float = 0.15
    """Share of crops with a grey visible picture."""
    degraded: float = 0.45
    """Share of crops whose inputs are degraded while the targets stay clean."""
    second: float = 0.25
    """Share of the degraded crops that get two kinds."""
    kinds: Mapping[str, float] = field(
        default_factory=lambda: {
            "over_exposure": 1.0,
            "visible_noise": 1.0,
            "visible_blur": 0.7,
            "ir_low_contrast": 0.3,
            "ir_noise": 1.0,
            "ir_stripes": 1.0,
        }
    )
    """Kind to relative frequency; the kinds are those of the robustness table, the others stay unseen."""
    severity: tuple[float, float] = (1.6, 4.6)
    """Range of severities; what is barely visible is left alone."""

    def __post_init__(self) -> None:
        for name in ("dark", "dim_infrared", "faint_noise", "grey", "degraded", "second"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"augmentation.{name} is a share from 0 to 1, not {getattr(self, name)}.")
        unknown = [kind for kind in self.kinds if kind not in TABLE_KINDS]
        if unknown:
            raise ConfigError(
                f"augmentation.kinds: unknown degradation {unknown[0]!r}, choose from {', '.join(TABLE_KINDS)}."
            )
        for kind, frequency in self.kinds.items():
            if not 0 < frequency < float("inf"):
                raise ConfigError(
                    f"augmentation.kinds: the frequency of {kind!r} must be positive, not {frequency}; "
                    "to do without a kind, leave it out."
                )
        if not self.faint_sigma >= 0:
            raise ConfigError(f"augmentation.faint_sigma must not be negative, not {self.faint_sigma}.")
        if not 1 <= self.severity[0] <= self.severity[1] <= 5:
            raise ConfigError(f"augmentation.severity must be a range inside 1..5, not {list(self.severity)}.")


def vary(visible: Image, infrared: Image, config: AugmentationConfig, rng: np.random.Generator) -> Images:
    """A clean variant of a clean crop: ``H x W x 3`` and ``H x W`` float32 in 0..1, same out.

    Night scenes and weak thermal pictures are made from brighter ones. They are targets: a network that is
    taught to repair damage must also learn that darkness as such is none.
    """
    if rng.random() < config.grey:
        visible = np.repeat((visible @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
    if rng.random() < config.dark:
        gain, gamma = np.exp(rng.uniform(np.log(0.12), 0)), rng.uniform(0.8, 2.0)
        visible = np.float32(gain) * visible ** np.float32(gamma)
    if rng.random() < config.dim_infrared:
        gain, gamma = np.exp(rng.uniform(np.log(0.12), 0)), rng.uniform(0.7, 1.5)
        # Weak contrast at any level: cameras with automatic gain put the scene around mid-grey.
        offset = rng.uniform(0, 0.5 * (1 - gain))
        infrared = np.float32(gain) * infrared ** np.float32(gamma) + np.float32(offset)
    if rng.random() < config.faint_noise:
        visible = _grainy(visible, rng.uniform(0, config.faint_sigma), rng)
        infrared = _grainy(infrared, rng.uniform(0, config.faint_sigma), rng)
    return quantise(visible), quantise(infrared)


def two_takes(visible: Image, infrared: Image, sigma: float, rng: np.random.Generator) -> tuple[Images, Images]:
    """The same crop twice, as two frames of a video would show it: each has a grain of its own.

    Args:
        visible: ``H x W x 3`` in 0..1.
        infrared: ``H x W``.
        sigma: largest standard deviation of the grain, in grey levels; what it is, is drawn for either picture.
        rng: what draws.
    """
    strong, weak = rng.uniform(0, sigma), rng.uniform(0, sigma)

    def take() -> Images:
        return quantise(_grainy(visible, strong, rng)), quantise(_grainy(infrared, weak, rng))

    return take(), take()


def _grainy(image: Image, level: float, rng: np.random.Generator) -> Image:
    sigma = np.float32(level / 255)
    # One field for all channels: grain of a compressed night picture is mostly luminance.
    grain: Image = rng.standard_normal(image.shape[:2], dtype=np.float32) * sigma
    return image + (grain[..., None] if image.ndim == 3 else grain)


Applied = tuple[tuple[str, float], ...]
"""Kinds and severities (1..5) of what was done to a crop."""


def damage(
    visible: Image, infrared: Image, config: AugmentationConfig, rng: np.random.Generator
) -> tuple[Images, Applied]:
    """The crop as a bad camera would deliver it, or unchanged (share ``1 - degraded``), and what was done to it."""
    if not config.kinds or rng.random() >= config.degraded:
        return (visible, infrared), ()
    names = list(config.kinds)
    share = np.array([config.kinds[name] for name in names], float)
    number = 2 if rng.random() < config.second and len(names) > 1 else 1
    applied = []
    for kind in rng.choice(names, size=number, replace=False, p=share / share.sum()):
        severity = rng.uniform(*config.severity)
        visible, infrared = degrade(visible, infrared, kind=str(kind), severity=severity, rng=rng)
        applied.append((str(kind), severity))
    return (visible, infrared), tuple(applied)

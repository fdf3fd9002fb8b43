"""How a run goes over its time: learning rate, budget, and the average of the weights that is published."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from distilfuse.training.settings import OptimiserConfig


def learning_rate(config: OptimiserConfig, step: int, steps: int, *, at_least: float = 0.0) -> float:
    """Learning rate of optimiser step ``step`` (from 0) of ``steps``: linear warm-up, then a cosine.

    ``at_least`` is how far the cosine has come by another measure (0..1): the further of the two counts.
    """
    warmup = min(config.warmup, steps // 2)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    progress = max(at_least, (step - warmup) / max(1, steps - warmup))
    return config.final_lr + (config.lr - config.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of the weights; young averages forget faster, (1 + n) / (10 + n)."""

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], number: Tensor | int) -> None:
        n = float(number)
        torch._foreach_lerp_(list(averaged), list(current), 1 - min(decay, (1 + n) / (10 + n)))

    return AveragedModel(network, multi_avg_fn=update)


class Clock:
    """Time that a run has taken over all its calls, and the part of its budget that this is.

    All processes of a run read the clock of the first, so that they end at the same step.

    Args:
        fabric: of the run.
        minutes: the budget, or None for a run that is measured in steps alone.
        spent: seconds that earlier calls have taken.
    """

    _EVERY = 5
    """Steps between two looks at a clock that processes share."""

    def __init__(self, fabric: Fabric, minutes: float | None, spent: float) -> None:
        self._fabric, self._budget, self._spent = fabric, None if minutes is None else 60 * minutes, spent
        self._begun = time.monotonic()
        self.share = 0.0 if self._budget is None else min(1.0, spent / self._budget)
        """Part of the budget that is used, 0 .. 1; 0 without a budget."""

    @property
    def elapsed(self) -> float:
        """Seconds."""
        return self._spent + time.monotonic() - self._begun

    def tick(self, step: int) -> None:
        """Bring :attr:`share` up to date."""
        if self._budget is None:
            return
        if self._fabric.world_size == 1:
            self.share = min(1.0, self.elapsed / self._budget)
        elif step % self._EVERY == 0:
            self.share = min(1.0, float(self._fabric.broadcast(self.elapsed)) / self._budget)

    def forecast(self, step: int) -> int:
        """Steps that will have been done when the budget is used, at the pace so far."""
        return max(step, round(step / max(self.share, 1e-6)))

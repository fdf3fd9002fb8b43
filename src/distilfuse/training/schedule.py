"""How a run goes over its time: learning rate, budget, and the average of the weights that is published."""

from __future__ import annotations

import copy
import math
import time

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

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


class MovingAverage(nn.Module):
    """Exponential moving average of a network's weights, which is what is published.

    Young averages forget faster: after n updates the decay is (1 + n) / (10 + n) or ``decay``, whichever is smaller.
    (``torch.optim.swa_utils`` counts on the device, and waits for it at every step.)

    Args:
        network: its copy, :attr:`module`, begins with these weights.
        decay: part of the old average that an update keeps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(network).requires_grad_(False)
        self._decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step; the first replace those of the beginning."""
        keep = min(self._decay, (1 + self.updates) / (10 + self.updates)) if self.updates else 0.0
        torch._foreach_lerp_(list(self.module.parameters()), list(network.parameters()), 1 - keep)
        self.updates += 1

    def get_extra_state(self) -> Tensor:
        """The number of updates, for checkpoints."""
        return torch.tensor(self.updates)

    def set_extra_state(self, state: Tensor) -> None:
        """Take the number of updates from a checkpoint."""
        self.updates = int(state)


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

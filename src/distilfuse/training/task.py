"""A training stage is a task: forward and loss in, loss and terms out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from distilfuse.nets.luminance import grey
from distilfuse.training.crops import Batch


@dataclass(frozen=True)
class BaseTask:
    """Unsupervised base stage: fuse the (perhaps degraded) inputs, be judged against the clean sources."""

    objective: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]]
    """An :class:`~distilfuse.losses.Objective`, perhaps compiled."""
    visible_input: str
    """``rgb`` or ``luminance``: what the network takes."""

    def __call__(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss (scalar) and unweighted terms of one batch."""
        visible, target = batch["visible"], batch["clean_visible"]
        if self.visible_input == "luminance":
            visible, target = grey(visible), grey(target)
        fused = network(visible, batch["infrared"])
        return self.objective(fused, target, batch["clean_infrared"])

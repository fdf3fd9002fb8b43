"""A training stage is a task: forward and loss in, loss and terms out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from distilfuse.errors import ConfigError
from distilfuse.losses.steadiness import steadiness_loss
from distilfuse.nets.build import Network
from distilfuse.nets.luminance import grey
from distilfuse.training.crops import Batch
from distilfuse.training.settings import DistillationConfig

Judge = Callable[..., tuple[Tensor, dict[str, Tensor]]]
"""An :class:`~distilfuse.losses.Objective`, perhaps compiled."""


class BaseTask(nn.Module):
    """Unsupervised stage: fuse the (perhaps degraded) inputs, be judged against the clean sources.

    A network that reads text is told what the batch says of its pairs, and judged by the weights that this calls for
    (stage 1 of the paper, eq. 12).

    Args:
        network: what is trained.
        objective: judges fused pictures.
        steadiness: weight of the flicker between the takes of a batch that has some.
    """

    def __init__(self, network: Network, objective: Judge, *, steadiness: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self._objective, self._steadiness = objective, steadiness

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss (scalar) and unweighted terms of one batch."""
        visible, target = _seen_by(self.network, batch["visible"]), _seen_by(self.network, batch["clean_visible"])
        if "text" in batch:
            fused = self.network(visible, batch["infrared"], batch["text"])
            return self._objective(fused, target, batch["clean_infrared"], batch["factors"])
        if "visible_takes" not in batch:
            fused = self.network(visible, batch["infrared"])
            return self._objective(fused, target, batch["clean_infrared"])
        takes, warm = _seen_by(self.network, batch["visible_takes"]), batch["infrared_takes"]
        both = self.network(torch.cat([visible, takes]), torch.cat([batch["infrared"], warm]))
        fused, again = both.split([len(visible), len(takes)])
        loss, terms = self._objective(fused, target, batch["clean_infrared"])
        flicker = steadiness_loss(again.float(), takes, warm)
        return loss + self._steadiness * flicker, {**terms, "steadiness": flicker.detach()}


class DistillationTask(nn.Module):
    """Stage 2 of the paper (eqs. 13 to 15): a student without text learns from a frozen teacher that is told.

    Both see the same (perhaps degraded) inputs, the teacher the words as well. Features are compared at every scale
    that both networks have, through 1x1 convolutions that are trained along and thrown away afterwards.

    Args:
        student: what is trained.
        teacher: frozen; no part of this module's parameters and checkpoints.
        objective: judges the student's pictures, with fixed weights.
        config: weights of the three parts.

    Raises:
        ConfigError: features are asked for but the networks share no scale.
    """

    def __init__(self, student: Network, teacher: Network, objective: Judge, config: DistillationConfig) -> None:
        super().__init__()
        self.network = student
        self._teacher = (teacher.eval().requires_grad_(False),)  # in a tuple: no sub-module
        self._objective, self._config = objective, config
        channels = dict(zip(teacher.feature_strides, teacher.feature_channels, strict=True))
        shared = [
            (str(stride), channels[stride], width)
            for stride, width in zip(student.feature_strides, student.feature_channels, strict=True)
            if stride in channels
        ]
        if config.features and not shared:
            raise ConfigError("Teacher and student share no scale of features: set distillation.features to 0.")
        self.projections = nn.ModuleDict(
            {stride: nn.Conv2d(wide, narrow, 1) for stride, wide, narrow in shared if config.features}
        )

    def teacher_to(self, device: torch.device) -> None:
        """Move the teacher, which moves with nothing else."""
        self._teacher[0].to(device)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss (scalar) and unweighted terms of one batch."""
        (teacher,) = self._teacher
        infrared = batch["infrared"]
        with torch.no_grad():
            wanted, taught = teacher(
                _seen_by(teacher, batch["visible"]), infrared, batch.get("text"), return_features=True
            )
        fused, learned = self.network(_seen_by(self.network, batch["visible"]), infrared, return_features=True)
        base, terms = self._objective(fused, _seen_by(self.network, batch["clean_visible"]), batch["clean_infrared"])
        if fused.shape[1] == 3 and wanted.shape[1] == 3:
            result = functional.l1_loss(fused, wanted)
        else:  # one of them fuses luminance
            result = functional.l1_loss(grey(fused), grey(wanted))
        config = self._config
        total = config.base * base + config.result * result
        terms = {**terms, "base": base.detach(), "result": result.detach()}
        if self.projections:
            theirs = dict(zip(teacher.feature_strides, taught, strict=True))
            features = torch.stack(
                [
                    functional.l1_loss(mine.float(), self.projections[str(stride)](theirs[stride]).float())
                    for stride, mine in zip(self.network.feature_strides, learned, strict=True)
                    if str(stride) in self.projections
                ]
            ).sum()
            total = total + config.features * features
            terms["features"] = features.detach()
        return total, terms


def _seen_by(network: Network, visible: Tensor) -> Tensor:
    return grey(visible) if network.visible_input == "luminance" else visible

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from distilfuse.losses import Objective
from distilfuse.losses.steadiness import steadiness_loss
from distilfuse.training.task import BaseTask


class Gain(nn.Module):
    """Fuses by making the visible picture brighter, and what moves in it with it."""

    visible_input = "luminance"

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(3.0))

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return self.gain * visible


def batch() -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    sizes = {"visible": (4, 3), "infrared": (4, 1), "clean_visible": (4, 3), "clean_infrared": (4, 1)}
    sizes |= {"visible_takes": (4, 3), "infrared_takes": (4, 1)}
    return {name: torch.rand(*size, 32, 32, generator=rng) / 3 for name, size in sizes.items()}


def test_flicker_counts_by_its_weight_and_is_learned_from() -> None:
    network = Gain()
    results = {}
    for weight in (0.0, 2.0):
        network.zero_grad()
        loss, terms = BaseTask(network, Objective({"intensity": 1.0}), steadiness=weight)(batch())  # type: ignore[arg-type]
        loss.backward()  # type: ignore[no-untyped-call]
        results[weight] = (loss.item(), terms["steadiness"].item(), float(network.gain.grad or 0))
    flicker = results[0.0][1]
    assert flicker > 0
    assert results[2.0][0] - results[0.0][0] == pytest.approx(2 * flicker, rel=1e-4)
    assert results[2.0][2] > results[0.0][2], "less gain, less flicker"


def test_the_objective_judges_the_crops_alone() -> None:
    network, whole = Gain(), batch()
    with_takes, _ = BaseTask(network, Objective({"intensity": 1.0}))(whole)  # type: ignore[arg-type]
    takes = [whole.pop(name) for name in ("visible_takes", "infrared_takes")]
    without, terms = BaseTask(network, Objective({"intensity": 1.0}))(whole)  # type: ignore[arg-type]
    assert with_takes.item() == pytest.approx(without.item(), rel=1e-5)
    assert "steadiness" not in terms
    fused = network(takes[0].mean(1, keepdim=True), takes[1])
    assert steadiness_loss(fused, takes[0], takes[1]) > 0

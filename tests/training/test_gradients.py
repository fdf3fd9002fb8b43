"""A recorded step gives what the written one gives; a journal reads late and misses nothing."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from lightning.fabric import Fabric

from distilfuse.errors import DistilfuseError
from distilfuse.losses import Objective
from distilfuse.nets.build import build, config_from_dict
from distilfuse.training.gradients import Gradients
from distilfuse.training.journal import Journal
from distilfuse.training.schedule import MovingAverage
from distilfuse.training.task import BaseTask

WEIGHTS = {"intensity": 16.0, "signed_gradient": 20.0, "structure": 2.0, "edge_preservation": 5.0, "fidelity": 1.0}
SMALL_TEACHER = {
    "kind": "teacher", "channels": 8, "blocks": [1, 1], "channel_heads": [1, 1], "spatial_heads": [1, 1],
    "refinement": 1, "text_channels": 32,
}  # fmt: skip


def batch(seed: int, device: str) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    shapes = {"visible": 3, "infrared": 1, "clean_visible": 3, "clean_infrared": 1}
    tensors = {name: torch.rand(2, channels, 64, 64, generator=rng) for name, channels in shapes.items()}
    tensors["text"] = torch.randn(2, 32, generator=rng)
    tensors["factors"] = 1 + torch.rand(2, len(WEIGHTS), generator=rng)
    return {name: tensor.to(device) for name, tensor in tensors.items()}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("config", [SMALL_TEACHER, {"kind": "nano", "text_channels": 32}], ids=["teacher", "nano"])
def test_a_recorded_step_gives_the_gradients_of_the_written_one(
    config: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernels that are searched for are others than those of the written step: with TF32 they differ by 5 %.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    fabric = Fabric(accelerator="cuda", devices=1)
    torch.manual_seed(0)
    task = fabric.setup_module(BaseTask(build(config_from_dict(config)), Objective(WEIGHTS)))
    recorded = Gradients(fabric, task)
    for seed in range(3):  # the first is recorded, the others are replayed
        loss, _ = recorded(batch(seed, "cuda"))  # type: ignore[arg-type]
        found = (float(loss), [p.grad.clone() for p in task.parameters() if p.grad is not None])
        task.zero_grad(set_to_none=False)
        expected, _ = task(batch(seed, "cuda"))
        gradients = torch.autograd.grad(expected, [p for p in task.parameters() if p.grad is not None])
        assert found[0] == pytest.approx(expected.item(), rel=1e-4)
        for mine, theirs in zip(found[1], gradients, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-2, atol=1e-4 * float(theirs.abs().max() + 1e-6))


def test_as_written_every_step_begins_without_gradients() -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
    task = fabric.setup_module(
        BaseTask(build(config_from_dict({"kind": "nano", "text_channels": 32})), Objective(WEIGHTS))
    )
    gradients = Gradients(fabric, task)
    loss, terms = gradients(batch(0, "cpu"))  # type: ignore[arg-type]
    first = [p.grad.clone() for p in task.parameters() if p.grad is not None]
    assert terms.keys() == WEIGHTS.keys()
    assert not loss.requires_grad
    gradients(batch(0, "cpu"))  # type: ignore[arg-type]
    assert all(torch.equal(a, p.grad) for a, p in zip(first, task.parameters(), strict=False) if p.grad is not None)


class Logged:
    """A run on a device that one has to wait for."""

    def __init__(self) -> None:
        self.device = SimpleNamespace(type="cuda")
        self.lines: list[tuple[int, dict[str, float]]] = []

    def log_dict(self, values: dict[str, float], step: int) -> None:
        self.lines.append((step, values))


def test_a_journal_reads_late_and_misses_nothing() -> None:
    fabric = Logged()
    journal = Journal(fabric, "last")  # type: ignore[arg-type]
    for step in range(1, 13):
        journal.add(step, torch.tensor(float(step)), {"intensity": torch.tensor(0.5)})
    assert [step for step, _ in fabric.lines] == list(range(1, 11))
    journal.read()
    assert fabric.lines[-1] == (12, {"loss": 12.0, "terms/intensity": 0.5})
    assert journal.loss == 12.0
    journal.add(13, torch.tensor(math.nan), {})
    journal.add(14, torch.tensor(1.0), {})
    with pytest.raises(DistilfuseError, match="The loss is nan at step 13"):
        journal.read()
    assert math.isnan(journal.loss)
    assert fabric.lines[-1][0] == 12


def test_the_average_forgets_its_beginning() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    average = MovingAverage(network, 0.5)
    values = []
    for k in range(60):
        with torch.no_grad():
            network.weight.fill_(float(k))
        average.update(network)
        values.append(float(average.module.weight))
    assert values[0] == 0.0  # the first update replaces
    assert values[1] == pytest.approx(1 - 2 / 11)
    assert 59 - values[-1] == pytest.approx(0.5 / 0.5, rel=0.01)  # the lag of a decay of 0.5
    again = MovingAverage(network, 0.5)
    again.load_state_dict(average.state_dict())
    assert again.updates == 60
    assert not any(p.requires_grad for p in average.module.parameters())

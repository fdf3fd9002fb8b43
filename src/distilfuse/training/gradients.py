"""Forward and backward of a step: as it is written, or recorded once and replayed on a GPU."""

from __future__ import annotations

from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from distilfuse.training.crops import Batch

Outcome = tuple[Tensor, dict[str, Tensor]]
"""Loss (scalar) and unweighted terms of a batch, detached; overwritten by the next step of a recorded one."""

_WARM_UP = 3
"""Steps before recording, in which libraries choose their kernels and take their workspaces."""


class Gradients:
    """Leaves the gradients of a batch in the parameters of the task.

    The attention networks are thousands of small kernels: on one GPU the step is therefore recorded as a CUDA graph
    and replayed, which takes their launching off the CPU. On a CPU and on several devices it runs as written.

    Args:
        fabric: of the run.
        task: as set up by ``fabric``; called with a batch, it gives loss and terms.
    """

    def __init__(self, fabric: Fabric, task: nn.Module) -> None:
        self._fabric, self._task = fabric, task
        self._records = fabric.device.type == "cuda" and fabric.world_size == 1
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: dict[str, Tensor] = {}
        self._outcome: Outcome | None = None

    def __call__(self, batch: Batch) -> Outcome:
        """Forward and backward; all batches of a run have the same shapes."""
        if not self._records:
            return self._run(batch)
        if self._graph is None:
            self._record(batch)
        assert self._graph is not None
        assert self._outcome is not None
        for name, tensor in _tensors(batch).items():
            self._batch[name].copy_(tensor, non_blocking=True)
        self._graph.replay()
        return self._outcome

    def _run(self, batch: Any) -> Outcome:
        # None, not zero: a recorded backward then writes gradients instead of adding to them.
        self._task.zero_grad(set_to_none=True)
        loss, terms = self._task(batch)
        self._fabric.backward(loss)
        return loss.detach(), terms

    def _record(self, batch: Batch) -> None:
        self._batch = {name: tensor.clone() for name, tensor in _tensors(batch).items()}
        # One shape: let it search for the best kernels. What is not named here would go back to its default.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=torch.backends.cudnn.allow_tf32):
            self._capture()

    def _capture(self) -> None:
        aside = torch.cuda.Stream()  # capture wants a stream other than the default one, warm-up as well
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                self._run(self._batch)
        torch.cuda.current_stream().wait_stream(aside)
        self._task.zero_grad(set_to_none=True)
        self._graph = torch.cuda.CUDAGraph()
        # Thread-local: the loader's thread goes on pinning memory meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outcome = self._run(self._batch)


def _tensors(batch: Batch) -> dict[str, Tensor]:
    return dict(batch)  # type: ignore[arg-type]  # every value of a batch is a tensor

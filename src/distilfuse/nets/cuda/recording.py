"""A function of tensors on an NVIDIA card, recorded as a CUDA graph and replayed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["Recording"]

_WARM_UP = 3
"""Calls before recording, in which libraries choose their kernels and take their workspaces."""


class Recording:
    """What a function does with tensors of these shapes, without the launching of its kernels one by one.

    Args:
        function: of tensors on the card, to one.
        inputs: an example of each.
    """

    def __init__(self, function: Callable[..., Tensor], *inputs: Tensor) -> None:
        self.inputs = [tensor.clone() for tensor in inputs]
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, benchmark=True):
            aside = torch.cuda.Stream()  # capture wants a stream other than the default one, warm-up as well
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(_WARM_UP):
                    function(*self.inputs)
            torch.cuda.current_stream().wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._result = function(*self.inputs)

    def replay(self) -> Tensor:
        """The function of what stands in ``inputs`` now; overwritten by the next replay."""
        self._graph.replay()
        return self._result

"""What a run writes down of every step, and whether it still stands on firm ground."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from lightning.fabric import Fabric
from torch import Tensor

from distilfuse.errors import DistilfuseError


class Journal:
    """Logs loss and terms of every step; reads them from the device only now and then, for reading makes it wait.

    Args:
        fabric: of the run; its logger gets the values.
        last: path of the last checkpoint, for the message of a run that lost its footing.
    """

    _UNREAD = 10
    """Steps that may stay on a GPU."""

    def __init__(self, fabric: Fabric, last: object) -> None:
        self._fabric, self._last = fabric, last
        self._room = self._UNREAD if fabric.device.type == "cuda" else 1
        self._unread: list[tuple[int, tuple[str, ...], Tensor]] = []
        self.loss = math.nan
        """Of the last step that was read."""

    def add(self, step: int, loss: Tensor, terms: Mapping[str, Tensor]) -> None:
        """Note a step (counted from 1).

        Raises:
            DistilfuseError: a loss is not finite any more.
        """
        names = ("loss", *(f"terms/{name}" for name in terms))
        self._unread.append((step, names, torch.stack([loss, *terms.values()])))
        if len(self._unread) >= self._room:
            self.read()

    def read(self) -> None:
        """Log what is still on the device.

        Raises:
            DistilfuseError: a loss is not finite any more.
        """
        unread, self._unread = self._unread, []
        if not unread:
            return
        rows = torch.stack([values.float() for _, _, values in unread]).tolist()
        for (step, names, _), values in zip(unread, rows, strict=True):
            self.loss = values[0]
            if not math.isfinite(self.loss):
                raise DistilfuseError(
                    f"The loss is {self.loss} at step {step}: lower optimiser.lr, or use precision 32-true; "
                    f"the last checkpoint is {self._last}."
                )
            self._fabric.log_dict(dict(zip(names, values, strict=True)), step)

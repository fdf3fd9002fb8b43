"""The one thing that a backend must be able to do."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError

Tensor = NDArray[np.float32]


class Backend(Protocol):
    """A loaded model. It may be called from several threads at once."""

    @property
    def name(self) -> str:
        """What it is chosen by."""
        ...

    @property
    def device(self) -> str:
        """What it computes on, for people to read: never guessed, never silently another."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads that one call may use."""
        ...

    def run(self, visible: Tensor, infrared: Tensor) -> NDArray[Any]:
        """Fuse.

        Args:
            visible: ``N x C x H x W`` in 0..1, C as the model's record says.
            infrared: ``N x 1 x H x W`` in 0..1.

        Returns:
            ``N x C x H x W`` float32, not clamped.
        """
        ...


def usable_cpus() -> int:
    """CPUs that this process may run on (fewer than the machine has in many containers)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(threads: object) -> int:
    """The number of threads to use: the given one, or one a usable CPU.

    Raises:
        ConfigError: less than 1, or not a whole number.
    """
    if threads is None:
        return usable_cpus()
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ConfigError(f"threads must be a whole number from 1 up, not {threads!r}.")
    return threads

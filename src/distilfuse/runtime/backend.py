"""The one thing that a backend must be able to do."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError

Tensor = NDArray[np.float32]


class Backend(Protocol):
    """A loaded model. It may be called from several threads at once."""

    chosen: str
    """How it was chosen, for people to read: empty where it was named, ``fastest of 2`` where that was measured."""

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

    def run(self, visible: Tensor, infrared: Tensor, reading: Tensor | None = None) -> NDArray[Any]:
        """Fuse.

        Args:
            visible: ``N x C x H x W`` in 0..1, C as the model's record says.
            infrared: ``N x 1 x H x W`` in 0..1.
            reading: ``N x K``, of a model with a gauge: the mean of what that gives over the pictures that these are
                parts of. None where they are whole.

        Returns:
            ``N x C x H x W`` float32, not clamped; of a gauge its cells.
        """
        ...


def usable_cpus() -> int:
    """CPUs that this process may run on (fewer than the machine has in many containers)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """The processor, as far as the system tells."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_features() -> str:
    """What instructions it has, as far as the system tells: machines lent by the hour share one name."""
    return _cpuinfo("flags") or _cpuinfo("Features")


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


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


def first_line(error: Exception) -> str:
    """What a library says went wrong, fit for the middle of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__

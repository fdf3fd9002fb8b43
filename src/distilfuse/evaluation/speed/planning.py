"""Which cases a run measures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from distilfuse.errors import ConfigError
from distilfuse.evaluation.baselines import BASELINES
from distilfuse.evaluation.speed.cases import Case, Rival
from distilfuse.runtime import backend_devices, check_threads

BASELINES_TIMED = ("max", "laplacian")
"""Those that stand beside the rivals; the other two cost the same."""

_NAMED_ONLY = ("torch-compile",)
"""Backends that take minutes to start."""

_SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)")


def plan(
    *,
    models: Sequence[str],
    backends: Sequence[str] | None,
    sizes: Sequence[str],
    threads: Sequence[int] | None,
    batches: Sequence[int],
    rivals: Mapping[str, Rival],
    baselines: bool,
) -> list[Case]:
    """Every model on every backend at every size, with all numbers of threads and batch sizes; then what it is held to.

    Args:
        models: names or records.
        backends: by default all that are installed and find a device, but those that take minutes to start.
        sizes: ``WIDTHxHEIGHT``.
        threads: by default one a usable CPU.
        batches: pairs in one call.
        rivals: timed at the first size only, with batch 1: some take minutes and gigabytes at others.
        baselines: whether max() and Laplacian pyramids are timed too.

    Raises:
        ConfigError: a size that is none, a number below 1.
    """
    if any(batch < 1 for batch in batches):
        raise ConfigError(f"A batch holds at least 1 pair, not {min(batches)}.")
    counts = [check_threads(count) for count in threads] if threads else [check_threads(None)]
    chosen = backends or [name for name, devices in backend_devices().items() if devices and name not in _NAMED_ONLY]
    cases = []
    for width, height in dict.fromkeys(map(_size, sizes)):
        for count in dict.fromkeys(counts):
            around: dict[str, Any] = {"width": width, "height": height, "threads": count}
            for model in dict.fromkeys(models):
                for backend in dict.fromkeys(chosen):
                    cases += [
                        Case(method=model, backend=backend, batch=batch, **around) for batch in dict.fromkeys(batches)
                    ]
            if baselines:
                cases += [Case(method=name, backend="numpy", **around) for name in BASELINES if name in BASELINES_TIMED]
            if (width, height) == _size(sizes[0]):
                cases += [Case(method=name, backend=rival.backend, **around) for name, rival in rivals.items()]
    return cases


def _size(text: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(text.strip().lower())
    if not found:
        raise ConfigError(f"A size is WIDTHxHEIGHT in pixels, like 640x480, not {text!r}.")
    return int(found[1]), int(found[2])

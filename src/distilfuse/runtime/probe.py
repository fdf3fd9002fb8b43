"""The backend ``auto``: whichever is fastest here, measured once for a model and kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from distilfuse import __version__
from distilfuse.errors import DistilfuseError
from distilfuse.runtime.backend import Backend, Tensor, cpu_name
from distilfuse.runtime.cache import recall, remember

_SIZE = (480, 640)
_SECONDS = 1.0
_ROUNDS = 10
_MARGIN = 0.9
"""What another must stay below, in times of the first: that one starts sooner, and less may be noise."""
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "openvino")


def fastest(
    names: Sequence[str],
    load: Callable[[str], Backend],
    weights: bytes,
    *,
    threads: int,
    channels: int,
    multiple: int,
) -> Backend:
    """Load the fastest backend: the one that an earlier probe found, else by a probe.

    Args:
        names: backends to choose from; the first is taken where they are alike.
        load: loads one by its name.
        weights: of the model.
        threads: that a call may use.
        channels: of the visible picture.
        multiple: what sides must be multiples of.

    Raises:
        DistilfuseError: no backend can load and run the model; the error is that of the first.
    """
    file = _file(names, weights, threads)
    kept = recall(file)
    known, number = kept.get("backend"), kept.get("of")
    if isinstance(known, str) and known in names and isinstance(number, int):
        try:
            return _said(load(known), number)
        except DistilfuseError:
            pass  # what could be loaded then cannot be any more, so choose anew
    rng = np.random.default_rng(0)
    height, width = (side + -side % multiple for side in _SIZE)
    pair = rng.random((1, channels, height, width), np.float32), rng.random((1, 1, height, width), np.float32)
    backends, errors = {}, []
    first: dict[str, float] = {}
    for name in names:
        try:
            backend = load(name)
            first[name] = _time(backend, pair)
        except DistilfuseError as error:
            errors.append(error)
        else:
            backends[name] = backend
    if not backends:
        raise errors[0]
    seconds = measure(backends, pair, first) if len(backends) > 1 else first
    best = min(seconds, key=lambda name: seconds[name])
    usual = next(iter(backends))
    if seconds[best] > _MARGIN * seconds[usual]:
        best = usual
    remember(file, {"backend": best, "of": len(backends), "seconds": seconds})
    return _said(backends[best], len(backends))


def measure(
    backends: Mapping[str, Backend], pair: tuple[Tensor, Tensor], first: Mapping[str, float]
) -> dict[str, float]:
    """Seconds of the best call of each: called in turns, so that what else the machine does troubles all alike.

    Args:
        backends: by name.
        pair: what they fuse.
        first: seconds of the call that each has behind it. Where the network takes seconds, that one decides.
    """
    best = dict(first)
    end = time.perf_counter() + _SECONDS
    for _ in range(_ROUNDS):
        if time.perf_counter() + sum(best.values()) > end:
            break
        for name, backend in backends.items():
            best[name] = min(best[name], _time(backend, pair))
    return best


def _time(backend: Backend, pair: tuple[Tensor, Tensor]) -> float:
    start = time.perf_counter()
    backend.run(*pair)
    return time.perf_counter() - start


def _said(backend: Backend, number: int) -> Backend:
    backend.chosen = f"fastest of {number}" if number > 1 else ""
    return backend


def _file(names: Sequence[str], weights: bytes, threads: int) -> str:
    """Where the choice is kept: a name that changes with everything that may change it."""
    about: list[Any] = [hashlib.sha256(weights).hexdigest(), threads, cpu_name(), list(names), __version__]
    about += [_version(package) for package in _PACKAGES]
    return f"backends/{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]}.json"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

"""What is timed: a model on a backend, a baseline, or a rival, at one size, with some threads."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse import samples
from distilfuse.errors import ConfigError
from distilfuse.evaluation.baselines import BASELINES
from distilfuse.fuser import Fuser
from distilfuse.runtime import open_backend
from distilfuse.zoo import find_model, read_weights

QABF: Mapping[str, Mapping[str, float]] = {
    "ifcnn": {"msrs": 0.530, "roadscene": 0.544},
    "seafusion": {"msrs": 0.667, "roadscene": 0.527},
    "max": {"msrs": 0.704, "roadscene": 0.602, "tno": 0.589},
    "laplacian": {"msrs": 0.633, "roadscene": 0.585, "tno": 0.527},
}
"""Means in the protocol ``paper``, from docs/results: of the published results of others (a network of that size with
random weights takes the same time) and of baselines."""

Fuse = Callable[[NDArray[np.uint8], NDArray[np.uint8]], object]
"""``H x W x 3`` RGB and ``H x W`` grey, uint8, in; a fused picture out."""

PICTURE = "day-road"
"""The sample pair that is fused, resized: what a gamut or a cache does depends on what is in a picture."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the result."""

    method: str
    backend: str
    """Of a model; ``numpy``, ``opencv`` or ``torch`` for others."""
    width: int
    height: int
    threads: int
    batch: int = 1

    @property
    def size(self) -> str:
        """``WIDTHxHEIGHT``."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Something to compare with that is not ours."""

    backend: str
    open: Callable[[int], Fuse]
    """Make it for a number of threads."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A case that is loaded and ready."""

    case: Case
    device: str
    run: Callable[[], object]
    """Fuse the pair once, arrays in and out."""
    network: Callable[[], object] | None = None
    """The network alone, on tensors that are ready."""
    flop: float | None = None
    """Arithmetic of one pair."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """Test set to mean Qabf."""
    loading: float = 0.0
    """Seconds that loading took."""


def open_runner(case: Case, rivals: Mapping[str, Rival]) -> Runner:
    """Load what a case names.

    Raises:
        ConfigError: there is nothing of that name.
        ModelError, MissingDependencyError: see :class:`distilfuse.fuser.Fuser`.
    """
    visible, infrared = pair(case.width, case.height)
    if case.method in rivals:
        rival = rivals[case.method]
        fuse = rival.open(case.threads)
        known = QABF.get(case.method, {})
        return Runner(case=case, device="CPU", run=lambda: fuse(visible, infrared), quality=known)
    if case.backend == "numpy":
        if case.method not in BASELINES:
            raise ConfigError(f"There is no baseline named {case.method!r}: choose {', '.join(BASELINES)}.")
        baseline = BASELINES[case.method]
        return Runner(
            case=case, device="CPU", run=lambda: baseline(visible, infrared), quality=QABF.get(case.method, {})
        )
    return _open_model(case, visible, infrared)


def _open_model(case: Case, visible: NDArray[np.uint8], infrared: NDArray[np.uint8]) -> Runner:
    start = time.perf_counter()
    fuser = Fuser.from_pretrained(case.method, backend=case.backend, threads=case.threads)
    loading = time.perf_counter() - start
    visibles, infrareds = [visible] * case.batch, [infrared] * case.batch
    record = fuser.record
    return Runner(
        case=case,
        device=fuser.device,
        run=lambda: fuser.batch(visibles, infrareds),
        network=_network(fuser, case),
        flop=record.flop_per_pixel * case.width * case.height * case.batch,
        quality={name: values["Qabf"] for name, values in record.scores.items() if "Qabf" in values},
        loading=loading,
    )


def _network(fuser: Fuser, case: Case) -> Callable[[], object]:
    """The network alone, loaded a second time, on tensors of that size."""
    record, folder = find_model(case.method)
    channels = 1 if record.visible_input == "luminance" else 3
    backend = open_backend(
        fuser.backend,
        read_weights(record, folder / record.file),
        threads=case.threads,
        architecture=record.architecture,
    )
    height, width = (-(-side // record.multiple) * record.multiple for side in (case.height, case.width))
    rng = np.random.default_rng(0)
    visible = rng.random((case.batch, channels, height, width), np.float32)
    infrared = rng.random((case.batch, 1, height, width), np.float32)
    return lambda: backend.run(visible, infrared)


def pair(width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The sample pair at that size."""
    pictures = samples.load(PICTURE)
    first, second = (
        np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)) for picture in pictures
    )
    return first, second


def as_json(case: Case) -> dict[str, Any]:
    """For the child process and the report."""
    return dataclasses.asdict(case)

"""A released model in 8-bit integers: which convolutions, what they cost, and the files if that is little enough."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from distilfuse.errors import ConfigError, ModelError, OutputError
from distilfuse.export.judging import (
    BUDGET,
    Quality,
    Scene,
    feed,
    judge,
    load_scenes,
    refuse_beyond,
    worst,
)
from distilfuse.export.quantization import Convolution, Quantizer
from distilfuse.imaging.writing import write_bytes
from distilfuse.runtime import open_backend
from distilfuse.zoo import ModelRecord, find_model, read_part, read_weights

_SIDE = 256
"""Pixels a side of the squares that ranges are taken from and the search is judged on; the verdict sees all."""
_LEAST_WORK = 0.02
"""Share of the arithmetic below which the way to integers and back costs more than it saves."""
_RESERVE = 0.8
"""Share of the budget that the search may use up: its squares are not the whole pictures."""
_SIZE = (480, 640)

Told = Callable[[int, int, str], None]
"""Is called with the number of steps done, the number in all, and what comes next."""


@dataclass(frozen=True)
class Quantized:
    """What came out."""

    record: ModelRecord
    weights: bytes
    chosen: tuple[Convolution, ...]
    kept: tuple[Convolution, ...]
    """Convolutions that stay in float32."""
    alone: Mapping[str, float]
    """Node to the largest loss, in percent, with nothing but this one in integers; empty without a search."""
    before: Quality
    after: Quality


@dataclass(frozen=True)
class Timed:
    """Milliseconds of the network alone, for one pair of 640x480."""

    least: float
    median: float
    processor: float
    """Least processor time: what else the machine does matters less to it."""


class _Trials:
    """Judges choices of convolutions on squares of the validation pairs."""

    def __init__(self, record: ModelRecord, weights: bytes, quantizer: Quantizer, scenes: Sequence[Scene]) -> None:
        self._record = record
        self._quantizer = quantizer
        self._scenes = [scene.middle(_SIDE) for scene in scenes]
        self._before = quality(record, weights, self._scenes)

    def loss(self, chosen: Sequence[Convolution]) -> float:
        return worst(self._before, quality(self._record, self._quantizer.quantize(chosen), self._scenes))


def quality(record: ModelRecord, weights: bytes, scenes: Sequence[Scene], backend: str = "onnxruntime") -> Quality:
    """Scores of a model's weights, perhaps of other bits than the record's."""
    return judge(record, open_backend(backend, weights), scenes)


def quantize(
    name: str,
    root: Path,
    *,
    method: str = "onnxruntime",
    keep: Sequence[str] = (),
    pairs: int = 12,
    budget: float = BUDGET,
    told: Told = lambda done, total, following: None,
) -> Quantized:
    """Quantise a released model and measure what it loses. Nothing is written.

    Without ``keep``, convolutions are chosen: each is tried alone, then they are taken in, those first that bring the
    most arithmetic for what they lose, as long as the budget lasts.

    Args:
        name: of a model, or the path of a record.
        root: folder that holds the sets that the model was trained on. Ranges come from their training pairs,
            choice and verdict from their validation pairs.
        method: see :class:`~distilfuse.export.quantization.Quantizer`.
        keep: nodes or kernels of convolutions that stay in float32; all others are quantised.
        pairs: of each set, for each of the two.
        budget: percent of its value that no score may lose.
        told: see :data:`Told`.

    Raises:
        ModelError: the result loses more than the budget, or no convolution can be quantised within it.
        ConfigError: a node to keep is not there, or an unknown method.
        DistilfuseError: see what is called.
    """
    record, folder = find_model(name)
    weights = read_weights(record, folder / record.file)
    told(0, 1, "pictures")
    seen = load_scenes(record, root, "train", pairs=pairs)
    scenes = load_scenes(record, root, "validation", pairs=pairs)
    told(0, 1, "ranges")
    quantizer = Quantizer(weights, [feed(record, scene.middle(_SIDE)) for scene in seen], method=method)
    alone: dict[str, float] = {}
    if keep:
        chosen = _all_but(quantizer.convolutions, keep)
    else:
        alone, chosen = _search(_Trials(record, weights, quantizer, scenes), quantizer.convolutions, budget, told)
    told(1, 2, "whole pictures")
    before = quality(record, weights, scenes)
    while True:
        content = quantizer.quantize(chosen)
        after = quality(record, content, scenes)
        if keep or len(chosen) < 2 or worst(before, after) <= budget:
            break
        chosen = chosen[:-1]  # the one that was taken in last brings the least
    label = f"{record.name}-int8"
    refuse_beyond(budget, label, before, after)
    made = replace(
        record,
        name=label,
        summary=f"{record.summary.rstrip('.')}; {len(chosen)} convolutions in 8-bit integers.",
        file=f"{label}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        gauge=record.gauge and record.gauge | {"file": f"{label}.gauge.onnx"},
        colour={},  # that file holds the weights in float32
        scores={},  # those of the record were measured in float32
    )
    told(2, 2, "")
    kept = tuple(one for one in quantizer.convolutions if one not in chosen)
    return Quantized(made, content, tuple(chosen), kept, alone, before, after)


def _all_but(convolutions: Sequence[Convolution], keep: Sequence[str]) -> list[Convolution]:
    known = {name for one in convolutions for name in (one.name, one.weight)}
    if odd := [name for name in keep if name not in known]:
        names = ", ".join(one.weight for one in convolutions)
        raise ConfigError(f"The model has no convolution {odd[0]!r} to keep: choose from {names}.")
    chosen = [one for one in convolutions if not {one.name, one.weight} & set(keep)]
    if not chosen:
        raise ConfigError("All convolutions are kept in float32: leave at least one to quantise.")
    return chosen


def _search(
    trials: _Trials, convolutions: Sequence[Convolution], budget: float, told: Told
) -> tuple[dict[str, float], list[Convolution]]:
    """Losses of each alone, and those that fit into the budget together, the best bargain first."""
    candidates = [one for one in convolutions if one.work >= _LEAST_WORK]
    total, done = 2 * len(candidates), 0
    alone = {}
    for one in candidates:
        told(done, total, f"{one.weight} alone")
        alone[one.name] = trials.loss([one])
        done += 1
    # A loss below a hundredth of the budget is chance, or none.
    bargains = sorted(candidates, key=lambda one: one.work / max(alone[one.name], budget / 100), reverse=True)
    chosen: list[Convolution] = []
    for one in bargains:
        told(done, total, f"{len(chosen)} and {one.weight}")
        done += 1
        if alone[one.name] <= _RESERVE * budget and trials.loss([*chosen, one]) <= _RESERVE * budget:
            chosen.append(one)
    if not chosen:
        figures = ", ".join(f"{one.weight} {alone[one.name]:.2f} %" for one in candidates)
        raise ModelError(
            f"No convolution can be quantised within {budget} % of any score; alone they lose {figures}: "
            "nothing was written."
        )
    return alone, chosen


def time_beside(weights: Mapping[str, bytes], *, rounds: int = 30) -> dict[tuple[str, str], Timed]:
    """Time models on the backends for the CPU that are installed, in turns and in one process.

    Args:
        weights: label to the bytes of an ONNX file; of one network, so that all take the same pictures.
        rounds: calls of each, after two that do not count.

    Returns:
        Label and backend to their times.
    """
    backends = ["onnxruntime", *(["openvino"] if find_spec("openvino") else [])]
    loaded = {(label, name): open_backend(name, content) for label, content in weights.items() for name in backends}
    rng = np.random.default_rng(0)
    channels = _channels(next(iter(weights.values())))
    pair = rng.random((1, channels, *_SIZE), np.float32), rng.random((1, 1, *_SIZE), np.float32)
    walls: dict[tuple[str, str], list[float]] = {key: [] for key in loaded}
    used: dict[tuple[str, str], list[float]] = {key: [] for key in loaded}
    for turn in range(rounds + 2):
        for key, backend in loaded.items():
            wall, processor = time.perf_counter(), time.process_time()
            backend.run(*pair)
            if turn >= 2:
                used[key].append(1e3 * (time.process_time() - processor))
                walls[key].append(1e3 * (time.perf_counter() - wall))
    return {key: Timed(min(walls[key]), statistics.median(walls[key]), min(used[key])) for key in loaded}


def _channels(weights: bytes) -> int:
    import onnx

    (visible,) = (put for put in onnx.load_model_from_string(weights).graph.input if put.name == "visible")
    return int(visible.type.tensor_type.shape.dim[1].dim_value)


def write_quantized(made: Quantized, source: str, folder: Path) -> Path:
    """Write the ONNX file, a copy of the gauge and the record; the record last, so that it never lies alone.

    Args:
        made: what to write.
        source: the model that it was made of.
        folder: made if it is missing.

    Returns:
        The record's path, which ``Fuser.from_pretrained`` takes.

    Raises:
        OutputError: it cannot be written.
    """
    record = made.record
    original, home = find_model(source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}): name another.") from error
    write_bytes(folder / record.file, made.weights)
    if record.gauge:
        write_bytes(folder / record.gauge["file"], read_part(original, "gauge", home))
    path = folder / f"{record.name}.json"
    write_bytes(path, record.to_json().encode())
    return path

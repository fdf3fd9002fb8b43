"""What a network's features look like on real pictures: ranges for a grid of 256 steps, means for the biases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

Feed = Mapping[str, NDArray[np.float32]]
"""What goes into the network, by the name of its input."""

_SAMPLES = 5_000
"""Values of a tensor that are kept of one picture."""
_STEPS = 255
_FAR = (100.0, 99.999, 99.99, 99.97, 99.9, 99.8, 99.5)
"""Percentiles at which a range may end."""


@dataclass(frozen=True)
class Observed:
    """One tensor over all pictures."""

    values: NDArray[np.float32]
    """A sample, flat."""
    reach: NDArray[np.float32]
    """How far each channel goes from zero: the 99.9th percentile of its magnitude."""
    places: int
    """Pixels that it has, of all pictures."""

    def range(self) -> tuple[float, float]:
        """The range in which 256 steps are nearest to the values, by the mean of squares; it has 0 in it.

        A few values lie far out. A range that takes in all of them is coarse for the rest, and one that cuts many
        off harms those: what is between is tried.
        """
        below, above = np.minimum(self.values, 0), np.maximum(self.values, 0)
        best, least = (float(below.min()), float(above.max())), np.inf
        for far in _FAR:
            low, high = float(np.percentile(below, 100 - far)), float(np.percentile(above, far))
            step = (high - low) / _STEPS
            if step <= 0:
                continue
            low = step * round(low / step)  # zero is a step, for the padding
            rounded = low + step * np.clip(np.round((self.values - low) / step), 0, _STEPS)
            error = float(np.square(rounded - self.values, dtype=np.float64).mean())
            if error < least:
                best, least = (low, low + step * _STEPS), error
        return best


def observe(model: onnx.ModelProto, feeds: Sequence[Feed], names: Sequence[str]) -> dict[str, Observed]:
    """Run a model and look at some of its tensors, ``N x C x H x W`` each."""
    rng = np.random.default_rng(0)
    values: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    reach: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    places: dict[str, int] = defaultdict(int)
    for tensors in _run(model, feeds, names):
        for name, tensor in tensors.items():
            places[name] += tensor.size // tensor.shape[1]
            values[name].append(rng.choice(tensor.reshape(-1), min(tensor.size, _SAMPLES), replace=False))
            reach[name].append(np.percentile(np.abs(tensor), 99.9, axis=(0, 2, 3)).astype(np.float32))
    return {name: Observed(np.concatenate(values[name]), np.max(reach[name], axis=0), places[name]) for name in names}


def means(model: onnx.ModelProto, feeds: Sequence[Feed], names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Mean of each channel of some tensors over all pictures."""
    total: dict[str, NDArray[np.float64]] = {}
    for tensors in _run(model, feeds, names):
        for name, tensor in tensors.items():
            total[name] = total.get(name, 0) + tensor.mean((0, 2, 3), dtype=np.float64)
    return {name: value / len(feeds) for name, value in total.items()}


def _run(
    model: onnx.ModelProto, feeds: Sequence[Feed], names: Sequence[str]
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Tensors of a model by name, a picture at a time."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    there = {value.name for value in watched.graph.output}
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in there)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    # As it is written: an optimised graph may have no such tensor.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(watched.SerializeToString(), options, ["CPUExecutionProvider"])
    for feed in feeds:
        yield dict(zip(names, session.run(list(names), dict(feed)), strict=True))

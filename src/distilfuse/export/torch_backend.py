"""The backends ``torch...``: a released ONNX file read back into the network it was made of.

An exported nano network keeps every weight under its name; an attention network does not, and is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from torch import Tensor

from distilfuse.errors import ConfigError, DistilfuseError, ModelError
from distilfuse.export.onnx import TOLERANCE
from distilfuse.nets.build import Network, build, config_from_dict
from distilfuse.nets.cuda.recording import Recording
from distilfuse.nets.nano import NanoNet
from distilfuse.runtime.backend import first_line
from distilfuse.runtime.onnxruntime_backend import OnnxRuntimeBackend

_PREFIX = "network."
"""Before the names of weights in an exported file."""


Fuse = Callable[..., Tensor]
"""Visible, infrared and for some networks the reading, to fused."""


class TorchBackend:
    """A network in PyTorch; its name may end in a device, as in ``torch:cuda``.

    ``torch`` and ``torch-compile`` compute in float32, ``torch-half`` in float16, on an NVIDIA card and recorded.
    """

    chosen = ""

    def __init__(self, name: str, weights: bytes, *, threads: int, architecture: Mapping[str, Any]) -> None:
        self.name = name
        self.threads = threads
        kind, _, place = name.partition(":")
        self._device = _open_device(place or ("cuda" if kind == "torch-half" else "cpu"))
        self.device = _describe(self._device)
        network: Network = read_network(weights, architecture).to(self._device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types leave it out

        def fuse(visible: Tensor, infrared: Tensor, *reading: Tensor) -> Tensor:
            part = {"reading": reading[0]} if reading else {}  # only networks with a gauge are given one
            fused: Tensor = network.fuse_padded(visible, infrared, **part)[0]
            return fused

        self._fuse: Fuse
        if kind == "torch-half":
            network.half()
            self._fuse = _Recorded(fuse, self._device)
        elif kind == "torch-compile":
            # Sizes as variables: by default every size compiles anew, and after some PyTorch gives up without a word.
            self._fuse = torch.compile(fuse, dynamic=True)
        else:
            self._fuse = fuse

    def run(
        self,
        visible: NDArray[np.float32],
        infrared: NDArray[np.float32],
        reading: NDArray[np.float32] | None = None,
    ) -> NDArray[Any]:
        """See :class:`distilfuse.runtime.backend.Backend`."""
        try:
            with torch.inference_mode(), _threads(self.threads):
                given = [visible, infrared] if reading is None else [visible, infrared, reading]
                fused: NDArray[Any] = self._fuse(*map(self._place, given)).cpu().numpy()
        except Exception as error:  # of PyTorch, of its compiler, of the C++ compiler behind that
            height, width = visible.shape[-2:]
            raise ModelError(f"PyTorch failed on a {width}x{height} pair ({first_line(error)}).") from error
        return fused

    def _place(self, plane: NDArray[np.float32]) -> Tensor:
        tensor = torch.from_numpy(np.require(plane, requirements="W"))  # which torch wants to see, not to use
        if self._device.type == "cuda":
            # From pinned memory both pictures are on their way while the first is used.
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)


class _Recorded:
    """A function that is recorded for each shape of its inputs; the shapes used last are kept."""

    _MOST = 8

    def __init__(self, function: Fuse, device: torch.device) -> None:
        if device.type != "cuda":
            raise ConfigError(f"The backend 'torch-half' runs on NVIDIA cards, not on {device}: take 'torch' there.")
        self._function, self._device = function, device
        self._kept: dict[tuple[torch.Size, ...], Recording] = {}
        self._lock = threading.Lock()  # a recording has one set of inputs

    def __call__(self, *inputs: Tensor) -> Tensor:
        key = tuple(tensor.shape for tensor in inputs)
        with self._lock, torch.cuda.device(self._device):
            recording = self._kept.pop(key, None) or Recording(self._function, *inputs)
            self._kept[key] = recording  # the last one used goes to the end
            while len(self._kept) > self._MOST:
                del self._kept[next(iter(self._kept))]
            for kept, tensor in zip(recording.inputs, inputs, strict=True):
                kept.copy_(tensor, non_blocking=True)
            return recording.replay().clone()


def torch_devices() -> list[str]:
    """What PyTorch computes on here."""
    cards = [f"CUDA ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    return ["CPU", *cards]


def _describe(device: torch.device) -> str:
    name = device.type.upper()
    return f"{name} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else name


def _open_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"PyTorch has no device {name!r}: write torch, torch:cuda or torch:cuda:1.") from error
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:
        raise DistilfuseError(
            f"PyTorch cannot use the device {name!r} ({first_line(error)}): use the backend 'torch', on the CPU."
        ) from error
    return device


def read_network(weights: bytes, architecture: Mapping[str, Any]) -> Network:
    """The network of a configuration with the weights of an exported file, proved to compute what the file does.

    Raises:
        ConfigError: there is no such network.
        ModelError: the file is no export of it.
    """
    network = build(config_from_dict(dict(architecture))).eval()
    if isinstance(network, NanoNet):
        network.merge()
    wanted = network.state_dict().keys()
    try:
        stored = onnx.load_model_from_string(weights).graph.initializer
        found = {tensor.name.removeprefix(_PREFIX): torch.from_numpy(to_array(tensor).copy()) for tensor in stored}
        if lost := sorted(wanted - found.keys()):
            # Attention networks: what the exporter could compute from their weights stands in the file instead.
            raise ValueError(f"its file holds no {lost[0]}, nor {len(lost) - 1} more of {len(wanted)} weights")
        network.load_state_dict({name: found[name] for name in wanted})
    except Exception as error:  # protobuf's exceptions have no public common base
        raise ModelError(
            f"PyTorch cannot load the model ({first_line(error)}): use another backend, onnxruntime for one."
        ) from error
    side = network.export_multiple
    generator = torch.Generator().manual_seed(0)
    channels = 1 if network.visible_input == "luminance" else 3
    visible, infrared = (torch.rand(1, count, side, 2 * side, generator=generator) for count in (channels, 1))
    with torch.inference_mode():
        fused = network.fuse_padded(visible, infrared)[0].numpy()
    other = OnnxRuntimeBackend("onnxruntime", weights, threads=1).run(visible.numpy(), infrared.numpy())
    if not np.abs(fused - other).max() <= TOLERANCE:
        raise ModelError(
            "PyTorch cannot load the model (its record names another network than its file holds): restore it."
        )
    return network


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """PyTorch has one number of threads for the whole process: borrowed for a call."""
    before = torch.get_num_threads()
    if before == number:
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)

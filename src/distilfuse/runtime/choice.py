"""Backends by name: which there are, whether they are installed, on what they compute."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

from distilfuse.errors import ConfigError
from distilfuse.runtime.backend import Backend, check_threads
from distilfuse.runtime.installing import INSTALL, not_installed
from distilfuse.runtime.nvidia import nvidia_cards

BACKENDS = tuple(INSTALL)
"""Names that :func:`open_backend` knows, besides :data:`AUTO`."""

AUTO = "auto"
"""The fastest of those that are installed, measured once."""

_TORCH = ("torch", "torch-compile", "torch-half")


def open_backend(
    name: str,
    weights: bytes,
    *,
    threads: int | None = None,
    channels: int = 1,
    multiple: int = 1,
    architecture: Mapping[str, Any] | None = None,
) -> Backend:
    """Load a model into a backend.

    Args:
        name: one of :data:`BACKENDS`, or :data:`AUTO`. Those of PyTorch may name a device: ``torch:cuda``;
            ``openvino:bf16`` computes in bfloat16, on CPUs that have it.
        weights: the bytes of an ONNX file.
        threads: CPU threads, by default one a usable CPU.
        channels: of the visible picture, for ``auto``.
        multiple: what sides must be multiples of, for ``auto``.
        architecture: the network's configuration as plain data, for ``torch``.

    Raises:
        ConfigError: an unknown backend, or ``threads`` below 1.
        MissingDependencyError: it is not installed; the message holds the install line.
        ModelError: it cannot load the model.
        DistilfuseError: it finds no device; it is never replaced by another.
    """
    threads = check_threads(threads)
    if name == AUTO:
        return _fastest(weights, threads=threads, channels=channels, multiple=multiple)
    kind, mark, _ = name.partition(":")
    if kind not in BACKENDS or (mark and kind not in _TORCH and name != "openvino:bf16"):
        raise ConfigError(f"There is no backend named {name!r}: choose {', '.join((AUTO, *BACKENDS))}.")
    if kind in _TORCH:
        try:
            from distilfuse.export.torch_backend import TorchBackend
        except ImportError as error:
            raise not_installed(kind) from error
        return TorchBackend(name, weights, threads=threads, architecture=architecture or {})
    if kind == "openvino":
        from distilfuse.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(weights, threads=threads, name=name)
    from distilfuse.runtime.onnxruntime_backend import OnnxRuntimeBackend

    return OnnxRuntimeBackend(name, weights, threads=threads)


def _fastest(weights: bytes, *, threads: int, channels: int, multiple: int) -> Backend:
    candidates = ["onnxruntime"]
    if find_spec("openvino") is not None:
        candidates.append("openvino")
    if _provided("cuda") and nvidia_cards():
        candidates.append("cuda")
    load = partial(open_backend, weights=weights, threads=threads)
    if len(candidates) == 1:
        return load(candidates[0])
    from distilfuse.runtime.probe import fastest

    return fastest(candidates, load, weights, threads=threads, channels=channels, multiple=multiple)


def backend_devices() -> dict[str, list[str] | None]:
    """Backend to the devices that it finds here, None where it is not installed."""
    return {name: find_devices(name) for name in BACKENDS}


def find_devices(name: str) -> list[str] | None:
    """Devices that one of :data:`BACKENDS` finds here, None where it is not installed."""
    if name in _TORCH:
        try:
            from distilfuse.export.torch_backend import torch_devices
        except ImportError:
            return None
        return [device for device in torch_devices() if name != "torch-half" or device.startswith("CUDA")]
    if name == "openvino":
        if find_spec("openvino") is None:
            return None
        from distilfuse.runtime.openvino_backend import openvino_core

        return [device for device in openvino_core().available_devices if device == "CPU"]
    if not _provided(name):
        return None
    if name == "tensorrt" and not _has_tensorrt():
        return None
    if name in ("cuda", "tensorrt"):
        return [f"CUDA ({card})" for card in nvidia_cards()]
    from distilfuse.runtime.providers import PROVIDERS

    return [PROVIDERS[name].device]


def _provided(name: str) -> bool:
    """Whether the ONNX Runtime that is installed was built with a provider."""
    if find_spec("onnxruntime") is None:
        return False
    import onnxruntime

    from distilfuse.runtime.providers import PROVIDERS

    return PROVIDERS[name].name in onnxruntime.get_available_providers()


def _has_tensorrt() -> bool:
    """ONNX Runtime's builds for GPUs all name the provider; the libraries are another matter."""
    from ctypes.util import find_library

    name = "nvinfer_10" if sys.platform == "win32" else "nvinfer"
    return find_spec("tensorrt") is not None or find_library(name) is not None

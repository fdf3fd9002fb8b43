"""Backends by name: which there are, whether they are installed, on what they compute."""

from __future__ import annotations

from importlib.util import find_spec

from distilfuse.errors import ConfigError
from distilfuse.runtime.backend import Backend, check_threads

BACKENDS = ("onnxruntime", "openvino", "cuda")
"""Names that :func:`open_backend` knows; the first is the default."""


def open_backend(name: str, weights: bytes, *, threads: int | None = None) -> Backend:
    """Load a model into a backend.

    Args:
        name: one of :data:`BACKENDS`. ``cuda`` is ONNX Runtime on an NVIDIA card.
        weights: the bytes of an ONNX file.
        threads: CPU threads, by default one a usable CPU.

    Raises:
        ConfigError: an unknown backend, or ``threads`` below 1.
        MissingDependencyError: it is not installed; the message holds the install line.
        ModelError: it cannot load the model.
    """
    if name not in BACKENDS:
        raise ConfigError(f"There is no backend named {name!r}: choose {', '.join(BACKENDS)}.")
    threads = check_threads(threads)
    if name == "openvino":
        from distilfuse.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(weights, threads=threads)
    from distilfuse.runtime.onnxruntime_backend import OnnxRuntimeBackend

    return OnnxRuntimeBackend(weights, threads=threads, cuda=name == "cuda")


def backend_devices() -> dict[str, list[str]]:
    """Backend to the devices that it finds here; an empty list where it is missing or finds none."""
    devices: dict[str, list[str]] = {name: [] for name in BACKENDS}
    if find_spec("onnxruntime") is not None:
        import onnxruntime

        from distilfuse.runtime.onnxruntime_backend import CUDA

        devices["onnxruntime"] = ["CPU"]
        if CUDA in onnxruntime.get_available_providers():
            devices["cuda"] = ["CUDA"]
    if find_spec("openvino") is not None:
        from distilfuse.runtime.openvino_backend import openvino_core

        devices["openvino"] = [device for device in openvino_core().available_devices if device == "CPU"]
    return devices

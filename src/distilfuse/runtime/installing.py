"""Backends by name, and what installs each."""

from __future__ import annotations

from distilfuse.errors import MissingDependencyError

_GPU = "pip install 'distilfuse[gpu]' && pip install --force-reinstall --no-deps onnxruntime-gpu"

INSTALL = {
    "onnxruntime": "pip install --force-reinstall onnxruntime",
    "openvino": "pip install 'distilfuse[openvino]'",
    "cuda": _GPU,
    "tensorrt": f"{_GPU} && pip install tensorrt",
    "directml": "pip install --force-reinstall --no-deps onnxruntime-directml (on Windows)",
    "coreml": "pip install --force-reinstall onnxruntime (on macOS)",
    "torch": "pip install 'distilfuse[train]'",
    "torch-compile": "pip install 'distilfuse[train]'",
    "torch-half": "pip install 'distilfuse[train]'",
}
"""Backend to its install line; the first is there in every installation."""


def not_installed(name: str) -> MissingDependencyError:
    """The error to raise where a backend is missing."""
    return MissingDependencyError(f"The backend {name!r} is not installed: {INSTALL[name]}")

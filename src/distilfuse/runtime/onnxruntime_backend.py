"""ONNX Runtime: the default backend, on the CPU or on an NVIDIA card."""

from __future__ import annotations

from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, MissingDependencyError, ModelError
from distilfuse.runtime.backend import Tensor

CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_FATAL_ONLY = 4  # what goes wrong comes as an exception; the log would say it a second time on stderr


class OnnxRuntimeBackend:
    """A model in an ONNX Runtime session."""

    def __init__(self, weights: bytes, *, threads: int, cuda: bool = False) -> None:
        self.name = "cuda" if cuda else "onnxruntime"
        self.device = "CUDA" if cuda else "CPU"
        self.threads = threads
        if cuda and CUDA not in ort.get_available_providers():
            raise MissingDependencyError(
                "The backend 'cuda' needs ONNX Runtime for GPUs: pip install 'distilfuse[gpu]' && "
                "pip install --force-reinstall --no-deps onnxruntime-gpu"
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        # Threads that spin while they wait take the time from those they wait for when the machine is busy:
        # a fifth more CPU and a quarter more latency, measured with two threads on two loaded cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(weights, options, providers=[CUDA, _CPU] if cuda else [_CPU])
        except Exception as error:  # its exception classes have no public common base
            raise ModelError(f"ONNX Runtime cannot load the model ({_first_line(error)}).") from error
        if cuda and CUDA not in self._session.get_providers():
            # ONNX Runtime falls back to the CPU by itself; a slow run nobody asked for is worse than none.
            raise DistilfuseError(
                "ONNX Runtime found no usable CUDA device: check nvidia-smi and the CUDA libraries, or use "
                "the backend 'onnxruntime'."
            )

    def run(self, visible: Tensor, infrared: Tensor) -> NDArray[Any]:
        """See :class:`distilfuse.runtime.backend.Backend`."""
        try:
            fused: NDArray[Any] = self._session.run(["fused"], {"visible": visible, "infrared": infrared})[0]
        except Exception as error:
            height, width = visible.shape[-2:]
            raise ModelError(f"ONNX Runtime failed on a {width}x{height} pair ({_first_line(error)}).") from error
        return fused


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__

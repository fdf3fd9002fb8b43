"""OpenVINO: often the fastest on Intel CPUs; the extra ``openvino``."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import MissingDependencyError, ModelError
from distilfuse.runtime.backend import Tensor


class OpenVinoBackend:
    """A model compiled by OpenVINO for the CPU, in float32."""

    name = "openvino"

    def __init__(self, weights: bytes, *, threads: int) -> None:
        try:
            import openvino  # noqa: F401  # only to say at once what is missing
        except ImportError as error:
            raise MissingDependencyError(
                "The backend 'openvino' is not installed: pip install 'distilfuse[openvino]'"
            ) from error
        self.threads = threads
        core = openvino_core()
        self.device = f"CPU ({core.get_property('CPU', 'FULL_DEVICE_NAME').strip()})"
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            # Newer CPUs would compute in bfloat16, which has 8 bits: visible steps in dark skies.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            self._compiled = core.compile_model(core.read_model(model=weights), "CPU", settings)
        except Exception as error:
            raise ModelError(f"OpenVINO cannot load the model ({_reason(error)}).") from error

    def run(self, visible: Tensor, infrared: Tensor) -> NDArray[Any]:
        """See :class:`distilfuse.runtime.backend.Backend`."""
        # One request a call: a request is not safe to share between threads, the compiled model is.
        request = self._compiled.create_infer_request()
        try:
            results = request.infer({"visible": visible, "infrared": infrared})
        except Exception as error:
            height, width = visible.shape[-2:]
            raise ModelError(f"OpenVINO failed on a {width}x{height} pair ({_reason(error)}).") from error
        return np.array(results["fused"])  # a copy: the request owns the memory


@cache
def openvino_core() -> Any:
    """One core for the whole process, never given up.

    On Linux a core's CPU plugin lends the thread that made it a stack for signal handlers and takes it back when
    the last model goes. If that happens in another thread (the garbage collector runs anywhere), the first one
    keeps a stack that is gone, and its next signal, Ctrl-C for instance, is a segmentation fault.
    """
    import openvino

    return openvino.Core()


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__

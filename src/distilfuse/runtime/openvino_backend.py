"""OpenVINO: often the fastest on Intel CPUs; the extra ``openvino``."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, ModelError
from distilfuse.runtime.backend import Tensor
from distilfuse.runtime.cache import made_folder
from distilfuse.runtime.installing import not_installed

BFLOAT16 = "openvino:bf16"
"""The name that asks for bfloat16."""


class OpenVinoBackend:
    """A model compiled by OpenVINO for the CPU: in float32, or named ``openvino:bf16`` in bfloat16.

    Its threads stay on the CPUs of the process.
    """

    chosen = ""

    def __init__(self, weights: bytes, *, threads: int, name: str = "openvino") -> None:
        try:
            import openvino  # noqa: F401  # only to say at once what is missing
        except ImportError as error:
            raise not_installed("openvino") from error
        self.name = name
        self.threads = threads
        core = openvino_core()
        if name == BFLOAT16 and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            # It would compute in float32 without a word.
            raise DistilfuseError(
                "This CPU cannot compute in bfloat16 (it has neither AVX512_BF16 nor AMX): use the backend 'openvino'."
            )
        self.device = f"CPU ({core.get_property('CPU', 'FULL_DEVICE_NAME').strip()})"
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            # Left to itself it takes bfloat16 where the CPU has it: 8 bits, which whoever wants them asks for.
            "INFERENCE_PRECISION_HINT": "bf16" if name == BFLOAT16 else "f32",
        }
        if folder := made_folder("openvino"):
            # Compiled graphs, which OpenVINO checks and renews itself. Measured in CPU time: a nano network loads in
            # 26 ms, not 70, the paper's student in 1.2 s, not 3.8.
            settings["CACHE_DIR"] = str(folder)
        try:
            self._compiled = core.compile_model(core.read_model(model=weights), "CPU", settings)
        except Exception as error:
            raise ModelError(f"OpenVINO cannot load the model ({_reason(error)}).") from error
        shapes = {put.any_name: put.partial_shape for put in self._compiled.inputs}
        self._readings = shapes["reading"][1].get_length() if "reading" in shapes else 0

    def run(self, visible: Tensor, infrared: Tensor, reading: Tensor | None = None) -> NDArray[Any]:
        """See :class:`distilfuse.runtime.backend.Backend`."""
        # One request a call: a request is not safe to share between threads, the compiled model is. It costs some
        # microseconds; inputs are read where they lie, results copied once, as they would go with the request.
        request = self._compiled.create_infer_request()
        inputs = {"visible": visible, "infrared": infrared}
        if self._readings:
            inputs["reading"] = np.zeros((len(visible), self._readings), np.float32) if reading is None else reading
        try:
            fused: NDArray[Any] = request.infer(inputs, share_inputs=True)["fused"]
            if fused.shape != visible.shape:  # of a size that the network cannot take: with one thread it is empty
                raise ValueError(f"the result has shape {list(fused.shape)}")
        except Exception as error:
            height, width = visible.shape[-2:]
            raise ModelError(f"OpenVINO failed on a {width}x{height} pair ({_reason(error)}).") from error
        return fused


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

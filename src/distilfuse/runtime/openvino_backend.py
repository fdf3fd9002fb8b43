"""OpenVINO: often the fastest on Intel CPUs; the extra ``openvino``."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, ModelError
from distilfuse.runtime.backend import Tensor
from distilfuse.runtime.cache import made_folder
from distilfuse.runtime.installing import not_installed

Size = tuple[int, ...]
"""Shape of a batch of visible pictures."""

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
        self._settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # else every model with one thread has the same CPU, in all processes
            # Left to itself it takes bfloat16 where the CPU has it: 8 bits, which whoever wants them asks for.
            "INFERENCE_PRECISION_HINT": "bf16" if name == BFLOAT16 else "f32",
        }
        # Compiled graphs, which OpenVINO checks and renews itself. Measured in CPU time: a nano network loads in 26 ms,
        # not 70, the paper's student in 1.2 s, not 3.8.
        folder = made_folder("openvino")
        self._cache = {"CACHE_DIR": str(folder)} if folder else {}
        try:
            self._model = core.read_model(model=weights)
        except Exception as error:
            raise ModelError(f"OpenVINO cannot load the model ({_reason(error)}).") from error
        shapes = {put.any_name: put.partial_shape for put in self._model.inputs}
        self._readings = shapes["reading"][1].get_length() if "reading" in shapes else 0
        self._for_any_size: Any = None  # compiled when it is needed: a Fuser may need only one of its two models
        self._last: Size = ()
        self._own: tuple[Size, Any] | None = None
        self._choosing = Lock()

    def run(self, visible: Tensor, infrared: Tensor, reading: Tensor | None = None) -> NDArray[Any]:
        """See :class:`distilfuse.runtime.backend.Backend`."""
        inputs = {"visible": visible, "infrared": infrared}
        if self._readings:
            inputs["reading"] = np.zeros((len(visible), self._readings), np.float32) if reading is None else reading
        try:
            # One request a call: a request is not safe to share between threads, the compiled model is. It costs some
            # microseconds; inputs are read where they lie, results copied once, as they would go with the request.
            request = self._compiled(inputs).create_infer_request()
            fused: NDArray[Any] = request.infer(inputs, share_inputs=True)["fused"]
            if fused.shape != visible.shape:  # of a size that the network cannot take: with one thread it is empty
                raise ValueError(f"the result has shape {list(fused.shape)}")
        except Exception as error:
            height, width = visible.shape[-2:]
            raise ModelError(f"OpenVINO failed on a {width}x{height} pair ({_reason(error)}).") from error
        return fused

    def _compiled(self, inputs: dict[str, Tensor]) -> Any:
        """The model for any size, or for the first that came twice in a row: that of a video, or of tiles.

        Where it knows the size OpenVINO computes nano networks 3 % faster, the paper's student 30 %; compiling takes as
        long as six pairs, or as one.
        """
        size, core = inputs["visible"].shape, openvino_core()
        with self._choosing:
            if self._own is None and size == self._last:
                model = self._model.clone()
                model.reshape({name: list(value.shape) for name, value in inputs.items()})
                self._own = size, core.compile_model(model, "CPU", self._settings)
                self._for_any_size = None  # for its memory; another size brings it back from the cache
            self._last = size
            if self._own and self._own[0] == size:
                return self._own[1]
            if self._for_any_size is None:
                self._for_any_size = core.compile_model(self._model, "CPU", self._settings | self._cache)
            return self._for_any_size


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

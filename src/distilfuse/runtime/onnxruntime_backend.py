"""ONNX Runtime: on the CPU the default backend, on others by its execution providers."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, ModelError
from distilfuse.runtime import kept_graph
from distilfuse.runtime.backend import Tensor, first_line
from distilfuse.runtime.installing import not_installed
from distilfuse.runtime.providers import PROVIDERS

_SPIN = 100
"""Microseconds for which a thread waits for work before it sleeps."""
_SPIN_ENDS = tuple(int(part) for part in ort.__version__.split(".")[:2]) >= (1, 26)
"""Whether that can be said: before, threads spin for about a million rounds or not at all."""

_FATAL_ONLY = 4  # what goes wrong comes as an exception; the log would say it a second time on stderr


class OnnxRuntimeBackend:
    """A model in an ONNX Runtime session.

    A pair goes to the device once and the result comes back once, from and into numpy's memory: nothing stays there
    that could be bound to it.
    """

    chosen = ""

    def __init__(self, name: str, weights: bytes, *, threads: int) -> None:
        provider = PROVIDERS[name]
        self.name = name
        self.device = provider.device
        self.threads = threads
        if provider.name not in ort.get_available_providers():
            raise not_installed(name)
        self._turn: AbstractContextManager[object] = Lock() if provider.one_call else nullcontext()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        # Threads that spin while they wait take the time from those they wait for when the machine is busy: a fifth
        # more CPU and a quarter more latency, measured with two threads on two loaded cores. For as long as it takes to
        # wake one up, they cost nothing there and save a tenth of a small network's time on idle cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if _SPIN_ENDS else "0")
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN))
        # DirectML cannot plan memory ahead. On the CPU a plan, and keeping buffers for tensors of the same size, costs
        # memory (a nano network 145 MB, not 107; an attention network 1.4 GB, not 0.65) and saves no time.
        options.enable_mem_pattern = name not in ("onnxruntime", "directml")
        options.enable_mem_reuse = name != "onnxruntime"
        try:
            if provider.name == kept_graph.PROVIDER:
                self._session = kept_graph.open_session(weights, options)
            else:
                providers = provider.with_options()
                # Else the session prints a banner and goes on without the provider, at loading and at any call.
                self._session = ort.InferenceSession(weights, options, providers, enable_fallback=0)
                self._session.disable_fallback()
        except Exception as error:  # its exception classes have no public common base
            mend = f": check the model and {provider.check}" if provider.check else ""
            raise ModelError(
                f"ONNX Runtime cannot load the model on {self.device} ({first_line(error)}){mend}."
            ) from error
        if provider.name not in self._session.get_providers():
            # A slow run that nobody asked for is worse than none.
            raise DistilfuseError(
                f"ONNX Runtime found no usable {self.device} device: check {provider.check}, or use the backend "
                "'onnxruntime'."
            )
        self._readings = next((put.shape[1] for put in self._session.get_inputs() if put.name == "reading"), 0)

    def run(self, visible: Tensor, infrared: Tensor, reading: Tensor | None = None) -> NDArray[Any]:
        """See :class:`distilfuse.runtime.backend.Backend`."""
        inputs = {"visible": visible, "infrared": infrared}
        if self._readings:
            inputs["reading"] = np.zeros((len(visible), self._readings), np.float32) if reading is None else reading
        try:
            with self._turn:
                fused: NDArray[Any] = self._session.run(None, inputs)[0]
        except Exception as error:
            height, width = visible.shape[-2:]
            raise ModelError(f"ONNX Runtime failed on a {width}x{height} pair ({first_line(error)}).") from error
        return fused

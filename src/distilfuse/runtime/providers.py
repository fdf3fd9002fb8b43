"""ONNX Runtime's execution providers that are backends here, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from distilfuse.runtime.cache import made_folder

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An execution provider, and what to know to use it."""

    name: str
    """As ONNX Runtime has it."""
    device: str
    """What it computes on, for people to read."""
    check: str = ""
    """What to look at where it is installed but finds no device."""
    beneath: tuple[str, ...] = (_CPU,)
    """Providers for what it cannot compute itself: shapes, a rare operator."""
    keep: Mapping[str, str] = field(default_factory=dict)
    """Options for keeping in the user's cache what it takes long to build, ``{}`` standing for the folder."""
    one_call: bool = False
    """It cannot take calls from several threads at once."""

    def with_options(self) -> list[str | tuple[str, dict[str, str]]]:
        """What a session is given as ``providers``."""
        folder = made_folder(self.device.lower()) if self.keep else None
        if folder is None:
            return [self.name, *self.beneath]
        return [(self.name, {key: value.format(folder) for key, value in self.keep.items()}), *self.beneath]


PROVIDERS = {
    "onnxruntime": Provider(name=_CPU, device="CPU", beneath=()),
    "cuda": Provider(name=_CUDA, device="CUDA", check="nvidia-smi and the CUDA libraries"),
    "tensorrt": Provider(
        name="TensorrtExecutionProvider",
        device="TensorRT",
        check="nvidia-smi and the TensorRT libraries (pip install tensorrt)",
        beneath=(_CUDA, _CPU),
        # An engine takes from seconds to minutes to build.
        keep={"trt_engine_cache_enable": "1", "trt_engine_cache_path": "{}"},
    ),
    "directml": Provider(
        name="DmlExecutionProvider", device="DirectML", check="that the graphics driver has DirectX 12", one_call=True
    ),
    "coreml": Provider(name="CoreMLExecutionProvider", device="CoreML", check="that macOS is 10.15 or later"),
}
"""Backend to its provider."""

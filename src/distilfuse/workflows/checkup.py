"""A check-up of the installation: versions, backends, model files, one pair fused."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from distilfuse import __version__, samples
from distilfuse.errors import DistilfuseError, install_line
from distilfuse.evaluation.extras import installed
from distilfuse.fuser import DEFAULT_MODEL, Fuser
from distilfuse.runtime import BACKENDS, INSTALL, cpu_name, find_devices, usable_cpus
from distilfuse.zoo import find_record, list_models, read_weights

_REQUIRED = ("numpy", "Pillow", "onnxruntime", "typer", "rich")
_OPTIONAL = {"openvino": "openvino", "onnxruntime-gpu": "gpu", "torch": "train"}
"""Distribution to the extra that brings it."""

_EXTRAS = {
    "align": ("distilfuse align, and --rig elsewhere", ("cv2",)),
    "video": ("distilfuse video and distilfuse.stream", ("av",)),
    "medical": ("distilfuse volume (NIfTI, DICOM)", ("nibabel", "pydicom", "scipy")),
    "deep": ("files with 16 bits a channel in colour", ("cv2",)),
    "bulk": ("distilfuse bulk (URLs, several machines)", ("fsspec", "ray")),
}
"""Extra to what it is for and its modules: several distributions bring OpenCV's."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    subject: str
    detail: str
    well: bool = True


def check_up() -> Iterator[Finding]:
    """Look at everything that fusing needs; a fault is a finding, never an exception."""
    yield Finding("distilfuse", __version__)
    yield Finding("python", f"{platform.python_version()} on {platform.platform()}")
    for package in _REQUIRED:
        # A GPU build of ONNX Runtime is another distribution of the same module.
        names = (package, "onnxruntime-gpu") if package == "onnxruntime" else (package,)
        found = next((number for name in names if (number := _version(name))), None)
        yield Finding(package, found or "missing", found is not None)
    for package, extra in _OPTIONAL.items():
        yield Finding(package, _version(package) or f"not installed (extra {extra})")
    for extra, (purpose, modules) in _EXTRAS.items():
        yield Finding(f"extra {extra}", f"{purpose}; {_state(extra, modules)}")
    yield Finding("cpu", f"{cpu_name()}, {usable_cpus()} usable")
    usable: list[str] = []  # filled by the attempts
    for name in BACKENDS:
        yield _attempt(f"backend {name}", lambda name=name: _look_for(name, usable))  # type: ignore[misc]
    yield _attempt("models", lambda: ", ".join(list_models()) or _fail("none: the package holds no records"))
    for name in list_models():
        yield _attempt(f"model {name}", lambda name=name: _check_model(name))  # type: ignore[misc]
    for backend in usable:
        yield _attempt(f"self-test {backend}", lambda backend=backend: _fuse_sample(backend))  # type: ignore[misc]


def _attempt(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, check())
    except Exception as error:  # whatever it is, it is what the user is looking for
        reason = str(error) if isinstance(error, DistilfuseError) else f"{type(error).__name__}: {error}"
        return Finding(subject, reason, well=False)


def _check_model(name: str) -> str:
    record = find_record(name)
    read_weights(record)
    return f"{record.size / 1e3:,.0f} kB, sha256 {record.sha256[:12]} as recorded"


def _fuse_sample(backend: str) -> str:
    visible, infrared = samples.load("night-street")
    fuser = Fuser.from_pretrained(DEFAULT_MODEL, backend=backend)
    fuser(visible, infrared)
    start = time.perf_counter()
    fused = fuser(visible, infrared)
    seconds = time.perf_counter() - start
    if fused.shape != visible.shape or fused.dtype != visible.dtype:
        _fail(f"gave {fused.shape} {fused.dtype} for {visible.shape} {visible.dtype}")
    # Fusing may move values, but a result that has lost the visible picture means a broken backend.
    likeness = float(np.corrcoef(fused.reshape(-1), visible.reshape(-1))[0, 1])
    if not likeness > 0.3:
        _fail(f"the result does not resemble the input (correlation {likeness:.2f})")
    height, width = fused.shape[:2]
    how = f"{fuser.device}, {fuser.threads} threads"
    return f"{DEFAULT_MODEL} on {how}: {width}x{height} in {seconds * 1e3:.0f} ms"


def _look_for(backend: str, usable: list[str]) -> str:
    devices = find_devices(backend)
    if devices is None:
        missing = f"not installed: {INSTALL[backend]}"
        return _fail(missing) if backend == "onnxruntime" else missing
    if devices and not backend.startswith("torch"):  # of the training wing: slow to start, nothing that fusing needs
        usable.append(backend)
    return ", ".join(devices) or "installed, but finds no device"


def _state(extra: str, modules: tuple[str, ...]) -> str:
    missing = [module for module in modules if not installed(module)]
    if not missing:
        return "installed"
    return f"{', '.join(missing)} not installed: {install_line(extra)}"


def _fail(reason: str) -> str:
    raise DistilfuseError(reason)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

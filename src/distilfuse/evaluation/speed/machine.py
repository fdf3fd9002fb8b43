"""What the machine is and what it can do at best: a matrix product and a copy, measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from distilfuse.runtime import cpu_name, usable_cpus

_VECTORS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
_PACKAGES = ("numpy", "Pillow", "onnxruntime", "onnxruntime-gpu", "openvino", "torch", "opencv-python-headless")
_ENERGY = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


@dataclass(frozen=True)
class Peaks:
    """What some threads of this machine reach in the best of cases."""

    threads: int
    gflops: float
    """Thousand million float32 operations a second in a matrix product (numpy's BLAS)."""
    copy_gbs: float
    """Thousand million bytes a second, read and written, while a large array is copied."""


def measure_peaks(threads: int) -> Peaks:
    """Measure, in a process of its own: a BLAS takes its number of threads when it is loaded."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = os.environ | {name: str(threads) for name in names}
    command = [sys.executable, "-m", "distilfuse.evaluation.speed.child", json.dumps({"peaks": threads})]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return Peaks(threads, **json.loads(done.stdout))


def describe_machine() -> dict[str, Any]:
    """Processor, cores, vector instructions and system, as far as the system tells."""
    lines = _lines(Path("/proc/cpuinfo"))
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return {
        "processor": cpu_name(),
        "usable_cpus": usable_cpus(),
        "vector": [name for name in _VECTORS if name in flags],
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Of Python and of the packages that speed depends on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """The commit of the source tree that the package runs from; None for an installed package."""
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return asked.stdout.strip() or None


def joules() -> float | None:
    """Energy that the processor package has used, or None where the system does not tell."""
    try:
        return int(_ENERGY.read_text()) / 1e6
    except (OSError, ValueError):
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []

"""Backends that run a model, behind one small protocol; loaded when chosen."""

from __future__ import annotations

from distilfuse.runtime.backend import Backend, check_threads, cpu_name, usable_cpus
from distilfuse.runtime.choice import AUTO, BACKENDS, backend_devices, find_devices, open_backend
from distilfuse.runtime.installing import INSTALL

__all__ = [
    "AUTO",
    "BACKENDS",
    "INSTALL",
    "Backend",
    "backend_devices",
    "check_threads",
    "cpu_name",
    "find_devices",
    "open_backend",
    "usable_cpus",
]

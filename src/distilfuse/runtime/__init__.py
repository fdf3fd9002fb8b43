"""Backends that run a model, behind one small protocol; loaded when chosen."""

from __future__ import annotations

from distilfuse.runtime.backend import Backend, check_threads, usable_cpus
from distilfuse.runtime.choice import BACKENDS, backend_devices, open_backend

__all__ = ["BACKENDS", "Backend", "backend_devices", "check_threads", "open_backend", "usable_cpus"]

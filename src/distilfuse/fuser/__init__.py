"""Fuse pictures with a model: the one way in."""

from __future__ import annotations

from distilfuse.fuser.pictures import DEFAULT_BACKEND, DEFAULT_MODEL, Fuser, fuse

__all__ = ["DEFAULT_BACKEND", "DEFAULT_MODEL", "Fuser", "fuse"]

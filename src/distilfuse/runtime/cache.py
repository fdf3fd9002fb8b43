"""The user's cache: what can be made again, so that losing it, or finding it damaged, costs time and nothing else."""

from __future__ import annotations

import json
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """``DISTILFUSE_CACHE``, or where the system wants it; ``XDG_CACHE_HOME`` is honoured everywhere.

    Raises:
        RuntimeError: this user has no home.
    """
    if own := os.environ.get("DISTILFUSE_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not Path(base).is_absolute():  # the specification says to ignore others
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        else:
            base = str(Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache"))
    return Path(base) / "distilfuse"


def made_folder(name: str) -> Path | None:
    """A folder of the cache, there and writable, or None."""
    try:
        folder = cache_folder() / name
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def recall(name: str) -> dict[str, Any]:
    """What :func:`remember` kept under that name; empty where it kept nothing or the file is damaged."""
    try:
        found = json.loads((cache_folder() / name).read_text(encoding="utf-8"))
    except (OSError, RuntimeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(name: str, values: dict[str, Any]) -> None:
    """Keep values for later runs, if that can be done."""
    with suppress(OSError, RuntimeError):
        path = cache_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
            part.replace(path)  # whole or not at all: other processes read it
        finally:
            part.unlink(missing_ok=True)

"""Fuse two pictures of one scene (visible and infrared, or two medical ones) into one.

    >>> import distilfuse
    >>> fused = distilfuse.fuse(visible, infrared)  # arrays or PIL pictures  # doctest: +SKIP

Importing the package is cheap: a public name is loaded the first time it is
used, so that neither numpy nor ONNX Runtime nor torch is paid for before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distilfuse.errors import DistilfuseError
    from distilfuse.fuser import Fuser, fuse
    from distilfuse.workflows.video.stream import stream
    from distilfuse.zoo import list_models

__all__ = ["DistilfuseError", "Fuser", "__version__", "fuse", "list_models", "stream"]

__version__ = "0.1.0"

_HOME = {
    "DistilfuseError": "distilfuse.errors",
    "Fuser": "distilfuse.fuser",
    "fuse": "distilfuse.fuser",
    "list_models": "distilfuse.zoo",
    "stream": "distilfuse.workflows.video.stream",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next use does not come through here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

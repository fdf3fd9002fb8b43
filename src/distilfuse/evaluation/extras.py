"""Packages that scoring does without and evaluation does not: asked for by name before hours of work, not after."""

from __future__ import annotations

from importlib.util import find_spec

from distilfuse.errors import MissingDependencyError, install_line


def need(extra: str, *modules: str) -> None:
    """Make sure that the packages of an extra can be imported, without importing them.

    Args:
        extra: the extra of distilfuse that brings them.
        modules: their import names.

    Raises:
        MissingDependencyError: one is not installed; the message holds the install line.
    """
    for module in modules:
        if not installed(module):
            raise MissingDependencyError(f"This needs {module}, which is not installed: {install_line(extra)}")


def installed(module: str) -> bool:
    """Whether a package can be imported, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # ValueError: a module that was blocked by hand
        return False

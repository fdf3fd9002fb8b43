"""What can go wrong, each said in one sentence: what, where, and the mend.

Every error that a user can cause is a :class:`DistilfuseError`; the command
line prints its message (no traceback) and exits with its ``exit_status``.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "DistilfuseError",
    "InputError",
    "MissingDependencyError",
    "ModelError",
    "OutputError",
]


class DistilfuseError(Exception):
    """Base of all errors that distilfuse raises on purpose."""

    exit_status = 1


class InputError(DistilfuseError, ValueError):
    """A picture, array or folder that cannot be fused as it is."""

    exit_status = 2


class OutputError(DistilfuseError, OSError):
    """A result that could not be written (exists already, no space, no permission)."""


class ModelError(DistilfuseError):
    """An unknown model, or weights that do not match their record."""

    exit_status = 2


class ConfigError(DistilfuseError, ValueError):
    """A recipe or network configuration with an unknown key or a value out of range."""

    exit_status = 2


class MissingDependencyError(DistilfuseError, ImportError):
    """An extra is needed that is not installed; the message holds the install line."""


def install_line(extra: str) -> str:
    """What installs an extra, for messages."""
    return f"pip install 'distilfuse[{extra}]'"

"""OpenCV, which the extras ``align`` and ``deep`` bring."""

from __future__ import annotations

from typing import Any

from distilfuse.errors import MissingDependencyError, install_line


def opencv(what: str = "Alignment", extra: str = "align") -> Any:
    """The module ``cv2``, imported when it is first asked for.

    Args:
        what: needs it, for the message.
        extra: brings it, for the message.

    Raises:
        MissingDependencyError: it is not installed; the message holds the install line.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingDependencyError(f"{what} needs OpenCV, which is not installed: {install_line(extra)}") from error
    return cv2

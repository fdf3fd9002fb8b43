"""OpenCV, which the extra ``align`` brings."""

from __future__ import annotations

from typing import Any

from distilfuse.errors import MissingDependencyError


def opencv() -> Any:
    """The module ``cv2``, imported when it is first asked for.

    Raises:
        MissingDependencyError: it is not installed; the message holds the install line.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingDependencyError(
            "Alignment needs OpenCV, which is not installed: pip install 'distilfuse[align]'"
        ) from error
    return cv2

"""A window that shows the fused frames, by OpenCV where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import MissingDependencyError, OutputError

_TITLE = "distilfuse (q ends)"
_ESCAPE = 27


class PreviewWindow:
    """The window. For one thread, on macOS the main one."""

    def __init__(self) -> None:
        """Load OpenCV; the window opens with the first frame.

        Raises:
            MissingDependencyError: it is not installed.
        """
        try:
            import cv2
        except ImportError as error:
            raise MissingDependencyError(
                "The preview window needs OpenCV, which is not installed: pip install opencv-python, or use --page."
            ) from error
        self._cv2 = cv2
        self._open = False

    def show(self, image: NDArray[Any]) -> bool:
        """Show a frame, ``H x W x 3`` of uint8 or uint16.

        Returns:
            Whether to go on: False once the window was closed, or q or Escape pressed.

        Raises:
            OutputError: there is no screen, or this OpenCV has no windows.
        """
        cv2 = self._cv2
        try:
            if self._open and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
                return False
            cv2.imshow(_TITLE, np.ascontiguousarray(image[..., ::-1]))
            self._open = True
            return cv2.waitKey(1) & 0xFF not in (ord("q"), _ESCAPE)
        except cv2.error as error:
            raise OutputError(
                "This OpenCV cannot open a window here: install opencv-python (not -headless), or use --page."
            ) from error

    def close(self) -> None:
        """Close the window."""
        if self._open:
            self._cv2.destroyAllWindows()

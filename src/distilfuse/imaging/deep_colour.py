"""Colour with 16 bits a channel, which Pillow has no mode for: read and written by OpenCV (extra ``deep``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError, MissingDependencyError, OutputError
from distilfuse.imaging.opencv import opencv

FORMATS = (".png", ".tif", ".tiff")
"""Suffixes of files that hold it."""


def can_read_deep() -> bool:
    """Whether OpenCV is installed."""
    try:
        _opencv()
    except MissingDependencyError:
        return False
    return True


def read_deep(path: Path) -> NDArray[np.uint16]:
    """``H x W x 3`` or ``x 4``, RGB(A), as stored: not turned upright.

    Raises:
        InputError: OpenCV cannot read the file, or finds less than 16-bit colour in it.
        MissingDependencyError: OpenCV is not installed.
    """
    cv2 = _opencv()
    pixels: Any = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim not in (2, 3):
        raise InputError(f"{path} cannot be read with 16 bits a channel: save it again, as PNG or TIFF.")
    if pixels.ndim == 2:
        return np.dstack([pixels] * 3)
    order = [2, 1, 0, 3][: pixels.shape[2]]
    return np.ascontiguousarray(pixels[..., order])


def encode_deep(path: Path, colour: NDArray[np.uint16], alpha: NDArray[np.uint16] | None) -> bytes:
    """The bytes of a file with 16 bits a channel; what a file says besides pixels is left out.

    Args:
        path: for its suffix.
        colour: ``H x W x 3`` or ``H x W``.
        alpha: ``H x W``.

    Raises:
        OutputError: files of that suffix hold no such colour.
        MissingDependencyError: OpenCV is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise OutputError(
            f"{path} cannot be written because such files hold no 16-bit colour: "
            f"choose {', '.join(FORMATS)}, or 8 bits."
        )
    cv2 = _opencv()
    planes = [colour[..., 2 - channel] if colour.ndim == 3 else colour for channel in range(3)]
    done, content = cv2.imencode(path.suffix.lower(), np.dstack(planes if alpha is None else [*planes, alpha]))
    if not done:
        raise OutputError(f"{path} cannot be encoded with 16 bits a channel: choose 8 bits.")
    encoded: bytes = content.tobytes()
    return encoded


def _opencv() -> Any:
    return opencv("Colour with 16 bits a channel", "deep")

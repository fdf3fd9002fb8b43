"""What models are held to: fusion by OpenCV."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.evaluation.extras import installed
from distilfuse.evaluation.speed.cases import Fuse, Rival

_BANDS = 5


def opencv_rivals() -> dict[str, Rival]:
    """Laplacian pyramids by OpenCV, where it is installed."""
    if not installed("cv2"):
        return {}
    return {"opencv-laplacian": Rival(backend="opencv", open=_laplacian)}


def _laplacian(threads: int) -> Fuse:
    import cv2

    def fuse(visible: NDArray[np.uint8], infrared: NDArray[np.uint8]) -> NDArray[Any]:
        cv2.setNumThreads(threads)
        converted = cv2.cvtColor(visible, cv2.COLOR_RGB2YCrCb)
        tops = [converted[..., 0].astype(np.float32), infrared.astype(np.float32)]
        bands = []
        for _ in range(_BANDS):
            smaller = [cv2.pyrDown(plane) for plane in tops]
            first, second = (
                plane - cv2.pyrUp(small, dstsize=plane.shape[::-1]) for plane, small in zip(tops, smaller, strict=True)
            )
            bands.append(np.where(np.abs(first) >= np.abs(second), first, second))
            tops = smaller
        merged = (tops[0] + tops[1]) / 2
        for band in reversed(bands):
            merged = cv2.pyrUp(merged, dstsize=band.shape[::-1]) + band
        converted[..., 0] = np.clip(np.rint(merged), 0, 255)
        return np.asarray(cv2.cvtColor(converted, cv2.COLOR_YCrCb2RGB))

    return fuse

"""Compression on the way from the cameras."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage

from distilfuse.evaluation.degradations.degradation import Image, Pair, at


def jpeg(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Both pictures are stored as JPEG and read again: blocks, ringing, coloured smears.

    Colour is stored at half resolution, as cameras do. The bytes, and now and then a pixel by a level, depend on
    the JPEG library that Pillow was built with.
    """
    quality = round(at(severity, (60, 38, 22, 12, 6)))
    return _through_jpeg(visible, quality), _through_jpeg(infrared, quality)


def _through_jpeg(image: Image, quality: int) -> Image:
    buffer = io.BytesIO()
    levels = np.round(np.clip(image, 0, 1) * np.float32(255)).astype(np.uint8)
    PillowImage.fromarray(levels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    with PillowImage.open(buffer) as stored:
        decoded: Image = np.asarray(stored, np.float32) / np.float32(255)
    return decoded

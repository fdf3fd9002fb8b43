"""The two pictures no longer lie on each other."""

from __future__ import annotations

import numpy as np

from distilfuse.evaluation.degradations.degradation import Image, Pair, at


def misregistration(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The infrared picture is moved by 1 to 8 pixels in a direction drawn at random; its edges are repeated.

    The distance is exact, so both parts of the shift are fractions of pixels as a rule; cubic interpolation (Keys
    1981, a = -1/2) keeps the picture as sharp as it was, near enough. Nothing is turned or scaled.
    """
    distance, angle = at(severity, (1, 2, 3.5, 5.5, 8)), rng.uniform(0, 2 * np.pi)
    moved = _move(infrared, distance * np.sin(angle), axis=0)
    return visible, _move(moved, distance * np.cos(angle), axis=1)


def _move(image: Image, shift: float, *, axis: int) -> Image:
    """``image`` moved by ``shift`` pixels along an axis (down or right where positive)."""
    whole = int(np.floor(shift))
    t = shift - whole
    # Keys' cubic at the distances 1 + t, t, 1 - t, 2 - t from the four pixels around the place.
    weights = (
        -0.5 * t * (1 - t) ** 2,
        1 - 2.5 * t**2 + 1.5 * t**3,
        1 - 2.5 * (1 - t) ** 2 + 1.5 * (1 - t) ** 3,
        -0.5 * (1 - t) * t**2,
    )
    size = image.shape[axis]
    moved = np.zeros_like(image)
    for offset, weight in zip(range(whole - 1, whole + 3), weights, strict=True):
        index = np.clip(np.arange(size) - offset, 0, size - 1)
        moved += np.float32(weight) * np.take(image, index, axis=axis)
    return moved

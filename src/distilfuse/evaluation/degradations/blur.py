"""The visible picture is out of focus, or the camera moves while the shutter is open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.evaluation.degradations.degradation import Image, Pair, at
from distilfuse.evaluation.degradations.radiance import from_light, to_light


def visible_blur(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The visible picture is out of focus (Gaussian)."""
    return _gaussian_blur(visible, at(severity, (0.6, 1.1, 1.6, 2.3, 3.2))), infrared


def motion_blur(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The camera moves in a straight line while the shutter is open, in a direction drawn at random.

    Light adds up along the way, so lamps become bright strokes.
    """
    length = at(severity, (3, 6, 10, 15, 22))
    taps = _stroke(length, rng.uniform(0, np.pi))
    radius = taps.shape[0] // 2
    light = to_light(visible)
    padded = np.pad(light, [(radius, radius), (radius, radius), (0, 0)][: light.ndim], mode="edge")
    height, width = light.shape[:2]
    smeared = np.zeros_like(light)
    for i, j in zip(*np.nonzero(taps), strict=True):
        smeared += taps[i, j] * padded[i : i + height, j : j + width]
    return from_light(smeared), infrared


def _stroke(length: float, angle: float) -> NDArray[np.float32]:
    """A line of ``length`` pixels through the middle of a square of odd side; its sum is 1."""
    radius = int(np.ceil(length / 2)) + 1
    taps = np.zeros((2 * radius + 1, 2 * radius + 1))
    # Points an eighth of a pixel apart, each shared out to the four pixels around it.
    places = np.linspace(-length / 2, length / 2, int(8 * length) + 1)
    x, y = radius + places * np.cos(angle), radius - places * np.sin(angle)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - left, y - top
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (fy if down else 1 - fy) * (fx if right else 1 - fx)
        np.add.at(taps, (top + down, left + right), share)
    return np.asarray(taps / taps.sum(), np.float32)


def _gaussian_blur(image: Image, sigma: float) -> Image:
    radius = max(1, int(3 * sigma + 0.5))
    offset = np.arange(-radius, radius + 1)
    taps = np.exp(-(offset**2) / (2 * sigma**2)).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        widths = [(0, 0)] * image.ndim
        widths[axis] = (radius, radius)
        padded = np.pad(image, widths, mode="edge")
        size = image.shape[axis]
        blurred = np.zeros_like(image)
        for k, tap in enumerate(taps):
            blurred += tap * (padded[k : k + size] if axis == 0 else padded[:, k : k + size])
        image = blurred
    return image

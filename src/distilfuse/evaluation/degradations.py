"""What goes wrong in practice, made on purpose: degraded copies of a clean pair.

Severities run from 1 (barely) to 5 (extreme), any number between is allowed; 3 is the level of the robustness
tables. A degradation is deterministic given its random generator; :func:`generator` makes one from a seed and
a picture's name, so that the same picture is always degraded the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError

Image = NDArray[np.float32]
Pair = tuple[Image, Image]

_LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)


def generator(seed: int, name: str, kind: str) -> np.random.Generator:
    """Random generator that depends on the seed, the picture's name and the kind, and on nothing else."""
    digest = hashlib.sha256(f"{seed}/{name}/{kind}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _at(severity: float, table: tuple[float, ...]) -> float:
    return float(np.interp(severity, _LEVELS, table))


def _noise(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    noise: Image = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(sigma / 255)
    return image + noise


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


def low_light(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The visible picture gets a share of its light."""
    return visible * np.float32(_at(severity, (0.7, 0.5, 0.35, 0.22, 0.12))), infrared


def over_exposure(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The visible picture gets too much light and clips."""
    return visible * np.float32(_at(severity, (1.3, 1.6, 1.9, 2.4, 3.0))), infrared


def visible_noise(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Gaussian noise on each visible channel."""
    return _noise(visible, _at(severity, _SIGMAS), rng), infrared


def visible_blur(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The visible picture is out of focus (Gaussian)."""
    return _gaussian_blur(visible, _at(severity, (0.6, 1.1, 1.6, 2.3, 3.2))), infrared


def ir_low_contrast(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The infrared picture shrinks towards its mean."""
    contrast = np.float32(_at(severity, (0.7, 0.5, 0.3, 0.2, 0.1)))
    mean = np.float32(infrared.mean())
    return visible, mean + contrast * (infrared - mean)


def ir_noise(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Gaussian noise on the infrared picture."""
    return visible, _noise(infrared, _at(severity, _SIGMAS), rng)


def ir_stripes(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Fixed-pattern stripes: each infrared column carries its own offset."""
    sigma = np.float32(_at(severity, (6, 12, 20, 30, 45)) / 255)
    return visible, infrared + sigma * rng.standard_normal((1, infrared.shape[1]), dtype=np.float32)


def low_light_ir_noise(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Both at once: little light and a noisy infrared picture."""
    return ir_noise(*low_light(visible, infrared, severity, rng), severity, rng)


_SIGMAS = (8.0, 16.0, 25.0, 36.0, 50.0)

DEGRADATIONS: dict[str, Callable[[Image, Image, float, np.random.Generator], Pair]] = {
    "low_light": low_light,
    "over_exposure": over_exposure,
    "visible_noise": visible_noise,
    "visible_blur": visible_blur,
    "ir_low_contrast": ir_low_contrast,
    "ir_noise": ir_noise,
    "ir_stripes": ir_stripes,
    "low_light+ir_noise": low_light_ir_noise,
}
"""The eight kinds of the robustness table."""


def degrade(visible: Image, infrared: Image, *, kind: str, severity: float = 3.0, rng: np.random.Generator) -> Pair:
    """Degraded copies of a clean pair.

    Args:
        visible: ``H x W`` or ``H x W x 3`` float32, 0..1.
        infrared: ``H x W`` float32, 0..1.
        kind: a key of :data:`DEGRADATIONS`.
        severity: 1 .. 5.
        rng: source of randomness, see :func:`generator`.

    Returns:
        (visible, infrared), clipped to 0..1 and rounded to 8 bit as a camera would deliver them.

    Raises:
        InputError: an unknown kind, a severity outside 1 .. 5, or pictures that are not float32.
    """
    if visible.dtype != np.float32 or infrared.dtype != np.float32:
        raise InputError(
            f"degrade() takes float32 pictures in 0..1, not {visible.dtype} and {infrared.dtype}: divide bytes by 255."
        )
    if kind not in DEGRADATIONS:
        raise InputError(f"Unknown degradation {kind!r}: choose from {', '.join(DEGRADATIONS)}.")
    if not 1 <= severity <= 5:
        raise InputError(f"Severity must be from 1 to 5, not {severity}.")
    degraded = DEGRADATIONS[kind](visible, infrared, severity, rng)
    return quantise(degraded[0]), quantise(degraded[1])


def quantise(image: Image) -> Image:
    """Clip to 0..1 and round to 256 levels."""
    levels: Image = np.round(np.clip(image, 0, 1) * np.float32(255)) / np.float32(255)
    return levels

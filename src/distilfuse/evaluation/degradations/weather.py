"""Haze between the camera and the scene. Thermal light passes it almost unharmed, which is why people fuse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.evaluation.degradations.degradation import Image, Pair, at
from distilfuse.evaluation.degradations.radiance import from_light, to_light

_NEAR = 0.12
"""Depth falls to half of the farthest this far below the horizon, as a share of the picture's height."""
_SOFT = 0.04
"""Rows over which the depth's corner at the horizon is rounded, in the same unit."""


def haze(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Atmospheric scattering (Koschmieder): I = J t + A (1 - t) with t = exp(-beta d), in linear light.

    No depth is known, so it is made up from the row: level ground seen by a camera above it, whose depth is
    proportional to 1 / (distance of the row below the horizon), capped at 1 at the horizon and above it. The
    horizon lies at 30 to 45 % of the height, drawn at random, and drifting swathes change the depth by up to a
    fifth. The air's light A has the colour of the brightest twentieth of the picture, half-way to grey, and its
    brightness up to 2.5 times the picture's mean: haze at noon is white, and lamps do not light up the night.
    """
    height, width = visible.shape[:2]
    horizon = rng.uniform(0.30, 0.45)
    # The distance below the horizon, with a rounded corner there instead of a visible edge.
    below = _SOFT * np.logaddexp(0, (np.arange(height) / height - horizon) / _SOFT)
    depth = (_NEAR / (_NEAR + below))[:, None] * (1 + 0.2 * _swathes(height, width, rng))
    share = np.exp(-at(severity, (0.35, 0.7, 1.2, 1.9, 3.0)) * depth).astype(np.float32)
    light = to_light(visible)
    air = _air(light)
    if light.ndim == 3:
        share = share[..., None]
    return from_light(light * share + air * (1 - share)), infrared


def _air(light: Image) -> NDArray[np.float32]:
    grey = light.mean(axis=2) if light.ndim == 3 else light
    bright = light[grey >= np.quantile(grey, 0.95)].mean(axis=0)
    level = bright.mean()
    share = min(1.0, 2.5 * float(grey.mean()) / float(level)) if level > 0 else 1.0
    air: NDArray[np.float32] = np.asarray(share * (0.5 * bright + 0.5 * level), np.float32)
    return air


def _swathes(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth field in -1..1: a coarse random grid, wider than high, joined by cosines."""
    grid = rng.uniform(-1, 1, (6, 4))
    rows, columns = _between(height, grid.shape[0]), _between(width, grid.shape[1])
    field: NDArray[np.float64] = rows @ grid @ columns.T
    return field


def _between(size: int, knots: int) -> NDArray[np.float64]:
    """Weights ``size x knots`` that go from knot to knot along half a cosine."""
    place = np.linspace(0, knots - 1, size)
    left = np.minimum(place.astype(int), knots - 2)
    share = 0.5 - 0.5 * np.cos(np.pi * (place - left))
    weights = np.zeros((size, knots))
    weights[np.arange(size), left] = 1 - share
    weights[np.arange(size), left + 1] = share
    return weights

"""What the infrared sensor and its electronics do to a picture."""

from __future__ import annotations

import numpy as np

from distilfuse.evaluation.degradations.degradation import Image, Pair, at


def ir_low_contrast(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The infrared picture shrinks towards its mean."""
    contrast = np.float32(at(severity, (0.7, 0.5, 0.3, 0.2, 0.1)))
    mean = np.float32(infrared.mean())
    return visible, mean + contrast * (infrared - mean)


def ir_stripes(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """Fixed-pattern stripes: each infrared column carries its own offset."""
    sigma = np.float32(at(severity, (6, 12, 20, 30, 45)) / 255)
    return visible, infrared + sigma * rng.standard_normal((1, infrared.shape[1]), dtype=np.float32)


def ir_saturation(visible: Image, infrared: Image, severity: float, rng: np.random.Generator) -> Pair:
    """The camera's span ends too low: the hottest part of the scene is one flat white, the rest is brighter.

    The span ends where 4 to 40 % of the pixels lie above it, but never in the lowest quarter of the scene's own
    range (2 % to 99.5 % quantile): a cold, even background stays what it is. The cold end is not moved.
    """
    above = at(severity, (0.04, 0.08, 0.15, 0.25, 0.40))
    cold, hot, end = (float(value) for value in np.quantile(infrared, (0.02, 0.995, 1 - above)))
    end = max(end, cold + 0.25 * (hot - cold))
    if not end > cold:  # a flat picture has no hot end
        return visible, infrared
    return visible, np.float32(cold) + (infrared - np.float32(cold)) * np.float32((1 - cold) / (end - cold))

"""Two cameras: linear light to an 8-bit colour picture, band radiance to an 8-bit thermal picture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from samples.noise import Array, fbm, gauss_field

__all__ = ["thermal_camera", "visible_camera"]


def _vignette(height: int, width: int, strength: float) -> Array:
    y, x = np.mgrid[0:height, 0:width]
    r2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / ((width / 2) ** 2 + (height / 2) ** 2)
    return np.asarray(1.0 / (1.0 + strength * r2) ** 2, np.float32)


def _bloom(light: Array, share: float) -> Array:
    """Scatter in the lens: three widths, and thin rays about what outshines the sensor."""
    width = light.shape[1]
    out = light * (1.0 - share)
    for sigma, part in ((0.004, 0.36), (0.013, 0.34), (0.045, 0.30)):
        blurred = ndimage.gaussian_filter(light, (sigma * width, sigma * width, 0), truncate=3.0)
        out += share * part * blurred
    hot = np.maximum(light - 4.0, 0.0)
    if hot.max() > 0 and share > 0.01:
        for angle in (8.0, 68.0, 128.0):
            turned = ndimage.rotate(hot, angle, reshape=True, order=1, prefilter=False)
            rays = ndimage.gaussian_filter1d(turned, 0.022 * width, axis=1, truncate=3.5)
            rays = ndimage.rotate(rays, -angle, reshape=True, order=1, prefilter=False)
            y, x = (rays.shape[0] - light.shape[0]) // 2, (rays.shape[1] - light.shape[1]) // 2
            out += 0.03 * np.maximum(rays[y : y + light.shape[0], x : x + light.shape[1]], 0.0)
    return out


def visible_camera(light: Array, *, exposure: float, bloom: float, grain: float, seed: int) -> Array:
    """Linear light [H, W, 3] to sRGB uint8 [H, W, 3]: lens, film curve, shot and read noise, gamma."""
    height, width = light.shape[:2]
    seen = _bloom(light * exposure, bloom)
    seen = ndimage.gaussian_filter(seen, (0.45, 0.45, 0)) * _vignette(height, width, 0.16)[..., None]
    # Hable-like shoulder: highlights roll off instead of clipping at once.
    x = np.maximum(seen, 0.0) * 1.05
    toned = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    bright = np.clip(toned, 0.0, 1.0)
    noise = gauss_field((height, width), seed)[..., None] * 0.8
    chroma = np.stack([gauss_field((height, width), seed + k) for k in (1, 2, 3)], axis=-1)
    noise = noise + ndimage.gaussian_filter(chroma, (1.0, 1.0, 0)) * 1.2
    bright = np.clip(bright + grain * noise * (0.0012 + 0.004 * np.sqrt(bright)), 0.0, 1.0)
    gamma = np.where(bright < 0.0031308, 12.92 * bright, 1.055 * bright ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(np.rint(gamma * 255.0), 0, 255), np.uint8)


def thermal_camera(radiance: Array, *, span: tuple[float, float], equalise: float, seed: int) -> Array:
    """Band radiance [H, W] to uint8: lens blur, faint fixed pattern, noise, gain control by percentiles.

    ``equalise`` mixes in a histogram equalisation with limited slope, as the
    gain control of a real camera does so that the background keeps detail.
    """
    height, width = radiance.shape
    seen = ndimage.gaussian_filter(radiance, 0.0013 * width)
    columns = gauss_field((1, width), seed)
    y, x = np.mgrid[0:height, 0:width]
    drift = fbm(np.stack([x.ravel() / width * 2.0, y.ravel() / width * 2.0], axis=1), 2, seed=seed + 1)
    seen = seen + 0.00055 * columns + 0.0009 * gauss_field((height, width), seed + 2)
    seen = seen + 0.004 * drift.reshape(height, width)
    low, high = np.percentile(seen, span[0]), np.percentile(seen, span[1])
    linear = np.clip((seen - low) / max(high - low, 1e-6), 0.0, 1.0)
    counts, edges = np.histogram(linear, bins=512, range=(0.0, 1.0))
    counts = np.minimum(counts, 6.0 * counts.mean()) + 0.15 * counts.mean()
    curve = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    mixed = (1.0 - equalise) * linear + equalise * np.interp(linear, edges, curve)
    return np.asarray(np.clip(np.rint(4.0 + mixed * 247.0), 0, 255), np.uint8)

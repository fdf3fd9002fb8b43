"""Medical-like pairs from one made-up slice: CT, MRI with two weightings, PET and SPECT in false colours."""

from __future__ import annotations

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from samples.anatomy import FIELD, Slice, blur, draw_slice, shrink
from samples.noise import Array, fbm, gauss_field, smoothstep

__all__ = ["PHANTOMS", "computed_tomography", "magnetic_resonance", "phantom", "uptake"]

PHANTOMS = ("ct-mri", "pet-mri", "spect-mri")

_HOUNSFIELD = {
    "air": -1000.0,
    "scalp": 35.0,
    "fat": -75.0,
    "bone": 1150.0,
    "marrow": 620.0,
    "csf": 7.0,
    "grey": 38.5,
    "deep": 38.0,
    "white": 29.0,
    "tumour": 44.0,
    "rim": 50.0,
    "oedema": 18.0,
    "calcium": 260.0,
    "vessel": 55.0,
}
_T2 = {
    "scalp": 0.34,
    "fat": 0.46,
    "bone": 0.03,
    "marrow": 0.20,
    "csf": 0.97,
    "grey": 0.50,
    "deep": 0.45,
    "white": 0.33,
    "tumour": 0.66,
    "rim": 0.42,
    "oedema": 0.76,
    "calcium": 0.10,
    "vessel": 0.05,
}
_T1 = {
    "scalp": 0.42,
    "fat": 0.96,
    "bone": 0.05,
    "marrow": 0.52,
    "csf": 0.12,
    "grey": 0.50,
    "deep": 0.54,
    "white": 0.74,
    "tumour": 0.42,
    "rim": 0.90,
    "oedema": 0.52,
    "calcium": 0.16,
    "vessel": 0.80,
}
_GLUCOSE = {
    "scalp": 0.10,
    "fat": 0.05,
    "bone": 0.03,
    "marrow": 0.06,
    "csf": 0.03,
    "grey": 1.0,
    "deep": 0.98,
    "white": 0.22,
    "tumour": 1.25,
    "rim": 1.95,
    "oedema": 0.16,
    "calcium": 0.4,
    "vessel": 0.25,
}
_PERFUSION = {
    "scalp": 0.22,
    "fat": 0.10,
    "bone": 0.05,
    "marrow": 0.08,
    "csf": 0.02,
    "grey": 1.0,
    "deep": 1.05,
    "white": 0.30,
    "tumour": 0.35,
    "rim": 0.9,
    "oedema": 0.18,
    "calcium": 0.2,
    "vessel": 0.5,
}

_RAINBOW = [
    (0.0, (0, 0, 0)),
    (0.10, (4, 4, 60)),
    (0.28, (16, 40, 190)),
    (0.42, (20, 150, 215)),
    (0.54, (70, 205, 110)),
    (0.68, (250, 225, 40)),
    (0.84, (250, 110, 16)),
    (0.95, (215, 20, 16)),
    (1.0, (255, 225, 215)),
]
_EMBER = [
    (0.0, (0, 0, 0)),
    (0.10, (20, 26, 38)),
    (0.24, (42, 22, 92)),
    (0.45, (112, 28, 138)),
    (0.62, (205, 62, 100)),
    (0.80, (248, 136, 42)),
    (0.94, (254, 214, 90)),
    (1.0, (255, 248, 205)),
]


def _colour(value: Array, table: list[tuple[float, tuple[int, int, int]]]) -> Array:
    stops = np.array([stop for stop, _ in table])
    channels = [np.interp(value, stops, [c[k] for _, c in table]) for k in range(3)]
    return np.asarray(np.rint(np.stack(channels, axis=-1)), np.uint8)


def _grey(value: Array) -> Array:
    return np.asarray(np.clip(np.rint(value * 255.0), 0, 255), np.uint8)


def computed_tomography(head: Slice, by: int, seed: int) -> Array:
    """Grey picture in 0..1 under a brain window (0 to 80 Hounsfield units)."""
    hu = blur(np.maximum(head.mean(_HOUNSFIELD), -200.0), 0.6)
    # Bone hardens the beam: brain next to it reads a little high, with faint streaks across the base.
    cup = 6.5 * np.exp(-np.maximum(head.inside, 0.0) / 6.0) * (head.inside > 0)
    streak = fbm(np.stack([head.x.ravel() / 90.0, head.y.ravel() / 5.0], axis=1), 3, seed=seed + 4)
    hu = shrink(hu + cup + 2.4 * streak.reshape(head.x.shape) * (head.inside > 0), by)
    size = hu.shape[0]
    grain = ndimage.gaussian_filter(gauss_field((size, size), seed + 5), 0.75) * 2.1
    hu = hu + 2.0 * grain * (1.0 + 0.4 * (hu > -200.0))
    shown = np.clip((hu + 4.0) / 84.0, 0.0, 1.0)
    x, y = shrink(head.x, by), shrink(head.y, by)
    # The head rest: a thin carbon shell behind the head.
    r = np.hypot(x, (y - 6.0) * 1.0)
    rest = smoothstep(1.1, 0.4, np.abs(r - 113.0)) * (y < -38.0) * 0.85
    return np.asarray(np.maximum(shown, rest))


def magnetic_resonance(head: Slice, by: int, seed: int, weighting: str) -> Array:
    """Grey picture in 0..1, ``weighting`` "T1" (bright white matter) or "T2" (bright fluid)."""
    values = _T2 if weighting == "T2" else _T1
    picture = head.mean(values)
    flat = np.stack([head.x.ravel(), head.y.ravel()], axis=1)
    texture = fbm(flat / 4.0, 3, seed=seed + 11).reshape(head.x.shape)
    inhomogeneous = fbm(flat / 8.0, 3, seed=seed + 12).reshape(head.x.shape)
    picture = picture * (1.0 + 0.10 * texture) + 0.22 * inhomogeneous * (head.tissue["tumour"] + head.tissue["rim"])
    muscle = smoothstep(0.1, 0.5, fbm(flat / 9.0, 3, seed=seed + 15)).reshape(head.x.shape)
    picture = picture * (1.0 - 0.5 * muscle * head.tissue["scalp"])
    field = 1.0 + 0.16 * fbm(flat / 150.0, 2, seed=seed + 13).reshape(head.x.shape) + 0.05 * head.y / FIELD
    picture = shrink(blur(picture * field, 0.35), by)
    size = picture.shape[0]
    # A scanner reads a finite square of k-space: faint ringing beside sharp edges.
    wave = np.fft.fftfreq(size)
    keep = (np.abs(wave)[:, None] < 0.44) & (np.abs(wave)[None, :] < 0.44)
    signal = np.real(np.fft.ifft2(np.fft.fft2(picture) * keep))
    sigma = 0.018
    first, second = gauss_field((size, size), seed + 14), gauss_field((size, size), seed + 16)
    return np.asarray(np.clip(np.hypot(signal + sigma * first, sigma * second) * 0.98, 0.0, 1.0))


def uptake(head: Slice, by: int, seed: int, tracer: str) -> Array:
    """Tracer picture in 0..1 before colouring, "glucose" (PET) or "perfusion" (SPECT)."""
    values = _GLUCOSE if tracer == "glucose" else _PERFUSION
    width = 2.3 if tracer == "glucose" else 3.9
    flat = np.stack([head.x.ravel(), head.y.ravel()], axis=1)
    regional = 1.0 + 0.45 * fbm(flat / 32.0, 3, seed=seed + 21).reshape(head.x.shape)
    regional += 0.16 * np.exp(-(((head.y + 72.0) / 22.0) ** 2)) + 0.08 * np.exp(-(((head.y - 62.0) / 25.0) ** 2))
    active = head.mean(values) * regional
    size = head.x.shape[0] // by
    seen = shrink(blur(active, width), by)
    counts = ndimage.gaussian_filter(gauss_field((size, size), seed + 22), width * 0.55 * size / FIELD)
    counts = counts / max(float(counts.std()), 1e-6)
    seen = seen + 0.035 * counts * np.sqrt(np.maximum(seen, 0.0) + 0.02)
    ceiling = 1.32 if tracer == "glucose" else 1.02
    return np.asarray(np.clip(seen / ceiling, 0.0, 1.0))


def phantom(name: str, size: int = 256, seed: int = 0) -> tuple[Array, Array]:
    """Visible uint8 [size, size, 3] (CT grey, PET or SPECT in colour) and MRI uint8 [size, size]."""
    by = 2
    own = seed * 13 + PHANTOMS.index(name) * 7
    head = draw_slice(size * by, own)
    if name == "ct-mri":
        first = _grey(computed_tomography(head, by, own))
        return np.repeat(first[..., None], 3, axis=2), _grey(magnetic_resonance(head, by, own, "T2"))
    if name == "pet-mri":
        return _colour(uptake(head, by, own, "glucose"), _RAINBOW), _grey(magnetic_resonance(head, by, own, "T1"))
    return _colour(uptake(head, by, own, "perfusion"), _EMBER), _grey(magnetic_resonance(head, by, own, "T2"))

"""Qcb: how well local contrast, as the eye sees it, is preserved (Chen and Blum, 2009)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.filters import Array
from distilfuse.metrics.metric import Metric

# Contrast sensitivity, a difference of two Gaussians over cycles per degree; the picture spans 15 degrees either way.
_F0, _F1, _A = 15.3870, 1.3456, 0.7622
_CYCLES_PER_DEGREE = 1 / 15
_SIGMA_NEAR, _SIGMA_WIDE = 2.0, 4.0
_Z = 0.0001
_BLACK = 1e-6  # mean brightness, as a share of data_range, below which there is no contrast to speak of
MIN_SIDE = 32


def chen_blum(
    visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], *, data_range: float = 255.0
) -> float:
    """Mean of l_V q_V + l_I q_I, where q_X compares the masked contrast of source X and of the fused picture.

    The pictures pass the contrast sensitivity S(r) = exp(-(r / 15.387)^2) - .7622 exp(-(r / 1.3456)^2). Local contrast
    is |G2 / G4 - 1|, G2 and G4 being Gaussian means of sigma 2 and 4; masked, C' = C^3 / (C^2 + .0001). Then
    q_X = min(C'_X, C'_F) / max(C'_X, C'_F) and l_X = C'_X^2 / (C'_V^2 + C'_I^2). All filters act on the Fourier
    transform, so the picture continues periodically.

    Args:
        visible: grey ``H x W``, 0..``data_range``.
        infrared: grey, same shape.
        fused: grey, same shape.
        data_range: largest possible value; the result does not depend on it.

    Returns:
        0 .. 1 (the contrast is everywhere that of the more contrasty source); no unit, higher is better. Constant
        pictures have no contrast that could be lost: 1.

    Raises:
        InputError: a side is shorter than 32 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
    """
    planes = as_planes(visible, infrared, fused, data_range=data_range, smallest=MIN_SIDE)
    near, wide = _filters(planes[0].shape)
    v, i, f = (_masked_contrast(plane / data_range, near, wide) for plane in planes)
    v_squared, both = v * v, v * v + i * i
    share = np.divide(v_squared, both, out=np.full_like(both, 0.5), where=both > 0)
    return float((share * _preserved(v, f) + (1 - share) * _preserved(i, f)).mean())


def _filters(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Sensitivity times each of the two Gaussians, on the half plane of frequencies that ``rfft2`` returns."""
    height, width = shape
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]  # cycles per pixel
    r_squared = ((y * height) ** 2 + (x * width) ** 2) * _CYCLES_PER_DEGREE**2
    sensitivity = np.exp(-r_squared / _F0**2) - _A * np.exp(-r_squared / _F1**2)
    spread = -2 * np.pi**2 * (y * y + x * x)
    return sensitivity * np.exp(spread * _SIGMA_NEAR**2), sensitivity * np.exp(spread * _SIGMA_WIDE**2)


def _masked_contrast(image: Array, near: Array, wide: Array) -> Array:
    spectrum = np.fft.rfft2(image)
    fine, coarse = (np.fft.irfft2(spectrum * kernel, s=image.shape) for kernel in (near, wide))
    visible = np.abs(coarse) > _BLACK
    contrast = np.abs(np.divide(fine, coarse, out=np.ones_like(fine), where=visible) - 1)
    squared = contrast * contrast
    return np.asarray(contrast * squared / (squared + _Z))


def _preserved(source: Array, fused: Array) -> Array:
    larger = np.maximum(source, fused)
    return np.divide(np.minimum(source, fused), larger, out=np.ones_like(larger), where=larger > 0)


CARD = Metric(
    name="Qcb",
    title="human perception inspired quality (Chen-Blum)",
    inputs="both",
    higher_is_better=True,
    unit="",
    range="0 .. 1 (contrast everywhere as in the more contrasty source)",
    measures="How near the fused picture's local contrast, as an eye of known sensitivity sees it, is to that of the "
    "source which has more of it, pixel by pixel.",
    gamed_by="Only size of contrast is compared, not its sign or place: a bright target that turns dark costs "
    "nothing. Dark regions weigh as much as lit ones, as contrast is a ratio.",
    in_the_wild="A much used MATLAB code stretches each picture to 0..255 first, which moves black and with it every "
    "contrast ratio: 0.455 for 0.535, 0.715 for 0.669, and 0.496 for 0.632 where nothing in the picture is dark. "
    "Its Gaussians see black beyond the border: 0 to 0.009. Black regions are 0 / 0 there and decided by rounding: "
    "0.666 for 0.711 on CT-MRI, 0.659 for 0.808 on PET-MRI.",
    source="Chen and Blum, A new automated quality assessment algorithm for image fusion (Image and Vision Computing "
    "27, 2009).",
)

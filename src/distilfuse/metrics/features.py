"""What FMI compares: gradients, edges, cosine and wavelet coefficients of a picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from distilfuse.metrics.filters import Array

_WAVELET_TAPS = 62


def gradient(image: Array) -> Array:
    """Magnitude of the gradient by central differences."""
    down, across = np.gradient(image)
    return np.asarray(np.hypot(down, across))


def edges(image: Array) -> Array:
    """1 on edges, 0 elsewhere, as MATLAB's ``edge`` finds them with its defaults.

    An edge is a pixel whose squared Sobel magnitude is more than four times the mean of the picture's, and no smaller
    than those of its neighbours across the edge. The outermost pixels are none.
    """
    if min(image.shape) < 3:
        return np.zeros_like(image)
    rows = image[:-2] + 2 * image[1:-1] + image[2:]
    columns = image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]
    across, down = np.abs(rows[:, 2:] - rows[:, :-2]), np.abs(columns[2:] - columns[:-2])
    strength = across * across + down * down
    p = np.pad(strength, 1, mode="edge")
    steep = strength > 4 * strength.mean()
    ridge_across = (across >= down) & (p[1:-1, :-2] <= strength) & (strength > p[1:-1, 2:])
    ridge_down = (down >= across) & (p[:-2, 1:-1] <= strength) & (strength > p[2:, 1:-1])
    return np.pad((steep & (ridge_across | ridge_down)).astype(np.float64), 1)


def cosine_transform(image: Array) -> Array:
    """Orthonormal DCT-II along both axes."""
    for _ in range(2):
        count = image.shape[1]
        mirrored = np.concatenate([image, image[:, ::-1]], axis=1)
        turn = np.exp(-0.5j * np.pi * np.arange(count) / count) / np.sqrt(2 * count)
        image = (np.fft.rfft(mirrored, axis=1)[:, :count] * turn).real
        image[:, 0] /= np.sqrt(2)
        image = image.T
    return image


def wavelet_transform(image: Array) -> Array:
    """One level of the discrete Meyer transform, approximation and details side by side.

    Upper row approximation and horizontal details, lower row vertical and diagonal details; the picture is mirrored at
    its borders and each band has (side + 61) // 2 coefficients a side, as in MATLAB's and PyWavelets' ``dwt2``.
    """
    down, across = (_wavelet_bands(side) for side in image.shape)
    bands = down @ image @ across.T
    height, width = (side // 2 for side in bands.shape)
    low, high = bands[:height], bands[height:]
    return np.block([[low[:, :width], high[:, :width]], [low[:, width:], high[:, width:]]])


@lru_cache(maxsize=8)
def _wavelet_bands(side: int) -> Array:
    """The matrix from ``side`` samples to all low, then all high coefficients: one product is faster than 62 shifts."""
    low, high = _meyer_filters()
    count = (side + _WAVELET_TAPS - 1) // 2
    matrix = np.zeros((2 * count, side))
    # Position 2 m + 1 - k of the mirrored signal for coefficient m and tap k.
    position = 2 * np.arange(count)[:, None] + 1 - np.arange(_WAVELET_TAPS)
    position %= 2 * side
    position = np.where(position < side, position, 2 * side - 1 - position)
    rows = np.broadcast_to(np.arange(count)[:, None], position.shape)
    np.add.at(matrix, (rows, position), low)
    np.add.at(matrix, (rows + count, position), high)
    return matrix


@lru_cache(maxsize=1)
def _meyer_filters() -> tuple[Array, Array]:
    """Low and high pass of Meyer's wavelet, 62 taps; the middle is tap 31 and tap 0 is left empty.

    Meyer's low pass is given by its frequency response, cos(pi/2 nu(3 w / pi - 1)) with nu(x) = x^4 (35 - 84 x + 70 x^2
    - 20 x^3): 1 up to pi/3 and 0 from 2 pi/3 on.
    """
    size = 4096
    frequency = 2 * np.pi * np.fft.rfftfreq(size)
    x = np.clip(3 * frequency / np.pi - 1, 0, 1)
    response = np.sqrt(2) * np.cos(np.pi / 2 * x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3))
    taps = np.fft.irfft(response, size)
    middle = _WAVELET_TAPS // 2
    low = taps[np.arange(_WAVELET_TAPS) - middle]
    low[0] = 0
    signs = np.where(np.arange(_WAVELET_TAPS) % 2 == 0, -1, 1)
    return low, low[::-1] * signs

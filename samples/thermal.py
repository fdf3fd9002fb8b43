"""From degrees Celsius to what a long-wave (8-14 um) camera collects."""

from __future__ import annotations

import numpy as np

from samples.noise import Array

__all__ = ["band_radiance", "sky_temperature"]

_LOW, _HIGH, _STEPS = -80.0, 400.0, 481


def _table() -> tuple[Array, Array]:
    """Planck's law integrated over the band, scaled to 1 at 20 degrees."""
    wave = np.linspace(8e-6, 14e-6, 61)
    celsius = np.linspace(_LOW, _HIGH, _STEPS)
    kelvin = celsius + 273.15
    exponent = 0.01438777 / (wave[None, :] * kelvin[:, None])
    radiance = (1.0 / (wave[None, :] ** 5 * np.expm1(exponent))).sum(axis=1)
    return celsius, radiance / np.interp(20.0, celsius, radiance)


_CELSIUS, _RADIANCE = _table()


def band_radiance(celsius: Array) -> Array:
    """Black-body band radiance, 1 at 20 degrees Celsius; any shape."""
    return np.interp(celsius, _CELSIUS, _RADIANCE).astype(np.float32)


def sky_temperature(elevation: Array, air: float, clear: float) -> Array:
    """Apparent sky temperature by sine of elevation [N]; ``clear`` 0 (overcast) to 1 (dry, clear).

    Near the horizon the path through the air is long and the sky looks as warm
    as the air; overhead a clear sky is tens of degrees colder.
    """
    rise = np.clip(elevation, 0.0, 1.0)
    return np.asarray(air - 2.0 * clear - clear * 46.0 * rise**0.55 - 4.0 * rise)

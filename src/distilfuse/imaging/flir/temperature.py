"""From counts to temperatures: the camera sees the object, what it reflects, the air and a window, all at once.

The model is that of the cameras, as Minkina and Dudzik describe it (Infrared Thermography: Errors and Uncertainties,
Wiley 2009), with the window half-way and coated against reflections, as in Thermimage (G. Tattersall):

    counts = tau (e tau W(object) + (1 - e) tau W(reflected) + (1 - tau) W(air)) tw + tau (1 - tw) W(window)
             + (1 - tau) W(air)

where ``W`` is the count of a black body, ``e`` the emissivity, ``tau`` the transmission of half of the air, ``tw`` that
of the window. Solved for ``W(object)``, and that for the temperature.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.flir.radiometry import ABSOLUTE_ZERO, Radiometry
from distilfuse.imaging.flir.records import DamagedFileError


def celsius(counts: NDArray[np.uint16], radiometry: Radiometry) -> NDArray[np.float32]:
    """Temperatures of the object.

    Args:
        counts: ``H x W``.
        radiometry: calibration and surroundings.

    Returns:
        ``H x W`` in degrees Celsius; NaN where a count is below (or above) what the calibration can turn into a
        temperature.

    Raises:
        DamagedFileError: the air would let nothing through, or no count at all has a temperature.
    """
    r = radiometry
    tau, window, e = transmission(r), r.window_transmission, r.emissivity
    air = black_body(r.atmosphere, r)
    besides = (
        (1 - e) / e * black_body(r.reflected, r)
        + (1 - tau) / (e * tau) * air
        + (1 - window) / (e * tau * window) * black_body(r.window, r)
        + (1 - tau) / (e * tau * tau * window) * air
    )
    signal = counts.astype(np.float64)
    signal *= r.r2 / (e * tau * tau * window)
    signal -= r.r2 * (besides - r.o)
    signal[signal <= 0] = np.nan  # colder than zero kelvin
    with np.errstate(over="ignore"):
        argument = np.divide(r.r1, signal, out=signal)
    argument += r.f
    argument[~(argument > 1)] = np.nan
    values = r.b / np.log(argument) + ABSOLUTE_ZERO
    if np.isnan(values).all():
        raise DamagedFileError("its calibration does not fit its thermal picture: no count has a temperature")
    result: NDArray[np.float32] = values.astype(np.float32)
    return result


def black_body(temperature: float, radiometry: Radiometry) -> float:
    """The count of a black body of so many degrees Celsius right in front of the camera.

    Raises:
        DamagedFileError: there is none, by these constants.
    """
    exponent = radiometry.b / (temperature - ABSOLUTE_ZERO)
    if exponent > 700:  # exp overflows: nothing is radiated
        return -radiometry.o
    radiance = math.exp(exponent) - radiometry.f
    if radiance <= 0:
        raise DamagedFileError("its Planck constants contradict each other")
    return radiometry.r1 / (radiometry.r2 * radiance) - radiometry.o


def transmission(radiometry: Radiometry) -> float:
    """Of the air on half of the way, 0 to 1, by temperature and relative humidity.

    Raises:
        DamagedFileError: nothing would get through.
    """
    r = radiometry
    t = r.atmosphere
    vapour = r.humidity * math.exp(min(1.5587 + 0.06939 * t - 0.00027816 * t**2 + 0.00000068455 * t**3, 50.0))
    root, way = math.sqrt(vapour), math.sqrt(r.distance / 2)
    exponents = (-way * (r.alpha1 + r.beta1 * root), -way * (r.alpha2 + r.beta2 * root))
    first, second = (math.exp(min(exponent, 50.0)) for exponent in exponents)
    tau = r.x * first + (1 - r.x) * second
    if not 1e-3 <= tau <= 1.1:
        raise DamagedFileError(f"air of {t:.4g} C over {r.distance:.4g} m would let {tau:.2g} of the radiation through")
    return tau

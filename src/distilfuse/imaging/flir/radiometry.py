"""What a count means: the calibration of the camera, and what lies between it and the object."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from distilfuse.imaging.flir.records import DamagedFileError, byte_order

ABSOLUTE_ZERO = -273.15
"""In degrees Celsius."""

_LENGTH = 0x310


@dataclass(frozen=True, kw_only=True)
class Radiometry:
    """The record CameraInfo, as far as temperatures need it. Temperatures are in degrees Celsius."""

    emissivity: float
    """Of the object, above 0 and at most 1."""
    distance: float
    """From camera to object, in metres."""
    reflected: float
    """Apparent temperature of what the object reflects."""
    atmosphere: float
    """Temperature of the air between."""
    humidity: float
    """Relative, 0 to 1."""
    window: float
    """Temperature of a window between object and camera."""
    window_transmission: float
    """1 without a window."""
    r1: float
    """Planck constants of the camera: a black body of T kelvin gives ``r1 / (r2 (exp(b / T) - f)) - o`` counts."""
    r2: float
    b: float
    f: float
    o: float
    alpha1: float
    """Constants of the transmission of air, see :func:`distilfuse.imaging.flir.temperature.transmission`."""
    alpha2: float
    beta1: float
    beta2: float
    x: float

    def words(self) -> dict[str, str]:
        """What a reader of the temperatures has to know, as names and values with units."""
        return {
            "emissivity": f"{self.emissivity:.4g}",
            "distance": f"{self.distance:.4g} m",
            "reflected apparent temperature": f"{self.reflected:.2f} C",
            "atmospheric temperature": f"{self.atmosphere:.2f} C",
            "relative humidity": f"{self.humidity:.1%}",
            "window temperature": f"{self.window:.2f} C",
            "window transmission": f"{self.window_transmission:.4g}",
            "Planck R1, R2, B, F, O": ", ".join(f"{v:.8g}" for v in (self.r1, self.r2, self.b, self.f, self.o)),
        }


def parse_radiometry(record: memoryview) -> Radiometry:
    """Read a CameraInfo record.

    Raises:
        DamagedFileError: cut off, or with values that are none: no number, an emissivity of 0, ...
    """
    if len(record) < _LENGTH:
        raise DamagedFileError("its record CAMERA_INFO is cut off")
    order = byte_order(record)
    emissivity, distance, reflected, air, window, transmission = struct.unpack_from(f"{order}6f", record, 0x20)
    (humidity,) = struct.unpack_from(f"{order}f", record, 0x3C)
    r1, b, f = struct.unpack_from(f"{order}3f", record, 0x58)
    alpha1, alpha2, beta1, beta2, x = struct.unpack_from(f"{order}5f", record, 0x70)
    o, r2 = struct.unpack_from(f"{order}if", record, 0x308)
    radiometry = Radiometry(
        emissivity=emissivity,
        distance=distance,
        reflected=reflected + ABSOLUTE_ZERO,
        atmosphere=air + ABSOLUTE_ZERO,
        humidity=humidity / 100 if humidity > 2 else humidity,  # some files say it in percent
        window=window + ABSOLUTE_ZERO,
        window_transmission=transmission,
        r1=r1,
        r2=r2,
        b=b,
        f=f,
        o=o,
        alpha1=alpha1,
        alpha2=alpha2,
        beta1=beta1,
        beta2=beta2,
        x=x,
    )
    _check(radiometry)
    return radiometry


def _check(values: Radiometry) -> None:
    kelvins = (ABSOLUTE_ZERO + 1, 5000.0)
    positive = (1e-12, 1e12)
    within = {
        "emissivity": (values.emissivity, (1e-3, 1.0)),
        "object distance": (values.distance, (0.0, 1e5)),
        "reflected temperature": (values.reflected, kelvins),
        "atmospheric temperature": (values.atmosphere, kelvins),
        "relative humidity": (values.humidity, (0.0, 1.0)),
        "window temperature": (values.window, kelvins),
        "window transmission": (values.window_transmission, (1e-3, 1.0)),
        "Planck constant R1": (values.r1, positive),
        "Planck constant R2": (values.r2, positive),
        "Planck constant B": (values.b, positive),
        "Planck constant F": (values.f, (1e-3, 1e3)),
        "atmospheric constant alpha 1": (values.alpha1, (-1e3, 1e3)),
        "atmospheric constant alpha 2": (values.alpha2, (-1e3, 1e3)),
        "atmospheric constant beta 1": (values.beta1, (-1e3, 1e3)),
        "atmospheric constant beta 2": (values.beta2, (-1e3, 1e3)),
        "atmospheric constant X": (values.x, (-1e3, 1e3)),
    }
    for name, (value, (low, high)) in within.items():
        if not low <= value <= high + 1e-6:  # NaN, too; 1 is not always stored exactly
            said = f"{value:.4g}" if math.isfinite(value) else "not a number"
            raise DamagedFileError(f"its {name} is {said}")

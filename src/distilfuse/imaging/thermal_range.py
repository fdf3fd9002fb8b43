"""Thermal range: which values of an infrared picture are black and which are white.

Thermal cameras give counts or degrees of which a scene fills a small part, so someone has to choose. By default the
picture does, by percentiles (8-bit pictures were already scaled by whoever made them and are left as they are). For
pictures that are to be compared, and for sequences, choose once: name the values, or take
:meth:`ThermalRange.shared_limits` and apply them to all; else the brightness of a face changes with what passes by.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.scaling import PictureWarning, full_scale
from distilfuse.imaging.tally import Tally

TAILS = (0.5, 99.5)
"""Percentiles of the default. Half a percent on either side (1600 pixels of 640x512) is more than dead pixels, a glint
of the sun or a lamp take, and less than a person nearby: none of the former decides what the rest looks like, and the
latter is not cut off. Hot spots beyond are white, which is what they should be."""

LEAST_COUNTS = 64
LEAST_DEGREES = 2.0
LEAST_SHARE = 1 / 16
"""What percentiles spread from black to white at least, of 16-bit counts (one or two kelvin with most uncooled
cameras), degrees, and what is scaled already. A wall of one temperature shall not become a picture of the noise."""

NARROW = 0.1
"""A picture that uses less of its range draws a warning."""
CLIPPED = 0.05
"""As does one of which a larger share lies outside of the range."""

_STRIP = 1 << 18
"""Pixels worked on at a time, so that temporary arrays stay in the cache."""
_BEYOND = 1e-4
"""Rounding of earlier arithmetic by which a float picture scaled to 0..1 may leave it."""


@dataclass(frozen=True)
class ThermalRange:
    """How black and white are chosen; :meth:`parse` reads one from an option."""

    unit: str = "auto"
    """``auto`` (:data:`TAILS` for 16-bit counts and degrees, ``type`` for 8 bits and floats in 0..1), ``type`` (0 to
    the full scale of the type), ``value`` or ``percent``."""
    low: float = 0.0
    """Black: a value of the file or a percentile; without meaning for ``auto`` and ``type``."""
    high: float = 0.0
    """White."""

    FORMS: ClassVar[str] = "LOW,HIGH in the values of the file such as 20,35, LOW%,HIGH% such as 1%,99%, auto or type"
    """What :meth:`parse` reads, for help texts."""

    @classmethod
    def parse(cls, text: str) -> ThermalRange:
        """Read ``auto``, ``type``, ``LOW,HIGH`` in the values of the file, or ``LOW%,HIGH%``.

        Raises:
            ConfigError: none of these, ``LOW`` not below ``HIGH``, or percentages out of 0..100.
        """
        word = text.strip().lower()
        if word in ("auto", "type"):
            return cls(word)
        parts = [part.strip() for part in word.split(",")]
        percent = all(part.endswith("%") for part in parts)
        try:
            low, high = (float(part[:-1] if percent else part) for part in parts)
        except ValueError:
            low = high = np.nan
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ConfigError(f"{text!r} is not a thermal range: write {cls.FORMS}.")
        if low >= high:
            raise ConfigError(f"The thermal range {text} is empty: name black first, then white, which must be higher.")
        if percent and not 0 <= low < high <= 100:
            raise ConfigError(f"The thermal range {text} must lie within 0%,100%.")
        return cls("percent" if percent else "value", low, high)

    def __str__(self) -> str:
        if self.unit in ("auto", "type"):
            return self.unit
        sign = "%" if self.unit == "percent" else ""
        return f"{self.low:.10g}{sign},{self.high:.10g}{sign}"

    def limits(self, picture: NDArray[Any], name: str = "infrared") -> tuple[float, float]:
        """The values of one picture that become black and white.

        Args:
            picture: ``H x W`` (or ``x 3``, of which the luminance counts) of uint8, uint16, float32 or float64.
            name: what to call the picture in messages.

        Raises:
            InputError: another type or shape, no pixels, NaN or infinite values; or ``type`` with floats out of 0..1,
                whose full scale nobody knows.
        """
        return self.shared_limits([picture], name)

    def shared_limits(self, pictures: Iterable[NDArray[Any]], name: str = "infrared") -> tuple[float, float]:
        """Limits for several pictures of one camera, such as some frames of a sequence.

        Args:
            pictures: as for :meth:`limits`, all of one type; each counts with its pixels.
            name: what to call a picture in messages.

        Raises:
            InputError: no pictures, several types, or as for :meth:`limits`.
        """
        tallies, kinds = [], set()
        for picture in pictures:
            kinds.add(np.asarray(picture).dtype.newbyteorder("="))
            tallies.append(Tally.of(grey_plane(picture, name)))
        if not kinds:
            raise InputError(f"There are no {name} pictures to take a thermal range from: give one or more.")
        if len(kinds) > 1:
            kinds_found = " and ".join(sorted(str(kind) for kind in kinds))
            raise InputError(f"The {name} pictures are of {kinds_found}, which have no range in common: convert them.")
        return self._choose(Tally.union(tallies), kinds.pop(), name)

    def _choose(self, tally: Tally, kind: np.dtype[Any], name: str) -> tuple[float, float]:
        if self.unit == "value":
            return self.low, self.high
        scaled = kind.kind != "f" or -_BEYOND <= tally.least <= tally.most <= 1 + _BEYOND
        automatic = self.unit == "auto" and (kind == np.uint16 or not scaled)
        if self.unit == "percent" or automatic:
            low, high = (tally.percentile(tail) for tail in (TAILS if automatic else (self.low, self.high)))
            lacking = _least_span(kind, scaled) - (high - low)
            return (low - lacking / 2, high + lacking / 2) if lacking > 0 else (low, high)
        if not scaled:
            raise InputError(
                f"The {name} picture has float values from {tally.least:.4g} to {tally.most:.4g}, which have no full "
                "scale: name the thermal range, such as 20,35 or 1%,99%."
            )
        return 0.0, full_scale(kind)

    def warn(self, picture: NDArray[Any], low: float, high: float, name: str = "infrared") -> None:
        """Warn where a picture suits limits badly, be they its own or those of its sequence.

        Args:
            picture: as for :meth:`limits`.
            low: black, of :meth:`limits` or :meth:`shared_limits`.
            high: white.
            name: what to call the picture in messages.

        Raises:
            InputError: as for :func:`to_range`; or all values lie outside of limits that were named.

        Warns:
            PictureWarning: all pixels have one value; more than :data:`CLIPPED` lie outside of the limits (besides the
                tails that percentiles leave out on purpose); or the picture uses less than :data:`NARROW` of them,
                measured between :data:`TAILS`.
        """
        _check_limits(low, high)
        tally = Tally.of(grey_plane(picture, name))
        tails = (self.low, self.high) if self.unit == "percent" else (0, 100)
        below, above = tally.share_below(low), tally.share_above(high)
        # A value on a percentile is not beyond it, so only pictures that the limits were not made for exceed the tails.
        excess = max(0.0, below - tails[0] / 100) + max(0.0, above - 1 + tails[1] / 100)
        first, last = (min(max(tally.percentile(tail), low), high) for tail in TAILS)
        used = (last - first) / (high - low)
        if self.unit == "value" and below + above == 1:
            raise InputError(
                f"The {name} picture has no value between {low:g} (black) and {high:g} (white), only values from "
                f"{tally.least:g} to {tally.most:g}: choose another thermal range."
            )
        if tally.least == tally.most:
            remark = f"has the value {tally.least:g} everywhere and adds nothing: check the camera or the file"
        elif excess > CLIPPED:
            remark = (
                f"has {below:.1%} of its pixels below {low:g} (black) and {above:.1%} above {high:g} (white), "
                f"with values from {tally.least:g} to {tally.most:g}: choose a wider thermal range"
            )
        elif used < NARROW:
            remark = (
                f"uses {used:.1%} of its range from {low:g} to {high:g} and will add little: choose a narrower range"
            )
        else:
            return
        warnings.warn(f"The {name} picture {remark}.", PictureWarning, stacklevel=2)


def to_range(picture: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Values to 0..1, linear from ``low`` to ``high``, clipped beyond.

    Args:
        picture: ``H x W`` (or ``x 3``, of which the luminance is taken) of uint8, uint16, float32 or float64.
        low: the value that becomes 0.
        high: the value that becomes 1, above ``low``.

    Returns:
        ``H x W``, a new array.

    Raises:
        InputError: ``low`` is not below ``high``, another type or shape, no pixels, NaN or infinite values.
    """
    _check_limits(low, high)
    plane = grey_plane(picture, "infrared")
    out = np.empty(plane.shape, np.float32)
    # Degrees of float64 may be in kelvin: subtract before the digits are cut.
    kind = np.float64 if plane.dtype == np.float64 else np.float32
    rows = max(1, _STRIP // plane.shape[1])
    for top in range(0, len(plane), rows):
        strip = out[top : top + rows]
        np.subtract(plane[top : top + rows], kind(low), out=strip, dtype=kind, casting="same_kind")
        np.multiply(strip, np.float32(1 / (high - low)), out=strip)
        np.clip(strip, 0, 1, out=strip)
    return out


def grey_plane(picture: NDArray[Any], name: str) -> NDArray[Any]:
    """One checked plane of a picture, in the values of its type.

    Args:
        picture: as for :func:`check_picture`; of colour, the BT.601 luminance is taken (of floats, within 0..1).
        name: what to call the picture in messages.

    Returns:
        ``H x W`` in native byte order: a view, or float32 from colour.

    Raises:
        InputError: as for :func:`check_picture`.
    """
    picture = check_picture(picture, name)
    if picture.ndim == 2:
        return picture
    if picture.shape[2] == 1:
        return picture[..., 0]
    grey: NDArray[np.float32] = luminance(picture[..., :3])
    grey *= np.float32(full_scale(picture.dtype))
    return grey


def check_picture(picture: NDArray[Any], name: str) -> NDArray[Any]:
    """Refuse what is no picture; unlike in :mod:`distilfuse.imaging.planes`, floats may have any finite value.

    Args:
        picture: ``H x W``, ``H x W x 1``, ``x 3`` or ``x 4`` (alpha) of uint8, uint16, float32 or float64.
        name: what to call the picture in messages.

    Returns:
        The picture, in native byte order.

    Raises:
        InputError: another type or shape, no pixels, NaN or infinite values.
    """
    picture = np.asarray(picture)
    full_scale(picture.dtype)  # refuses other types
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] not in (1, 3, 4)) or not picture.size:
        shape = "x".join(map(str, picture.shape)) or "scalar"
        raise InputError(f"The {name} array has the shape {shape}: give height x width, or with 1, 3 or 4 channels.")
    if picture.dtype.kind == "f" and not (np.isfinite(picture.min()) and np.isfinite(picture.max())):
        raise InputError(f"The {name} picture holds NaN or infinite values: replace them before fusing.")
    return picture if picture.dtype.isnative else picture.astype(picture.dtype.newbyteorder("="))


def _check_limits(low: float, high: float) -> None:
    if not low < high:
        raise InputError(f"The thermal range {low:g},{high:g} is empty: black must be a lower value than white.")


def _least_span(kind: np.dtype[Any], scaled: bool) -> float:
    if not scaled:
        return LEAST_DEGREES
    return LEAST_COUNTS if kind == np.uint16 else LEAST_SHARE * full_scale(kind)

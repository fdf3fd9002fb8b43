"""The counts of the thermal sensor: 16 bits a pixel, as PNG, as TIFF or plain, in either byte order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.flir.embedded import PNG, TIFF, decode, parse_picture
from distilfuse.imaging.flir.records import DamagedFileError

MOST_PIXELS = 1 << 22
"""Thermal pictures have up to three megapixels."""

_CERTAIN = 2.0
"""A byte order other than the one told is believed where it makes the picture so many times as smooth."""


def parse_counts(record: memoryview) -> NDArray[np.uint16]:
    """The counts of a RawData record, ``H x W``.

    Most cameras write the samples of a PNG with the low byte first, against its standard, and some do not (ExifTool);
    plain samples have the order of the record as a rule. A wrong order turns the low byte, which is mostly noise, into
    the high one, so the picture itself decides: the usual order is taken unless the other is far smoother.

    Raises:
        DamagedFileError: cut off, of an unknown kind, or of another size than the record says.
    """
    picture = parse_picture(record, "thermal", MOST_PIXELS)
    if picture.starts_with(PNG):
        return _likelier(_plane(np.asarray(decode(picture, "thermal", MOST_PIXELS))).byteswap())
    if len(picture.content) == 2 * picture.width * picture.height:
        samples = np.frombuffer(picture.content, f"{picture.order}u2").astype(np.uint16)
        return _likelier(samples.reshape(picture.height, picture.width))
    if picture.starts_with(*TIFF):
        return _likelier(_plane(np.asarray(decode(picture, "thermal", MOST_PIXELS))))
    raise DamagedFileError("its thermal picture is cut off or of an unknown kind")


def _plane(values: NDArray[Any]) -> NDArray[np.uint16]:
    if values.ndim != 2 or values.dtype.kind not in "iu" or values.dtype.itemsize < 2:
        raise DamagedFileError("its thermal picture does not have 16 bits a pixel")
    if values.dtype.itemsize > 2 and (values.min() < 0 or values.max() > 0xFFFF):
        raise DamagedFileError("its thermal picture has counts beyond 16 bits")
    return values.astype(np.uint16)


def _likelier(usual: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The counts as they usually are, or with their bytes swapped where these are far smoother."""
    swapped = usual.byteswap()
    return swapped if _roughness(usual) > _CERTAIN * _roughness(swapped) else usual


def _roughness(values: NDArray[np.uint16]) -> float:
    """Sum of absolute differences between neighbours."""
    signed = values.astype(np.int32)
    return float(sum(np.abs(np.diff(signed, axis=axis)).sum(dtype=np.float64) for axis in (0, 1)))

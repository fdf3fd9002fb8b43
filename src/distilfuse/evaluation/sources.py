"""Pictures as scoring takes them: 8 bit, no alpha, whatever the file holds, with a remark on what was done to them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.colour import luminance
from distilfuse.imaging.planes import take_apart
from distilfuse.imaging.reading import read_image
from distilfuse.imaging.scaling import PictureWarning, from_unit, to_unit, warn_if_narrow

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Remark:
    """Something to know of a file that was scored nonetheless."""

    what: str
    """The rest of a sentence that begins with files: "16-bit, scaled by type to 8 bit"."""
    file: str


def read_picture(path: Path, *, infrared: bool = False) -> tuple[Bytes, list[Remark]]:
    """Read a picture for scoring.

    Values of 16 bits and floats are scaled by type (65535 or 1.0 becomes 255), alpha is dropped.

    Args:
        path: a picture file.
        infrared: remark on colour in it, which an infrared picture should not have.

    Returns:
        ``H x W`` or ``H x W x 3`` uint8, and what was noticed.

    Raises:
        InputError: a file that cannot be read, NaN, infinity, floats out of 0..1; names the file.
    """
    planes = take_apart(read_image(path), str(path)).colour
    remarks = []
    if planes.dtype != np.uint8:
        kind = "16-bit values" if planes.dtype == np.uint16 else "float values"
        remarks.append(Remark(f"{kind}, scaled by type to 8 bit", str(path)))
        warn_if_narrow(planes, str(path))
        planes = from_unit(to_unit(planes), np.uint8)
    if is_constant(planes):
        remarks.append(Remark("constant, every pixel alike", str(path)))
    if infrared and has_colour(planes):
        remarks.append(Remark("infrared in colour, turned to grey", str(path)))
    return planes, remarks


def is_constant(picture: Bytes) -> bool:
    """Whether all pixels are alike."""
    first = picture[0, 0]
    return bool((picture[0] == first).all() and (picture == first).all())  # one row tells for most pictures


def has_colour(picture: Bytes) -> bool:
    """Whether it has three channels and they differ anywhere."""
    if picture.ndim == 2:
        return False
    red, green, blue = (picture[..., k] for k in range(3))
    return bool((red != green).any() or (green != blue).any())


def grey_bytes(picture: Bytes) -> Bytes:
    """BT.601 luminance of a colour picture in 8 bit, as methods and degradations take infrared; grey as it is."""
    return from_unit(luminance(picture), np.uint8) if picture.ndim == 3 else picture


@contextmanager
def noticed(remarks: list[str]) -> Iterator[None]:
    """Collect the :class:`PictureWarning` of a block, from all its threads, as sentences; each once."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", PictureWarning)
        shown = warnings.showwarning

        def keep(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, PictureWarning):
                if str(message) not in remarks:
                    remarks.append(str(message))
            else:
                shown(message, category, *rest, **more)

        warnings.showwarning = keep
        yield


def grouped(remarks: Iterable[Remark]) -> dict[str, list[str]]:
    """What was noticed to the files that it was noticed on, in order, each file once."""
    found: dict[str, list[str]] = {}
    for remark in remarks:
        files = found.setdefault(remark.what, [])
        if remark.file not in files:
            files.append(remark.file)
    return found

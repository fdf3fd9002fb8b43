"""What is written for a file of a thermal camera: the fused picture with its EXIF, and the temperatures beside it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import OutputError
from distilfuse.imaging.exif import exif_of_result
from distilfuse.imaging.metadata import Metadata
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.imaging.writing import check_target, write_bytes, write_image
from distilfuse.workflows.camera_pair import CameraPair

Sidecar = Literal["tiff", "csv", "none"]
"""The kind of file for temperatures."""

SIDECARS: Mapping[Sidecar, str] = {"tiff": ".tiff", "csv": ".csv", "none": ""}
"""Kind to suffix."""

WITH_EXIF = (".jpg", ".jpeg", ".png")
"""Suffixes of pictures that are written with EXIF."""


def write_results(
    output: Path, sidecar: Path | None, fused: NDArray[np.uint8], pair: CameraPair, *, overwrite: bool = False
) -> None:
    """Write the fused picture and, where wanted, the temperatures: where one fails, no new file of either is left.

    Args:
        output: the suffix is one of :data:`WITH_EXIF`.
        sidecar: the suffix is one of :data:`SIDECARS`; None for no temperatures.
        fused: ``H x W`` or ``H x W x 3``.
        pair: what it was made from.
        overwrite: replace files that exist.

    Raises:
        OutputError: a file exists, or cannot be written.
    """
    if sidecar is None or pair.celsius is None:
        write_image(output, fused_picture(fused, pair), overwrite=overwrite)
        return
    check_target(output, overwrite=overwrite)
    if sidecar.exists() and not overwrite:
        raise OutputError(f"{sidecar} exists: add --overwrite (overwrite=True) to replace it.")
    encode = temperature_csv if sidecar.suffix.lower() == ".csv" else temperature_tiff
    replaced = sidecar.exists()
    write_bytes(sidecar, encode(pair.celsius, temperature_notes(pair)))
    try:
        write_image(output, fused_picture(fused, pair), overwrite=overwrite)
    except BaseException:
        if not replaced:
            with suppress(OSError):
                sidecar.unlink()
        raise


def fused_picture(fused: NDArray[np.uint8], pair: CameraPair) -> Image.Image:
    """The fused picture, to be written with the EXIF of the camera's file and the colour profile."""
    image = Image.fromarray(fused)
    exif = exif_of_result(pair.exif, image.width, image.height)
    if pair.exif and not exif:
        warnings.warn(
            f"{pair.source} has a damaged or too large EXIF block, which the result goes without.",
            PictureWarning,
            stacklevel=2,
        )
    Metadata(pair.profile, exif).put(image)
    return image


def temperature_notes(pair: CameraPair) -> list[str]:
    """What a reader of the temperatures has to know, a line each."""
    assert pair.celsius is not None
    assert pair.radiometry is not None
    height, width = pair.celsius.shape
    named = {"source": pair.source.name, "size": f"{width}x{height} pixels of the thermal sensor, upright"}
    return ["temperature in degrees Celsius"] + [
        f"{name}: {value}" for name, value in (named | pair.radiometry.words()).items()
    ]


def temperature_tiff(celsius: NDArray[np.float32], notes: list[str]) -> bytes:
    """Degrees Celsius as a float32 TIFF, the notes as its description (in ASCII, as TIFF has it)."""
    description = "\n".join(notes).encode("ascii", "replace").decode()
    stream = io.BytesIO()
    Image.fromarray(celsius).save(stream, "TIFF", compression="tiff_adobe_deflate", description=description)
    return stream.getvalue()


def temperature_csv(celsius: NDArray[np.float32], notes: list[str]) -> bytes:
    """Degrees Celsius as text: notes after ``#``, then a line a row of pixels; to the thousandth, ``nan`` for NaN."""
    text = io.StringIO()
    text.writelines(f"# {note}\n" for note in notes)
    np.savetxt(text, celsius, fmt="%.3f", delimiter=",")
    return text.getvalue().encode()

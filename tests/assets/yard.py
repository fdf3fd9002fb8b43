"""The scene of the tests of camera files, and files of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, exif_of, flir_jpeg, shown, with_segments
from PIL import Image
from PIL.ExifTags import IFD, Base

from distilfuse.errors import InputError, OutputError

HEIGHT, WIDTH = 24, 32


def warm_yard() -> np.ndarray:
    """18 to 28 degrees, and a target of 60 right of the middle."""
    celsius = np.tile(np.linspace(18, 28, WIDTH), (HEIGHT, 1))
    celsius[10:14, 20:24] = 60
    return celsius


def yard(**changes: object) -> Scene:
    """The visible picture is dark blue, 128 x 96; the thermal one shows 4/5 of its width, from the middle."""
    visible = np.zeros((96, 128, 3), np.uint8)
    visible[:] = (20, 30, 90)
    return Scene(**({"celsius": warm_yard(), "visible": visible} | changes))


def tags() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Model] = "FLIR E8"
    exif[IFD.Exif] = {Base.DateTimeOriginal: "2024:03:01 12:30:45"}
    exif[IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 12.5), 3: "E", 4: (11.0, 34.0, 30.0)}
    return exif


def save(path: Path, scene: Scene) -> Path:
    path.write_bytes(flir_jpeg(scene))
    return path


def refusal(action: Callable[..., object], *arguments: object, **options: object) -> str:
    """Check that a call is refused, and return the sentence."""
    with pytest.raises((InputError, OutputError)) as refused:
        action(*arguments, **options)
    return str(refused.value)


def dji(tmp_path: Path) -> Path:
    """As DJI's cameras write them: counts in APP3, parameters in APP4."""
    scene = yard(make="DJI")
    path = tmp_path / "DJI_0001_T.JPG"
    counts = scene.raw().tobytes()
    path.write_bytes(
        with_segments(shown(scene), exif_of(scene), (0xE3, counts), (0xE4, b"\xaa\x55\x12\x06" + bytes(100)))
    )
    return path

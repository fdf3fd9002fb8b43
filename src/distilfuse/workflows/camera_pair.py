"""From one file of a thermal camera to two pictures of one view."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.dji import is_dji_thermal
from distilfuse.imaging.exif import find_exif, orientation, read_exif, turn_upright
from distilfuse.imaging.flir.placement import overlap
from distilfuse.imaging.flir.radiometry import Radiometry
from distilfuse.imaging.flir.reading import FlirCapture, read_flir
from distilfuse.imaging.flir.records import DamagedFileError
from distilfuse.imaging.jpeg_segments import Segment, read_segments
from distilfuse.imaging.reading import read_image
from distilfuse.imaging.resampling import resample
from distilfuse.imaging.scaling import PictureWarning, to_unit
from distilfuse.imaging.strips import planes_of
from distilfuse.imaging.thermal_range import ThermalRange, to_range

AUTOMATIC = ThermalRange()

SAME_SHAPE = 0.02
"""By how much the sides' ratios of two pictures may differ that are said to show the same view."""


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What is fused with what."""

    align: bool = True
    """Cut the visible picture to what the thermal one shows, by what the file says; else take both as they are."""
    visible: Path | None = None
    """A picture of the same view to take instead of the one in the file."""
    palette: bool = False
    """Take the picture that the camera shows, in its palette, instead of temperatures (needs ``visible``)."""
    thermal_range: ThermalRange = AUTOMATIC
    """Degrees Celsius that become black and white, or percentiles."""

    def __post_init__(self) -> None:
        if self.palette and self.visible is None:
            raise InputError("A picture in its palette has no visible one of its own: name that, too (--visible).")
        if self.palette and self.thermal_range != AUTOMATIC:
            raise InputError("Colours of a palette have no temperatures: leave either --palette or --range away.")


@dataclass(frozen=True, kw_only=True)
class CameraPair:
    """Two pictures of one view and one size, upright."""

    visible: NDArray[np.uint8]
    """``H x W`` or ``H x W x 3``."""
    grey: NDArray[np.float32]
    """The thermal picture, ``H x W`` in 0..1, white is hot."""
    exif: bytes
    """As the file has it, perhaps empty."""
    profile: bytes | None
    """The colour profile (ICC) of the visible picture."""
    source: Path
    celsius: NDArray[np.float32] | None = None
    """Temperatures at the thermal sensor's own pixels, all of them; None where there are none."""
    radiometry: Radiometry | None = None
    limits: tuple[float, float] | None = None
    """Degrees Celsius of black and white in ``grey``."""

    def fuse(self, fuser: Fuser) -> tuple[NDArray[np.uint8], float]:
        """The fused picture, as :attr:`visible`, and the seconds it took."""
        start = time.perf_counter()
        fused = fuser(self.visible, self.grey)
        return fused, time.perf_counter() - start


def read_camera_pair(path: Path, pairing: Pairing) -> CameraPair:
    """Read a file of a camera and lay its two pictures on each other.

    Args:
        path: a FLIR radiometric JPEG; with ``pairing.palette`` any picture whose colours stand for temperatures.
        pairing: what is fused with what.

    Raises:
        InputError: no such file, nothing radiometric in it, damaged, no visible picture, or none that fits.
    """
    segments = read_segments(path)
    if pairing.palette:
        return _by_palette(path, segments, pairing)
    return _by_temperature(_capture(path, segments), segments, pairing)


def _by_palette(path: Path, segments: Sequence[Segment], pairing: Pairing) -> CameraPair:
    shown, _ = planes_of(read_image(path))
    grey = luminance(shown) if shown.ndim == 3 else to_unit(shown)
    warnings.warn(
        f"{path} is fused by the brightness of its palette: there are no temperatures, and a rainbow palette loses the "
        "order of hot and cold.",
        PictureWarning,
        stacklevel=2,
    )
    visible, grey, profile = _with_separate(path, grey, pairing)
    return CameraPair(visible=visible, grey=grey, exif=find_exif(segments), profile=profile, source=path)


def _capture(path: Path, segments: Sequence[Segment]) -> FlirCapture:
    capture = read_flir(path, segments)
    if capture is not None:
        return capture
    if is_dji_thermal(segments):
        raise InputError(
            f"{path} is a DJI R-JPEG, whose temperatures only DJI's Thermal SDK can read: add --palette and --visible "
            "PICTURE to fuse the colours that it shows instead."
        )
    raise InputError(
        f"{path} is a plain JPEG without thermal data: give the file as the camera wrote it, or use `distilfuse fuse` "
        "with a visible and an infrared picture."
    )


def _by_temperature(capture: FlirCapture, segments: Sequence[Segment], pairing: Pairing) -> CameraPair:
    path, exif = capture.path, find_exif(segments)
    turn = orientation(read_exif(exif))
    grey, limits = _grey(capture.celsius, pairing.thermal_range)
    if missing := int(np.isnan(capture.celsius).sum()):
        warnings.warn(
            f"{path} has {missing} pixels beyond its calibration: they are black, and NaN in the temperatures.",
            PictureWarning,
            stacklevel=2,
        )
    if pairing.visible is not None:
        visible, grey, profile = _with_separate(path, turn_upright(grey, turn), pairing)
    else:
        visible, grey, profile = _with_embedded(capture, grey, pairing)
        visible, grey = turn_upright(visible, turn), turn_upright(grey, turn)
    return CameraPair(
        visible=np.ascontiguousarray(visible),
        grey=np.ascontiguousarray(grey),
        exif=exif,
        profile=profile,
        source=path,
        celsius=np.ascontiguousarray(turn_upright(capture.celsius, turn)),
        radiometry=capture.radiometry,
        limits=limits,
    )


def _grey(celsius: NDArray[np.float32], thermal_range: ThermalRange) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Temperatures as ``H x W`` in 0..1, white is hot and no temperature black; and the degrees of black and white."""
    known = np.isfinite(celsius)
    temperatures = celsius[known][None]
    limits = thermal_range.limits(temperatures, "thermal")
    thermal_range.warn(temperatures, *limits, "thermal")
    grey = np.zeros_like(celsius)
    grey[known] = to_range(temperatures, *limits)[0]
    return grey, limits


_Laid = tuple[NDArray[Any], NDArray[np.float32], bytes | None]
"""The visible picture, the thermal one at its size, the colour profile."""


def _with_embedded(capture: FlirCapture, grey: NDArray[np.float32], pairing: Pairing) -> _Laid:
    visible = capture.visible()
    if visible is None:
        raise InputError(
            f"{capture.path} has no visible picture inside: name one of the same view (--visible PICTURE), or have the "
            "camera save it."
        )
    profile = visible.info.get("icc_profile")
    height, width = grey.shape
    if not pairing.align:
        _check_shapes(str(capture.path), (width, height), "its visible picture", visible)
        return planes_of(visible)[0], resample(grey, visible.width, visible.height), profile
    placement = capture.placement()
    if placement is None:
        raise InputError(
            f"{capture.path} does not say where its thermal picture lies in its visible one: add --no-align if both "
            "show the same view."
        )
    try:
        common = overlap(placement, visible.size, (width, height))
    except DamagedFileError as error:
        raise InputError(
            f"{capture.path} cannot be aligned ({error}): add --no-align to take both as they are."
        ) from error
    colour, _ = planes_of(visible.crop(common.visible))
    tall, wide = colour.shape[:2]
    return colour, resample(grey, wide, tall, common.thermal), profile


def _with_separate(path: Path, grey: NDArray[np.float32], pairing: Pairing) -> _Laid:
    assert pairing.visible is not None
    image = read_image(pairing.visible)
    colour, _ = planes_of(image)
    if colour.dtype != np.uint8:
        raise InputError(f"{pairing.visible} is not a picture with 8 bits a channel: convert it first.")
    _check_shapes(str(path), (grey.shape[1], grey.shape[0]), str(pairing.visible), image)
    return colour, resample(grey, image.width, image.height), image.info.get("icc_profile")


def _check_shapes(name: str, thermal: tuple[int, int], other: str, visible: Image.Image) -> None:
    """Two pictures of the same view have sides of the same ratio.

    Raises:
        InputError: they have not.
    """
    ratio = (visible.width * thermal[1]) / (visible.height * thermal[0])
    if abs(ratio - 1) > SAME_SHAPE:
        raise InputError(
            f"{name} is {thermal[0]}x{thermal[1]} pixels (thermal) but {other} is {visible.width}x{visible.height}, so "
            "they do not show the same view: align or crop one to the other first."
        )

"""Two medical volumes in, one fused volume on the grid of the second out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.staging import staged
from distilfuse.imaging.volumes.nifti import is_nifti, write_nifti
from distilfuse.imaging.volumes.palettes import paint
from distilfuse.imaging.volumes.projection import project_fused
from distilfuse.imaging.volumes.reading import read_volume
from distilfuse.imaging.volumes.resampling import resample, share_covered
from distilfuse.imaging.volumes.secondary_capture import write_secondary_capture
from distilfuse.imaging.volumes.slices import PLANES, as_picture, slicing_axis, square_pixels, with_banner
from distilfuse.imaging.volumes.volume import Grid, Volume
from distilfuse.imaging.volumes.windows import Window, default_window, find_limits, to_bytes
from distilfuse.imaging.writing import write_image
from distilfuse.workflows.volume_plan import VolumePlan

Limits = tuple[float, float]

_FIRST = ("", "PT", "NM", "CT")
_SECOND = ("", "MR", "CT")
"""Modalities in the first and second place; NIfTI does not say what it is."""
_WELL_COVERED = 0.5
"""Share of the anatomical grid below which it is worth a remark how little the first volume covers."""
_COARSE = 1.5
"""Millimetres a pixel from which on the slices are coarser than any that the models have learned from."""


@dataclass(frozen=True, kw_only=True)
class LoadedVolumes:
    """A pair that can be fused."""

    functional: Volume
    anatomical: Volume
    limits: Limits
    """The values of the functional volume that are black and full."""
    anatomical_limits: Limits
    palette: str
    remarks: tuple[str, ...]

    @property
    def canonical(self) -> Grid:
        """The anatomical grid, turned so that its axes run nearest to right, anterior and superior."""
        grid = self.anatomical.grid
        return grid.orientation.grid(grid)

    @property
    def steps(self) -> int:
        """How often :func:`fuse_volumes` reports progress: each slice is resampled and fused."""
        grid = self.canonical
        return grid.shape[2] + grid.shape[slicing_axis(grid)]


def load_volumes(plan: VolumePlan) -> LoadedVolumes:
    """Read both volumes, and choose one window for the whole of each.

    Raises:
        InputError: a volume cannot be read (see :func:`distilfuse.imaging.volumes.reading.read_volume`), is of a
            modality for the other place, the two do not overlap, or a window does not fit (see
            :func:`distilfuse.imaging.volumes.windows.find_limits`).
    """
    functional, anatomical = read_volume(plan.functional), read_volume(plan.anatomical)
    _check_modalities(functional, anatomical)
    remarks = [*functional.remarks, *anatomical.remarks, *_compare_places(functional, anatomical)]
    limits, said = _show(functional, plan.window)
    anatomical_limits, also_said = _show(anatomical, plan.anatomical_window)
    grey = functional.modality == "CT" or (plan.window is not None and plan.window.unit == "hu")
    return LoadedVolumes(
        functional=functional,
        anatomical=anatomical,
        limits=limits,
        anatomical_limits=anatomical_limits,
        palette=plan.palette or ("grey" if grey else "hot"),
        remarks=(*remarks, said, also_said),
    )


def _check_modalities(functional: Volume, anatomical: Volume) -> None:
    if functional.modality not in _FIRST:
        raise InputError(
            f"{functional.name} is a series of {functional.modality}, but PET, SPECT or CT comes first and MRI second: "
            "name another series, or exchange the two."
        )
    if anatomical.modality not in _SECOND:
        raise InputError(
            f"{anatomical.name} is a series of {anatomical.modality}, but the anatomical one (MRI) comes second: name "
            "another series, or exchange the two."
        )


def _compare_places(functional: Volume, anatomical: Volume) -> list[str]:
    """Remarks on where the two lie and how finely; nothing in common is an error."""
    covered = share_covered(anatomical.grid, functional.grid)
    if covered == 0 == share_covered(functional.grid, anatomical.grid):  # a thin slab may lie between the samples
        raise InputError(
            f"{functional.name} and {anatomical.name} do not overlap in space: register one to the other first."
        )
    remarks = []
    if covered < _WELL_COVERED:
        remarks.append(
            f"{functional.name} covers {covered:.0%} of the grid of {anatomical.name} and is black elsewhere."
        )
    grid = anatomical.grid.orientation.grid(anatomical.grid)
    if (pixel := float(np.delete(grid.spacing, slicing_axis(grid)).max())) > _COARSE:
        remarks.append(
            f"{anatomical.name} has pixels of {pixel:.2g} mm where models know about 1 mm: expect dark halos around "
            "high uptake."
        )
    series = [volume.grid.datasets[0] for volume in (functional, anatomical) if volume.grid.datasets]
    if len({data.get("FrameOfReferenceUID") for data in series}) == 2:
        remarks.append("The two series have different frames of reference: make sure that they are registered.")
    return remarks


def _show(volume: Volume, asked: Window | None) -> tuple[Limits, str]:
    """The limits of a volume's window, and a sentence on them."""
    window = asked or default_window(volume)
    low, high = find_limits(volume, window)
    assumed = window.unit in ("suv", "hu") and not volume.modality
    taken = f", its values taken as {window.unit.upper()}" if assumed else ""
    return (low, high), f"{volume.name}: black at {low:.4g}, full at {high:.4g} ({window}{taken})."


@dataclass(frozen=True, kw_only=True)
class FusedVolumes:
    """What the fusion gives, not yet written."""

    fused: NDArray[np.uint8]
    """On the anatomical grid: ``I x J x K``, or ``I x J x K x 3`` RGB if the functional volume is in colour."""
    functional: NDArray[np.uint8]
    """Resampled and windowed, on the canonical grid."""
    seconds: float
    """Spent in resampling and in the Fuser."""


def fuse_volumes(
    fuser: Fuser, pair: LoadedVolumes, advance: Callable[[int], object] = lambda done: None
) -> FusedVolumes:
    """Resample the functional volume to the anatomical grid and fuse slice by slice.

    Args:
        fuser: gets each slice as a radiologist sees it: anterior (or superior) up.
        pair: from :func:`load_volumes`.
        advance: called with the number of steps done, of ``pair.steps``.
    """
    start = time.perf_counter()
    grid, orientation = pair.canonical, pair.anatomical.grid.orientation
    axis = slicing_axis(grid)
    anatomical, functional = np.empty(grid.shape, np.uint8), np.empty(grid.shape, np.uint8)
    values = orientation.view(pair.anatomical.values)
    for k, plane in enumerate(resample(pair.functional, grid, outside=pair.limits[0])):
        functional[..., k] = to_bytes(plane, *pair.limits)
        anatomical[..., k] = to_bytes(values[..., k], *pair.anatomical_limits)
        advance(k + 1)
    channels = () if pair.palette == "grey" else (3,)
    fused = np.empty((*pair.anatomical.grid.shape, *channels), np.uint8)
    target = np.moveaxis(orientation.view(fused), axis, 0)
    slices = zip(np.moveaxis(functional, axis, 0), np.moveaxis(anatomical, axis, 0), target, strict=True)
    for k, (first, second, place) in enumerate(slices):
        as_picture(place)[...] = _fuse_planes(fuser, pair.palette, first, second)
        advance(grid.shape[2] + k + 1)
    return FusedVolumes(fused=fused, functional=functional, seconds=time.perf_counter() - start)


def _fuse_planes(
    fuser: Fuser, palette: str, functional: NDArray[np.uint8], anatomical: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """``H x W[ x 3]``, upright, from two planes of the canonical grid."""
    visible, infrared = (np.ascontiguousarray(as_picture(plane)) for plane in (functional, anatomical))
    return fuser(paint(visible, palette), infrared)


def write_fused_volumes(plan: VolumePlan, pair: LoadedVolumes, result: FusedVolumes) -> None:
    """Write all that the plan asks for: the volume, pictures of slices, projections; all of it or nothing.

    Args:
        plan: where to.
        pair: what was fused.
        result: from :func:`fuse_volumes`.

    Raises:
        OutputError: something cannot be written.
    """
    with staged(plan.targets) as parts:
        part = dict(zip(plan.targets, parts, strict=True))
        output = part[plan.output]
        if is_nifti(plan.output):
            write_nifti(output, result.fused, pair.anatomical.grid)
        else:
            output.mkdir()
            write_secondary_capture(output, result.fused, pair.anatomical.grid.datasets)
        if plan.png is not None:
            part[plan.png].mkdir()
            _write_slices(part[plan.png], pair, result)
        if plan.mip:
            beside = {name: part[path] for name, path in plan.mip_files.items()}
            inside = (
                {} if plan.png is None else {plane.name: part[plan.png] / f"mip-{plane.name}.png" for plane in PLANES}
            )
            _write_projections(beside or inside, pair, result)


def _write_slices(folder: Path, pair: LoadedVolumes, result: FusedVolumes) -> None:
    grid = pair.canonical
    axis = slicing_axis(grid)
    fused = np.moveaxis(pair.anatomical.grid.orientation.view(result.fused), axis, 0)
    for k, plane in enumerate(fused):
        picture = _picture(plane, grid, axis)
        name = PLANES[axis].name
        write_image(folder / f"{name}-{k + 1:03d}.png", with_banner(picture, axis, f"{name} {k + 1}/{len(fused)}"))


def _write_projections(paths: dict[str, Path], pair: LoadedVolumes, result: FusedVolumes) -> None:
    """Side by side: the functional volume alone, as its window and palette show it, and the fused one."""
    fused = pair.anatomical.grid.orientation.view(result.fused)
    for axis, plane in enumerate(PLANES):
        projections = (
            paint(result.functional.max(axis), pair.palette),
            project_fused(fused, result.functional, axis),
        )
        both = np.concatenate([_picture(projection, pair.canonical, axis) for projection in projections], axis=1)
        write_image(paths[plane.name], with_banner(both, axis, f"{plane.name} maximum-intensity projection"))


def _picture(plane: NDArray[np.uint8], grid: Grid, axis: int) -> NDArray[np.uint8]:
    across, down = np.delete(grid.spacing, axis)
    return square_pixels(as_picture(plane), across, down)

"""A DICOM series of single slices, read as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.imaging.volumes import MOST_VOXELS
from distilfuse.imaging.volumes.volume import Grid, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

_NEEDED = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
_LIKE = ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient")
_TOLERANCE = 1e-3
"""What direction cosines and pixel sizes of one series may differ by: they are written as decimals."""
_UNEVEN = 0.05
"""Share of the distance between slices that a slice may lie off its place."""
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_dicom_series(path: Path) -> Volume:
    """Read one series, its files in any order.

    Slices are sorted by their position along the normal of the image plane. Values are rescaled slice by slice, as PET
    scanners write another slope into each.

    Args:
        path: a folder that holds one series and nothing else in DICOM (files that are not DICOM are passed over, and
            subfolders); or one file of a series, whose other files lie beside it.

    Returns:
        The volume with i along the rows, j along the columns and k from slice to slice.

    Raises:
        InputError: no DICOM files, several series, several images at one place, slices missing or of several kinds,
            more than one frame a file, no position, pixels that cannot be decoded, truncated files; see also
            :class:`distilfuse.imaging.volumes.volume.Volume`.
    """
    files, headers = _one_series(path)
    for file, header in zip(files, headers, strict=True):
        _check_slice(file, header, files[0], headers[0])
    order = np.argsort(_along_normal(headers), kind="stable")
    files, headers = [files[n] for n in order], [headers[n] for n in order]
    shape = int(headers[0].Columns), int(headers[0].Rows), len(files)
    grid = Grid(name=str(path), shape=shape, affine=_affine(path, headers), datasets=tuple(headers))
    if np.prod(shape, dtype=np.int64) > MOST_VOXELS:
        raise InputError(f"{path} has {'x'.join(map(str, shape))} voxels, more than are read: cut it into parts.")
    stack = np.empty(shape[::-1], np.float32)
    for k, file in enumerate(files):
        stack[k] = _pixels(file)
    return Volume(grid=grid, values=stack.transpose(2, 1, 0), modality=str(headers[0].get("Modality", "")))


def is_dicom(path: Path) -> bool:
    """Whether a file begins like one of DICOM."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _one_series(path: Path) -> tuple[list[Path], list[Dataset]]:
    """The files of the series and their headers, without pixels, in the order of their names."""
    folder = path if path.is_dir() else path.parent
    series: dict[str, tuple[list[Path], list[Dataset]]] = {}
    for file in sorted(folder.iterdir()):
        if not file.is_file() or file.name.startswith(".") or file.name.upper() == "DICOMDIR":
            continue
        if not is_dicom(file):
            if file.suffix.lower() in (".dcm", ".dicom"):
                raise InputError(f"{file} is not a DICOM file or is truncated: copy or export it again.")
            continue
        header = _read(file, stop_before_pixels=True)
        files, headers = series.setdefault(str(header.get("SeriesInstanceUID", "")), ([], []))
        files.append(file)
        headers.append(header)
    if path != folder:
        for found in series.values():
            if path in found[0]:
                return found
        raise InputError(f"{path} is no slice of a series: name a file of one, or its folder.")
    if not series:
        raise InputError(f"{path} holds no DICOM files: name the folder of a series, or a NIfTI file.")
    if len(series) > 1:
        listed = ", ".join(f"{_title(headers[0])} in {files[0].name}" for files, headers in list(series.values())[:4])
        raise InputError(
            f"{path} holds {len(series)} series ({listed}{', ...' if len(series) > 4 else ''}): name one file of the "
            "series that you mean."
        )
    return next(iter(series.values()))


def _title(header: Dataset) -> str:
    said = str(header.get("SeriesDescription", "") or header.get("SeriesNumber", "") or "without a name")
    return f"{header.get('Modality', '?')} {said!r}"


def _read(file: Path, **options: Any) -> Dataset:
    from pydicom import dcmread

    try:
        return dcmread(file, **options)
    except Exception as error:  # InvalidDicomError, EOFError, struct.error, ...
        raise InputError(f"{file} is damaged or truncated ({_reason(error)}): copy or export it again.") from error


def _check_slice(file: Path, header: Dataset, first_file: Path, first: Dataset) -> None:
    frames = int(header.get("NumberOfFrames", 1) or 1)
    if frames > 1:
        raise InputError(
            f"{file} holds {frames} frames in one file, which is not read: convert it to NIfTI (dcm2niix)."
        )
    for keyword in _NEEDED:
        if header.get(keyword) is None:
            raise InputError(f"{file} has no {keyword}, so it is no slice of a volume: name another series.")
    if int(header.get("SamplesPerPixel", 1)) != 1:
        raise InputError(f"{file} is in colour, so it is no measurement but a screenshot of one: name another series.")
    for keyword in _LIKE:
        here, there = _numbers(header, keyword), _numbers(first, keyword)
        if here.shape != there.shape or np.abs(here - there).max() > _TOLERANCE:
            raise InputError(
                f"{file} and {first_file.name} differ in {keyword} ({_brief(here)} and {_brief(there)}): a volume has "
                "slices of one kind, so leave localizers and others out."
            )


def _numbers(header: Dataset, keyword: str) -> NDArray[np.float64]:
    return np.atleast_1d(np.array(header.get(keyword), np.float64))


def _brief(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _normal(header: Dataset) -> NDArray[np.float64]:
    """Of the image plane, LPS+."""
    cosines = _numbers(header, "ImageOrientationPatient")
    normal: NDArray[np.float64] = np.cross(cosines[:3], cosines[3:])
    return normal


def _along_normal(headers: Sequence[Dataset]) -> NDArray[np.float64]:
    positions = np.stack([_numbers(header, "ImagePositionPatient") for header in headers])
    places: NDArray[np.float64] = positions @ _normal(headers[0])
    return places


def _affine(path: Path, headers: Sequence[Dataset]) -> NDArray[np.float64]:
    """Of sorted slices, RAS+; DICOM PS3.3 C.7.6.2.1.1. A tilted gantry gives a sheared one."""
    first = headers[0]
    cosines, (down, across) = _numbers(first, "ImageOrientationPatient"), _numbers(first, "PixelSpacing")
    positions = np.stack([_numbers(header, "ImagePositionPatient") for header in headers])
    if len(headers) > 1:
        step = (positions[-1] - positions[0]) / (len(headers) - 1)
        _check_spacing(path, _along_normal(headers), positions, step)
    else:
        step = _normal(first) * float(first.get("SpacingBetweenSlices", 0) or first.get("SliceThickness", 0) or 1)
    affine = np.eye(4)
    # PixelSpacing is (between rows, between columns); the first cosines run along a row, from column to column.
    affine[:3] = _LPS_TO_RAS @ np.column_stack([cosines[:3] * across, cosines[3:] * down, step, positions[0]])
    return affine


def _check_spacing(
    path: Path, places: NDArray[np.float64], positions: NDArray[np.float64], step: NDArray[np.float64]
) -> None:
    gaps = np.diff(places)
    usual = float(np.median(gaps))
    if gaps.min() < 0.01:
        raise InputError(
            f"{path} has several images at one place ({_brief(positions[int(gaps.argmin())])} mm): extract one time "
            "point or echo first."
        )
    if gaps.max() > (1 + _UNEVEN) * usual + _TOLERANCE:
        raise InputError(
            f"{path} has a gap: neighbouring slices are {gaps.max():.4g} mm apart where the others are {usual:.4g} mm: "
            "find the missing files, or resample the series evenly first."
        )
    expected = positions[0] + np.arange(len(positions))[:, None] * step
    if np.abs(positions - expected).max() > _UNEVEN * usual + _TOLERANCE:
        raise InputError(f"{path} has slices that do not lie on one line at even steps: resample the series first.")


def _pixels(file: Path) -> NDArray[np.float32]:
    """``rows x columns`` in the units of the file."""
    data = _read(file)
    if "PixelData" not in data:
        raise InputError(f"{file} holds no pixels or is truncated: copy or export it again.")
    try:
        stored = data.pixel_array
    except (ImportError, RuntimeError) as error:  # no decoder for the transfer syntax
        name = data.file_meta.TransferSyntaxUID.name
        raise InputError(f"{file} is compressed ({name}): decompress it first (gdcmconv --raw, dcmdjpeg).") from error
    except Exception as error:
        raise InputError(f"{file} is damaged or truncated ({_reason(error)}): copy or export it again.") from error
    slope, intercept = (
        float(data.get(f"Rescale{what}", default)) for what, default in (("Slope", 1), ("Intercept", 0))
    )
    values: NDArray[np.float32] = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return values


def _reason(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split()).rstrip(".")

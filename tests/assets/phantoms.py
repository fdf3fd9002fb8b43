"""Phantoms: shapes that are known in millimetres, sampled on any grid, written as NIfTI or DICOM."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

CENTRE = np.array([12.0, -20.0, 35.0])
"""Of the head, in millimetres, RAS+: off the origin, so that a forgotten translation shows."""
MARKER = CENTRE + np.array([26.0, 17.0, 9.0])
"""A lesion in the right, anterior, superior: no flip or exchange of axes leaves it there."""
LARGE = CENTRE + np.array([-16.0, -12.0, -6.0])
"""A larger one, less hot."""

STORAGE = {"MR": MRImageStorage, "CT": CTImageStorage, "PT": PositronEmissionTomographyImageStorage}
LPS = np.diag([-1.0, -1.0, 1.0])


def rotation(*degrees: float) -> NDArray[np.float64]:
    turned = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        i, j = ((1, 2), (2, 0), (0, 1))[axis]
        step = np.eye(3)
        step[[i, j], [i, j]] = np.cos(angle)
        step[i, j], step[j, i] = -np.sin(angle), np.sin(angle)
        turned = step @ turned
    return turned


def affine_of(
    shape: tuple[int, ...], spacing: tuple[float, ...], directions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A grid around the head; the columns of ``directions`` say where i, j and k run (RAS+)."""
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = CENTRE - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


RAS = np.eye(3)
GRIDS: dict[str, tuple[tuple[int, int, int], NDArray[np.float64]]] = {
    name: (shape, affine_of(shape, spacing, directions))
    for name, shape, spacing, directions in (
        ("RAS", (48, 56, 40), (2.5, 2.5, 2.5), RAS),
        ("LAS", (48, 56, 40), (2.5, 2.5, 2.5), np.diag([-1.0, 1, 1])),
        ("LPS", (48, 56, 40), (2.5, 2.5, 2.5), np.diag([-1.0, -1, 1])),
        ("RPI", (48, 56, 40), (2.5, 2.5, 2.5), np.diag([1.0, -1, -1])),
        ("sagittal", (56, 40, 48), (2.5, 2.5, 2.5), np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])),
        ("anisotropic", (60, 70, 20), (2.0, 2.0, 5.0), np.diag([-1.0, 1, 1])),
        ("oblique", (52, 60, 44), (2.5, 2.2, 2.8), rotation(20, -15, 10)),
        ("sheared", (52, 60, 44), (2.5, 2.5, 2.5), np.array([[1.0, 0, 0], [0, 1, 0.25], [0, 0, 0.97]])),
    )
}


@cache
def _index(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).astype(float)


def world(shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """``... x 3``: where the centres of the voxels lie."""
    return _index(shape) @ affine[:3, :3].T + affine[:3, 3]


def blob(points: NDArray[np.float64], at: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    return np.exp(-0.5 * ((points - at) ** 2).sum(-1) / width**2)


def uptake(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """SUV: 8 in the marker, 4 in the large lesion."""
    return 8 * blob(points, MARKER, 5) + 4 * blob(points, LARGE, 9)


def anatomy(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """An ellipsoid with a bright shell, and a nose in front."""
    radius = np.sqrt((((points - CENTRE) / (46, 58, 42)) ** 2).sum(-1))
    head = np.where(radius < 1, 400.0, 0.0) + np.where((radius < 1) & (radius > 0.9), 500.0, 0.0)
    nose = np.linalg.norm(points - CENTRE - (0, 58, -10), axis=-1) < 9
    return np.where(nose, 650.0, head)


@cache
def sample(name: str, shapes: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
    return shapes(world(*GRIDS[name]))


def centroid(
    values: NDArray[Any], affine: NDArray[np.float64], at: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """The centre of mass around a point, in millimetres."""
    points = world(values.shape, affine)
    weight = values * (np.linalg.norm(points - at, axis=-1) < reach)
    return (points * weight[..., None]).sum((0, 1, 2)) / weight.sum()


def save_nifti(path: Path, values: NDArray[Any], affine: NDArray[np.float64], sform: int = 1, qform: int = 0) -> Path:
    image = nibabel.Nifti1Image(values.astype(np.float32), affine)
    image.set_sform(affine, code=sform)
    image.set_qform(affine, code=qform)
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)
    return path


def save_phantom(path: Path, name: str, shapes: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Path:
    return save_nifti(path, sample(name, shapes), GRIDS[name][1])


def save_series(
    folder: Path, values: NDArray[Any], affine: NDArray[np.float64], modality: str, *, slope: float = 1.0, **tags: Any
) -> Path:
    """A DICOM series, a file a slice (k), stored as int16; the names of the files say nothing about their order.

    The slope differs from slice to slice, as it does in PET.
    """
    folder.mkdir()
    columns = LPS @ affine[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    cosines = columns / spacing
    series, study, frame = (generate_uid() for _ in range(3))
    names = np.random.default_rng(5).permutation(values.shape[2])
    for k in range(values.shape[2]):
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = STORAGE[modality], generate_uid()
        data.Modality, data.SeriesInstanceUID, data.StudyInstanceUID = modality, series, study
        data.FrameOfReferenceUID = frame
        data.PatientName, data.PatientID, data.StudyID = "Phantom^Head", "P-1", "S-1"
        data.SeriesDescription = f"{modality} of a phantom"
        data.InstanceNumber = k + 1
        data.Rows, data.Columns = values.shape[1], values.shape[0]
        data.ImageOrientationPatient = [f"{value:.8f}" for value in cosines[:, :2].T.ravel()]
        data.ImagePositionPatient = [f"{value:.6f}" for value in LPS @ (affine @ (0, 0, k, 1))[:3]]
        data.PixelSpacing = [f"{spacing[1]:.6f}", f"{spacing[0]:.6f}"]
        data.SliceThickness = f"{spacing[2]:.6f}"
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.RescaleSlope, data.RescaleIntercept = f"{slope * (1 + k % 3):.6f}", "-2"
        for keyword, value in tags.items():
            setattr(data, keyword, value)
        stored = np.rint((values[:, :, k].T + 2) / float(data.RescaleSlope))
        data.PixelData = stored.astype("<i2").tobytes()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.save_as(folder / f"{names[k]:05d}.dcm", enforce_file_format=True)
    return folder


def pet_tags(**changes: Any) -> dict[str, Any]:
    """One hour from injection to scan, F-18, 70 kg, 350 MBq: what SUV takes."""
    drug = Dataset()
    drug.RadionuclideTotalDose = "350000000"
    drug.RadionuclideHalfLife = "6586.2"
    drug.RadiopharmaceuticalStartTime = "090000"
    tags = {
        "Units": "BQML",
        "DecayCorrection": "START",
        "PatientWeight": "70",
        "SeriesDate": "20240305",
        "SeriesTime": "100000",
        "AcquisitionDate": "20240305",
        "AcquisitionTime": "100000.5",
    }
    for keyword, value in changes.items():
        target: Any = drug if "adio" in keyword else tags
        if isinstance(target, dict):
            target[keyword] = value
        else:
            setattr(target, keyword, value)
    return {**tags, "RadiopharmaceuticalInformationSequence": [drug]}


SUV_PER_BQML = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))
"""Of :func:`pet_tags`, by hand."""

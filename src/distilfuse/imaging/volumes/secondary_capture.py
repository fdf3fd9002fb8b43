"""A fused volume as a DICOM series of secondary captures, in the study of the anatomical series.

Source: DICOM PS3.3 A.8.1 (Secondary Capture Image IOD) and C.8.6.1. Position and orientation are added to it, which
viewers use where they find them.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distilfuse import __version__
from distilfuse.imaging.volumes import NOTICE

if TYPE_CHECKING:
    from pydicom import Dataset

_KEPT = (
    "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientAge", "PatientWeight", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence", "StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "StudyDescription",
    "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID", "PositionReferenceIndicator",
    "PatientPosition", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    "SpacingBetweenSlices", "SliceLocation",
)  # fmt: skip
"""Of the anatomical slice: who, which study, and where."""

_EMPTY_ALLOWED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""Type 2: the standard wants them there, if only without a value."""


def file_name(number: int) -> str:
    """Of the slice with that InstanceNumber."""
    return f"fused-{number:04d}.dcm"


def write_secondary_capture(folder: Path, fused: NDArray[np.uint8], datasets: tuple[Dataset, ...]) -> None:
    """Write a slice a file, each in the place of its anatomical slice.

    Args:
        folder: exists.
        fused: ``columns x rows x slices`` (written as MONOCHROME2) or ``... x 3`` (written as RGB), 8 bits.
        datasets: headers of the anatomical slices, in the same order.

    Raises:
        OSError: a file cannot be written.
    """
    from pydicom.uid import generate_uid

    series, now = generate_uid(), datetime.now()
    for k, source in enumerate(datasets):
        picture = np.ascontiguousarray(fused[:, :, k].swapaxes(0, 1))
        image = _image(picture, source)
        image.SeriesInstanceUID = series
        image.InstanceNumber = k + 1
        image.SeriesDate = image.ContentDate = image.InstanceCreationDate = f"{now:%Y%m%d}"
        image.SeriesTime = image.ContentTime = image.InstanceCreationTime = f"{now:%H%M%S}"
        image.save_as(folder / file_name(k + 1), enforce_file_format=True)


def _image(picture: NDArray[np.uint8], source: Dataset) -> Dataset:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    image = Dataset()
    for keyword in _KEPT:
        if keyword in source:
            image[keyword] = source[keyword]
    for keyword in _EMPTY_ALLOWED:
        if keyword not in image:
            setattr(image, keyword, None)
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = generate_uid()
    image.Modality = "OT"
    image.ConversionType = "WSD"  # made at a workstation
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.SeriesNumber = None
    image.SeriesDescription = "Fused - RESEARCH USE ONLY"
    image.ImageComments = NOTICE
    image.DerivationDescription = f"Fused by distilfuse {__version__}. {NOTICE}"
    image.Manufacturer = "distilfuse"
    image.SoftwareVersions = __version__
    image.BurnedInAnnotation = "NO"  # nothing in the pixels tells who it is
    image.PatientOrientation = None
    if "SOPClassUID" in source and "SOPInstanceUID" in source:
        reference = Dataset()
        reference.ReferencedSOPClassUID = source.SOPClassUID
        reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
        image.SourceImageSequence = [reference]
    _set_pixels(image, picture)
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _set_pixels(image: Dataset, picture: NDArray[np.uint8]) -> None:
    """``rows x columns`` or ``rows x columns x 3``."""
    image.Rows, image.Columns = picture.shape[:2]
    if picture.ndim == 3:
        image.SamplesPerPixel, image.PhotometricInterpretation = 3, "RGB"
        image.PlanarConfiguration = 0
    else:
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit = 7
    image.PixelRepresentation = 0
    pixels = picture.tobytes()
    image.PixelData = pixels + b"\0" * (len(pixels) % 2)  # an even number of bytes, as all of DICOM

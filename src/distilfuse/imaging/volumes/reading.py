"""A volume from whatever was named: a NIfTI file, the folder of a DICOM series, or one of its files."""

from __future__ import annotations

from pathlib import Path

from distilfuse.errors import InputError
from distilfuse.imaging.volumes.dicom_series import is_dicom, read_dicom_series
from distilfuse.imaging.volumes.nifti import is_nifti, read_nifti
from distilfuse.imaging.volumes.volume import Volume


def read_volume(path: Path) -> Volume:
    """Read a volume; see :func:`.nifti.read_nifti` and :func:`.dicom_series.read_dicom_series`.

    Raises:
        InputError: it is neither, cannot be read, or is too large for the free memory.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist: check the name.")
    try:
        if is_nifti(path) and not path.is_dir():
            return read_nifti(path)
        if path.is_dir() or is_dicom(path):
            return read_dicom_series(path)
    except MemoryError:
        raise InputError(f"{path} is too large for the free memory: cut it or scale it down.") from None
    raise InputError(f"{path} is neither NIfTI (.nii, .nii.gz) nor DICOM: convert it first.")

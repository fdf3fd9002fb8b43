"""NIfTI files: read as a volume, written with the header of the anatomical one."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.imaging.volumes import MOST_VOXELS, NOTICE
from distilfuse.imaging.volumes.volume import Grid, Volume

SUFFIXES = (".nii", ".nii.gz")

_BLOCK = 1 << 20
_MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def is_nifti(path: Path) -> bool:
    """Whether a path is named like a NIfTI file."""
    return path.name.lower().endswith(SUFFIXES)


def read_nifti(path: Path) -> Volume:
    """Read one volume.

    The affine is the sform where the header has one, else the qform, else only the voxel sizes (with a remark).
    Values are scaled by the header's slope and intercept.

    Args:
        path: NIfTI-1 or -2, ``.nii`` or ``.nii.gz``; more than three axes only if the further ones have length 1.

    Raises:
        InputError: no such file, not NIfTI, truncated, 4-D, not numbers, too large; see
            also :class:`distilfuse.imaging.volumes.volume.Volume`.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image: Any = nibabel.load(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except ImageFileError as error:
        raise InputError(f"{path} is not a NIfTI file that can be read ({_reason(error)}).") from error
    except Exception as error:  # HeaderDataError, EOFError, zlib.error, ...
        raise InputError(f"{path} has a header that cannot be read ({_reason(error)}): export it again.") from error
    header: Any = image.header
    _check_shape(path, image.shape)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise InputError(f"{path} holds {dtype} and no plain numbers: export one value a voxel.")
    try:
        _check_sum(path)
        values = image.get_fdata(dtype=np.float32, caching="unchanged").reshape(image.shape[:3])
    except MemoryError:
        raise  # says nothing about the file
    except Exception as error:
        raise InputError(f"{path} is damaged or truncated ({_reason(error)}): copy or export it again.") from error
    remarks = []
    if not (int(header["sform_code"]) or int(header["qform_code"])):
        remarks.append(
            f"{path} does not say how it lies in space (sform and qform codes 0): left and right are a guess."
        )
    affine = np.array(image.affine, np.float64)
    affine[:3] *= _MILLIMETRES.get(header.get_xyzt_units()[0], 1.0)
    i, j, k = values.shape
    grid = Grid(name=str(path), shape=(i, j, k), affine=affine, header=header)
    return Volume(grid=grid, values=values, remarks=tuple(remarks))


def _check_shape(path: Path, shape: tuple[int, ...]) -> None:
    if len(shape) < 3 or 0 in shape:
        raise InputError(f"{path} has the shape {shape}: a volume has three axes, none empty.")
    if (volumes := int(np.prod(shape[3:], dtype=np.int64))) > 1:
        raise InputError(f"{path} is {len(shape)}-D and holds {volumes} volumes: extract one of them first.")
    if int(np.prod(shape, dtype=np.int64)) > MOST_VOXELS:
        raise InputError(f"{path} has {'x'.join(map(str, shape))} voxels, more than are read: cut it into parts.")


def _check_sum(path: Path) -> None:
    """Read a gzip file to its end, where its check sum stands; nibabel stops at the last voxel."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as file:
            while file.read(_BLOCK):
                pass


def write_nifti(path: Path, fused: NDArray[np.uint8], grid: Grid) -> None:
    """Write a fused volume.

    Args:
        path: ends in one of :data:`SUFFIXES`.
        fused: ``I x J x K`` (stored as uint8) or ``I x J x K x 3`` (stored as RGB24, datatype 128).
        grid: the anatomical one. Of a NIfTI file affine, codes, units and extensions are kept; type, scaling, intent
            and description become those of the fused volume. Of a DICOM series the affine becomes sform and qform,
            both with code 1 (scanner coordinates).

    Raises:
        OSError: the file cannot be written.
    """
    import nibabel

    if fused.ndim == 4:
        data: NDArray[Any] = np.ascontiguousarray(fused).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    else:
        data = fused
    header = grid.header
    kind: Any = nibabel.Nifti2Image if header is not None and header.sizeof_hdr == 540 else nibabel.Nifti1Image
    if header is None:
        image = kind(data, grid.affine)
        image.set_sform(grid.affine, code="scanner")
        image.set_qform(grid.affine, code="scanner")  # without the shear of a tilted gantry, which it cannot hold
        image.header.set_xyzt_units("mm")
    else:
        image = kind(data, None, header)
        image.header.set_intent("none")
        for field, value in (("cal_min", 0), ("cal_max", 0), ("scl_slope", np.nan), ("scl_inter", np.nan)):
            image.header[field] = value
    image.header.set_data_dtype(data.dtype)
    image.header["descrip"] = f"distilfuse: {NOTICE.split('.')[0].lower()}"
    nibabel.save(image, path)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")

"""NIfTI and DICOM out: what is kept of the anatomical volume, and what is not."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import phantoms
import pytest
from nibabel.nifti1 import Nifti1Extension
from phantoms import GRIDS, save_series
from pydicom import dcmread

from distilfuse.imaging.volumes.dicom_series import read_dicom_series
from distilfuse.imaging.volumes.nifti import read_nifti, write_nifti
from distilfuse.imaging.volumes.secondary_capture import write_secondary_capture

RNG = np.random.default_rng(8)
SHAPE = (6, 5, 4)
KEPT = (
    "PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyID", "FrameOfReferenceUID",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
)  # fmt: skip
COLOURS = RNG.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("fused", [COLOURS, COLOURS[..., 0]], ids=["RGB", "grey"])
@pytest.mark.parametrize("name", ["fused.nii", "fused.nii.gz"])
def test_the_header_is_kept(tmp_path: Path, kind: type, fused: np.ndarray, name: str) -> None:
    affine = GRIDS["oblique"][1]
    image = kind(np.ones(SHAPE, np.int16), affine)
    image.set_sform(affine, code="mni")
    image.set_qform(phantoms.affine_of(SHAPE, (2.0, 2.0, 2.0), np.eye(3)), code="scanner")
    image.header.set_xyzt_units("mm", "msec")
    image.header.set_slope_inter(2, 5)
    image.header.set_intent("t test", (7,), name="t")
    image.header["cal_max"] = 900
    image.header.extensions.append(Nifti1Extension("comment", b"kept"))
    nibabel.save(image, tmp_path / "mr.nii")
    before = nibabel.load(tmp_path / "mr.nii").header
    write_nifti(tmp_path / name, fused, read_nifti(tmp_path / "mr.nii").grid)
    after = nibabel.load(tmp_path / name)
    assert type(after) is kind
    for field in (
        "sform_code",
        "qform_code",
        "srow_x",
        "srow_y",
        "srow_z",
        "quatern_b",
        "qoffset_x",
        "pixdim",
        "xyzt_units",
    ):
        assert np.array_equal(after.header[field], before[field]), field
    assert np.array_equal(after.affine, nibabel.load(tmp_path / "mr.nii").affine)
    assert after.header.extensions == before.extensions
    assert after.header.get_intent() == ("none", (), "")
    assert after.header["cal_max"] == 0
    assert after.header.get_slope_inter() == (None, None)
    assert b"research use only" in after.header["descrip"].tobytes()
    assert after.shape == SHAPE
    read = np.asanyarray(after.dataobj)
    if fused.ndim == 4:
        assert after.header["datatype"] == 128
        read = np.stack([read[channel] for channel in "RGB"], axis=-1)
    assert np.array_equal(read, fused)


def test_nifti_of_a_dicom_series(tmp_path: Path) -> None:
    affine = phantoms.affine_of(SHAPE, (2.0, 3.0, 4.0), phantoms.rotation(20, -15, 10) @ np.diag([-1.0, -1, 1]))
    series = read_dicom_series(save_series(tmp_path / "mr", np.ones(SHAPE), affine, "MR"))
    write_nifti(tmp_path / "fused.nii.gz", COLOURS, series.grid)
    written = nibabel.load(tmp_path / "fused.nii.gz")
    np.testing.assert_allclose(written.affine, affine, atol=1e-4)
    for code in ("sform_code", "qform_code"):
        assert written.header[code] == 1
    assert written.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(written.get_qform(), affine, atol=1e-3)


@pytest.mark.parametrize("fused", [COLOURS, COLOURS[..., 0]], ids=["RGB", "grey"])
def test_secondary_captures(tmp_path: Path, fused: np.ndarray) -> None:
    affine = phantoms.affine_of(SHAPE, (2.0, 3.0, 4.0), np.diag([-1.0, -1, 1]))
    tags = {"PatientBirthDate": "19500101", "SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller^Ä"}
    series = read_dicom_series(save_series(tmp_path / "mr", np.ones(SHAPE), affine, "MR", **tags))
    out = tmp_path / "out"
    out.mkdir()
    write_secondary_capture(out, fused, series.grid.datasets)
    files = sorted(out.iterdir())
    assert [path.name for path in files] == [f"fused-{k:04d}.dcm" for k in (1, 2, 3, 4)]
    written = [dcmread(path) for path in files]
    assert len({data.SOPInstanceUID for data in written}) == 4
    assert len({data.SeriesInstanceUID for data in written}) == 1
    for k, (data, source) in enumerate(zip(written, series.grid.datasets, strict=True)):
        picture = fused[:, :, k].swapaxes(0, 1)
        assert np.array_equal(data.pixel_array, picture)
        assert data.PhotometricInterpretation == ("RGB" if fused.ndim == 4 else "MONOCHROME2")
        assert data.SOPClassUID.name == "Secondary Capture Image Storage"
        assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
        assert list(data.ImageType) == ["DERIVED", "SECONDARY"]
        assert data.BurnedInAnnotation == "NO"
        assert "RESEARCH USE ONLY" in data.SeriesDescription
        assert "Not for diagnosis" in data.DerivationDescription
        assert (data.Modality, data.ConversionType) == ("OT", "WSD")
        assert data.SeriesInstanceUID != source.SeriesInstanceUID
        assert data.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        for kept in KEPT:
            assert data[kept].value == source[kept].value, kept
        for empty in ("PatientSex", "AccessionNumber", "ReferringPhysicianName"):
            assert not data[empty].value
        for gone in ("RescaleSlope", "WindowCenter", "RadiopharmaceuticalInformationSequence"):
            assert gone not in data
    assert "Müller" in str(written[0].PatientName)

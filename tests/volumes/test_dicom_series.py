"""A DICOM series is the volume that NIfTI would be; and SUV from its tags, by hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import phantoms
import pytest
from phantoms import MARKER, SUV_PER_BQML, affine_of, centroid, pet_tags, save_nifti, save_series, uptake, world
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, generate_uid

from distilfuse.errors import InputError
from distilfuse.imaging.volumes.dicom_series import read_dicom_series
from distilfuse.imaging.volumes.nifti import read_nifti
from distilfuse.imaging.volumes.reading import read_volume
from distilfuse.imaging.volumes.suv import suv_factor
from distilfuse.imaging.volumes.windows import Window, find_limits

SHAPE = (24, 20, 9)
DIRECTIONS = {
    "axial": np.diag([-1.0, -1, 1]),
    "downwards": np.diag([-1.0, -1, -1]),
    "sagittal": np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]),
    "oblique": phantoms.rotation(20, -15, 10) @ np.diag([-1.0, -1, 1]),
    "tilted": np.array([[-1.0, 0, 0], [0, -1, 0.3], [0, 0, 0.954]]),
}


def series(
    folder: Path, directions: str = "axial", modality: str = "PT", **tags: Any
) -> tuple[Path, np.ndarray, np.ndarray]:
    affine = affine_of(SHAPE, (4.0, 5.0, 8.0), DIRECTIONS[directions])
    values = 1000 * uptake(world(SHAPE, affine))
    return save_series(folder, values, affine, modality, slope=0.5, **tags), values, affine


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_a_series_is_the_nifti_of_it(tmp_path: Path, directions: str) -> None:
    folder, values, affine = series(tmp_path / "dicom", directions)
    (folder / "README.txt").write_text("no DICOM")
    (folder / "DICOMDIR").write_bytes(b"")
    nifti = read_nifti(save_nifti(tmp_path / "a.nii.gz", values, affine))
    dicom = read_dicom_series(folder)
    assert dicom.modality == "PT"
    assert dicom.grid.shape == SHAPE
    backwards = np.cross(*dicom.grid.affine[:3, :2].T) @ affine[:3, 2] < 0  # slices are sorted along the normal
    if backwards:
        dicom_values, step = dicom.values[:, :, ::-1], -1
    else:
        dicom_values, step = dicom.values, 1
    np.testing.assert_allclose(dicom_values, nifti.values, atol=0.76, err_msg="half of the largest slope")
    np.testing.assert_allclose(dicom.grid.affine[:3, :2], affine[:3, :2], atol=1e-5)
    np.testing.assert_allclose(dicom.grid.affine[:3, 2], step * affine[:3, 2], atol=1e-5)
    here, there = (centroid(volume.values, volume.grid.affine, MARKER, 18) for volume in (nifti, dicom))
    np.testing.assert_allclose(here, there, atol=0.05)
    assert [data.InstanceNumber for data in dicom.grid.datasets] == list(range(1, 10))[::step]


def test_one_file_names_its_series(tmp_path: Path) -> None:
    pet, values, _ = series(tmp_path / "pet")
    mr, _, _ = series(tmp_path / "mr", modality="MR")
    for path in mr.iterdir():
        shutil.copy(path, pet / f"mr-{path.stem}")  # no suffix, as scanners write them
    with pytest.raises(InputError, match=r"holds 2 series \(PT 'PT of a phantom' in 0\d+\.dcm, MR 'MR of a phantom'"):
        read_volume(pet)
    assert read_volume(pet / "00004.dcm").modality == "PT"
    assert read_volume(pet / "mr-00004").modality == "MR"
    assert read_volume(pet / "00004.dcm").values.max() == pytest.approx(values.max(), abs=1)


def test_one_slice_has_its_thickness(tmp_path: Path) -> None:
    affine = affine_of((6, 5, 1), (2.0, 3.0, 7.0), DIRECTIONS["oblique"])
    folder = save_series(tmp_path / "one", np.ones((6, 5, 1)), affine, "MR")
    np.testing.assert_allclose(np.abs(read_dicom_series(folder).grid.affine), np.abs(affine), atol=1e-4)


def change(folder: Path, number: int, **tags: Any) -> None:
    for path in folder.iterdir():
        data = dcmread(path)
        if data.InstanceNumber == number:
            for keyword, value in tags.items():
                if value is None:
                    delattr(data, keyword)
                else:
                    setattr(data, keyword, value)
            data.save_as(path)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"ImagePositionPatient": None}, r"has no ImagePositionPatient, so it is no slice of a volume: name another"),
        ({"PixelSpacing": [2, 2]}, r"differ in PixelSpacing \((2, 2 and 5, 4|5, 4 and 2, 2)\)"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, r"in ImageOrientationPatient .* leave localizers"),
        ({"Rows": 10}, r"differ in Rows \((10 and 20|20 and 10)\)"),
        ({"NumberOfFrames": 12}, r"holds 12 frames in one file, which is not read: convert it to NIfTI"),
        ({"SamplesPerPixel": 3}, "is in colour, so it is no measurement"),
        ({"ImagePositionPatient": [0, 0, 0]}, r"gap|on one line"),
        ({"PixelData": b"\0" * 100}, "is damaged or truncated"),
        ({"PixelData": None}, "holds no pixels"),
        ({"SeriesInstanceUID": generate_uid()}, "holds 2 series"),
    ],
)
def test_bad_slices(tmp_path: Path, tags: dict[str, Any], said: str) -> None:
    folder, _, _ = series(tmp_path / "dicom")
    change(folder, 5, **tags)
    with pytest.raises(InputError, match=said) as error:
        read_dicom_series(folder)
    assert str(error.value).startswith(str(folder))


def test_a_missing_slice_is_a_gap(tmp_path: Path) -> None:
    folder, _, _ = series(tmp_path / "dicom")
    next(path for path in folder.iterdir() if dcmread(path).InstanceNumber == 4).unlink()
    with pytest.raises(InputError, match=r"has a gap: neighbouring slices are 16 mm apart where the others are 8 mm"):
        read_dicom_series(folder)


def test_two_time_points_are_refused(tmp_path: Path) -> None:
    folder, _, _ = series(tmp_path / "dicom")
    for path in list(folder.iterdir()):
        shutil.copy(path, path.with_name(f"later-{path.name}"))
    with pytest.raises(InputError, match=r"has several images at one place .* extract one time point or echo"):
        read_dicom_series(folder)


def test_truncated_files(tmp_path: Path) -> None:
    folder, _, _ = series(tmp_path / "dicom")
    path = folder / "00003.dcm"
    whole = path.read_bytes()
    for length in (0, 100, 140, 300, 700, len(whole) - 50):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"truncated|has no |holds 2 series"):
            read_dicom_series(folder)


def test_compressed_pixels_without_a_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydicom.pixels.decoders import JPEG2000LosslessDecoder

    folder, _, _ = series(tmp_path / "dicom")
    path = folder / "00003.dcm"
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless
    data.PixelData = encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    monkeypatch.setattr(JPEG2000LosslessDecoder, "_available", {})
    with pytest.raises(InputError, match=r"is compressed \(JPEG 2000 .*\): decompress it first"):
        read_dicom_series(folder)


def test_a_folder_without_dicom(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no DICOM files"):
        read_volume(tmp_path)
    other = tmp_path / "picture.png"
    other.write_bytes(b"png")
    with pytest.raises(InputError, match=r"picture.png is neither NIfTI \(.nii, .nii.gz\) nor DICOM"):
        read_volume(other)


def pet(**changes: Any) -> list[Dataset]:
    data = Dataset()
    for keyword, value in pet_tags(**changes).items():
        setattr(data, keyword, value)
    return [data]


def test_suv_by_hand() -> None:
    assert suv_factor(pet(), "PET") == pytest.approx(SUV_PER_BQML)
    # The whole dose spread evenly through the body is SUV 1 by definition.
    assert suv_factor(pet(DecayCorrection="ADMIN"), "PET") * 350e6 / 70e3 == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "hours"),
    [
        ({"RadiopharmaceuticalStartDateTime": "20240305083000"}, 1.5),
        ({"RadiopharmaceuticalStartDateTime": "20240305083000.000000+0100"}, 1.5),
        ({"RadiopharmaceuticalStartTime": "233000", "SeriesTime": "003000", "AcquisitionTime": "003000"}, 1),
        ({"SeriesTime": "140000"}, 1.0001388889),  # stamped when processed: the acquisition counts
        ({"AcquisitionTime": "103000"}, 1),  # a later bed position: START is that of the series
    ],
)
def test_suv_times(changes: dict[str, Any], hours: float) -> None:
    expected = 70_000 / (350e6 * 2 ** (-3600 * hours / 6586.2))
    assert suv_factor(pet(**changes), "PET") == pytest.approx(expected, rel=1e-6)


def test_suv_of_other_units() -> None:
    assert suv_factor(pet(Units="GML"), "PET") == 1
    philips = pet(Units="CNTS")
    block = philips[0].private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x09, "DS", "2.5")
    assert suv_factor(philips, "PET") == pytest.approx(2.5 * SUV_PER_BQML)
    block.add_new(0x00, "DS", "0.004")
    assert suv_factor(philips, "PET") == 0.004


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Units": "PROPCPS"}, "has the Units PROPCPS where BQML or GML are needed"),
        ({"Units": "CNTS"}, "counts events"),
        ({"PatientWeight": None}, "has no PatientWeight above 0"),
        ({"PatientWeight": "0"}, "has no PatientWeight above 0"),
        ({"RadionuclideTotalDose": None}, "has no RadionuclideTotalDose above 0"),
        ({"RadionuclideHalfLife": ""}, "has no RadionuclideHalfLife above 0"),
        ({"RadiopharmaceuticalStartTime": ""}, "has no RadiopharmaceuticalStartTime"),
        ({"RadiopharmaceuticalStartDateTime": "20240306090000"}, "after it was scanned"),
        ({"DecayCorrection": "NONE"}, "has the DecayCorrection NONE"),
        ({"SeriesTime": "", "AcquisitionTime": ""}, "does not say when it was acquired"),
    ],
)
def test_suv_that_cannot_be_known(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        suv_factor(pet(**changes), "PET")
    assert "--window percent:0.5,99.5" in str(error.value)


def test_suv_needs_the_drug() -> None:
    data = pet()
    del data[0].RadiopharmaceuticalInformationSequence
    with pytest.raises(InputError, match="no RadiopharmaceuticalInformationSequence"):
        suv_factor(data, "PET")
    with pytest.raises(InputError, match="holds SUV by LBM"):
        suv_factor(pet(Units="GML", SUVType="LBM"), "PET")


def test_a_window_in_suv_is_one_in_the_values_of_the_file(tmp_path: Path) -> None:
    folder, _, _ = series(tmp_path / "dicom", **pet_tags())
    low, high = find_limits(read_dicom_series(folder), Window("suv", 0, 6))
    assert low == 0
    assert high == pytest.approx(6 / SUV_PER_BQML)

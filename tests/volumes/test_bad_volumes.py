"""Bad input to ``distilfuse volume``: one sentence that says what, where and the mend; a status; nothing written."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from phantoms import affine_of, anatomy, pet_tags, save_nifti, save_series, uptake, world

SHAPE = (12, 14, 10)
AFFINE = affine_of(SHAPE, (9.0, 9.0, 9.0), np.diag([-1.0, -1, 1]))
POINTS = world(SHAPE, AFFINE)


class Desk:
    """A folder with good volumes, and a way to run the command on them."""

    def __init__(self, folder: Path, model: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.model, self._run, self._capsys = folder, model, run, capsys
        self.pet = save_nifti(folder / "PET.nii.gz", uptake(POINTS), AFFINE)
        self.mr = save_nifti(folder / "MR.nii.gz", anatomy(POINTS), AFFINE)
        self.out = folder / "out.nii.gz"

    def series(self, name: str, modality: str, **tags: object) -> Path:
        return save_series(self.folder / name, anatomy(POINTS), AFFINE, modality, **tags)

    def listing(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def refuses(self, *arguments: object, status: int) -> str:
        """Run the command, check that it refuses as it should, and return the sentence."""
        before, folders = self.listing(), sorted(path for path in self.folder.rglob("*") if path.is_dir())
        assert self._run(*arguments, "--model", self.model, "--backend", "onnxruntime") == status
        said = self._capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1, said.err
        assert self.listing() == before, "something was written"
        assert sorted(path for path in self.folder.rglob("*") if path.is_dir()) == folders
        return said.err.strip()


@pytest.fixture
def desk(tmp_path: Path, model: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, model, run, capsys)


def test_missing(desk: Desk) -> None:
    missing = desk.folder / "missing.nii"
    for pair in ((missing, desk.mr), (desk.pet, missing)):
        assert desk.refuses(*pair, "-o", desk.out, status=2) == f"{missing} does not exist: check the name."


def test_not_a_volume(desk: Desk) -> None:
    text = desk.folder / "text.nii.gz"
    text.write_text("no volume")
    assert str(text) in desk.refuses(text, desk.mr, "-o", desk.out, status=2)
    picture = desk.folder / "picture.png"
    picture.write_bytes(b"\x89PNG")
    assert "neither NIfTI" in desk.refuses(desk.pet, picture, "-o", desk.out, status=2)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_truncated(desk: Desk, suffix: str, share: float) -> None:
    cut = save_nifti(desk.folder / f"cut{suffix}", anatomy(POINTS), AFFINE)
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * share)])
    said = desk.refuses(desk.pet, cut, "-o", desk.out, status=2)
    assert said.startswith(f"{cut} ")


def test_damaged_in_the_middle(desk: Desk) -> None:
    content = bytearray(desk.mr.read_bytes())
    content[len(content) // 2] ^= 0xFF
    desk.mr.write_bytes(content)
    assert "damaged or truncated" in desk.refuses(desk.pet, desk.mr, "-o", desk.out, status=2)


def test_four_dimensions(desk: Desk) -> None:
    dynamic = save_nifti(desk.folder / "dynamic.nii", np.ones((*SHAPE, 3)), AFFINE)
    said = desk.refuses(dynamic, desk.mr, "-o", desk.out, status=2)
    assert said == f"{dynamic} is 4-D and holds 3 volumes: extract one of them first."
    flat = save_nifti(desk.folder / "flat.nii", np.ones(SHAPE[:2]), AFFINE)
    assert "a volume has three axes" in desk.refuses(flat, desk.mr, "-o", desk.out, status=2)


def test_a_fourth_axis_of_one_is_no_harm(desk: Desk, run: Callable[..., int]) -> None:
    one = save_nifti(desk.folder / "one.nii", anatomy(POINTS)[..., None], AFFINE)
    assert run(desk.pet, one, "-o", desk.out, "--model", desk.model) == 0
    assert nibabel.load(desk.out).shape == SHAPE


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_none(desk: Desk, bad: float) -> None:
    values = anatomy(POINTS)
    values[3, 4, 5] = bad
    path = save_nifti(desk.folder / "bad.nii.gz", values, AFFINE)
    said = f"{path} holds 1 NaN or infinite values: replace them (0 outside of the body)."
    assert desk.refuses(desk.pet, path, "-o", desk.out, status=2) == said
    assert desk.refuses(path, desk.mr, "-o", desk.out, status=2) == said


def test_colours_and_complex_numbers(desk: Desk) -> None:
    rgb = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for name, data in (("rgb", rgb), ("complex", np.ones(SHAPE, np.complex64))):
        path = desk.folder / f"{name}.nii"
        nibabel.save(nibabel.Nifti1Image(data, AFFINE), path)
        assert "no plain numbers" in desk.refuses(desk.pet, path, "-o", desk.out, status=2)


def test_singular_affine(desk: Desk) -> None:
    flat = AFFINE.copy()
    flat[:3, 2] = flat[:3, 1]
    image = nibabel.Nifti1Image(np.ones(SHAPE, np.float32), AFFINE)
    for row, name in enumerate(("srow_x", "srow_y", "srow_z")):
        image.header[name] = flat[row]
    path = desk.folder / "flat.nii"
    image.header["sform_code"] = 1
    nibabel.save(nibabel.Nifti1Image(np.ones(SHAPE, np.float32), None, image.header), path)
    said = desk.refuses(desk.pet, path, "-o", desk.out, status=2)
    assert said.startswith(f"{path} has a singular affine")


def test_a_header_that_claims_too_much(desk: Desk) -> None:
    image = nibabel.Nifti1Image(np.ones(SHAPE, np.uint8), AFFINE)
    path = desk.folder / "huge.nii"
    nibabel.save(image, path)
    content = bytearray(path.read_bytes())
    content[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    path.write_bytes(content)
    assert "30000x30000x30000 voxels, more than are read" in desk.refuses(desk.pet, path, "-o", desk.out, status=2)


def test_no_overlap(desk: Desk) -> None:
    far = AFFINE.copy()
    far[2, 3] += 500
    path = save_nifti(desk.folder / "far.nii", uptake(POINTS), far)
    said = desk.refuses(path, desk.mr, "-o", desk.out, status=2)
    assert said == f"{path} and {desk.mr} do not overlap in space: register one to the other first."


def test_wrong_series(desk: Desk) -> None:
    pet, mr, ct = (desk.series(code, code, **(pet_tags() if code == "PT" else {})) for code in ("PT", "MR", "CT"))
    said = desk.refuses(mr, pet, "-o", desk.out, status=2)
    assert said.startswith(f"{mr} is a series of MR, but PET, SPECT or CT comes first and MRI second: ")
    assert "but the anatomical one (MRI) comes second" in desk.refuses(ct, pet, "-o", desk.out, status=2)
    assert "is for PET: name the PET series" in desk.refuses(ct, mr, "-o", desk.out, "-w", "suv:0,6", status=2)
    assert "is for CT: name the CT series" in desk.refuses(pet, mr, "-o", desk.out, "-w", "hu:0,80", status=2)


def test_mixed_series(desk: Desk) -> None:
    pet, mr = desk.series("PT", "PT", **pet_tags()), desk.series("MR", "MR")
    for path in mr.iterdir():
        path.rename(pet / f"mr-{path.name}")
    assert "holds 2 series" in desk.refuses(pet, desk.mr, "-o", desk.out, status=2)


def test_suv_that_cannot_be_known(desk: Desk) -> None:
    pet = desk.series("PT", "PT", **pet_tags(PatientWeight=None))
    said = desk.refuses(pet, desk.mr, "-o", desk.out, status=2)
    assert said == (
        f"{pet} has no PatientWeight above 0, which SUV takes: choose a window of the values as they are, such as "
        "--window percent:0.5,99.5."
    )


def test_an_empty_window(desk: Desk) -> None:
    empty = save_nifti(desk.folder / "empty.nii", np.zeros(SHAPE), AFFINE)
    assert "choose a window by values" in desk.refuses(empty, desk.mr, "-o", desk.out, status=2)
    assert "is not a window" in desk.refuses(desk.pet, desk.mr, "-o", desk.out, "-w", "0,6", status=2)
    assert "no palette 'jet'" in desk.refuses(desk.pet, desk.mr, "-o", desk.out, "--palette", "jet", status=2)


def test_empty_pet_and_constant_mr_are_fused(desk: Desk, run: Callable[..., int]) -> None:
    empty = save_nifti(desk.folder / "empty.nii", np.zeros(SHAPE), AFFINE)
    constant = save_nifti(desk.folder / "constant.nii", np.full(SHAPE, 7), AFFINE)
    arguments = (empty, constant, "-o", desk.out, "-w", "suv:0,6", "--mr-window", "raw:0,21", "-m", desk.model)
    assert run(*arguments) == 0
    data = np.asanyarray(nibabel.load(desk.out).dataobj)
    assert {int(value) for channel in "RGB" for value in np.unique(data[channel])} == {85}


def test_outputs_that_cannot_be(desk: Desk) -> None:
    pair = desk.pet, desk.mr
    assert "ends neither in .nii nor in .nii.gz" in desk.refuses(*pair, "-o", desk.folder / "out.mha", status=1)
    assert "has no patient and study" in desk.refuses(*pair, "-o", desk.folder / "out", status=1)
    assert "no does not exist" in desk.refuses(*pair, "-o", desk.folder / "no" / "out.nii", status=1)
    assert "is one of the" in desk.refuses(*pair, "-o", desk.mr, "--overwrite", status=1)
    desk.out.write_bytes(b"precious")
    assert "add --overwrite" in desk.refuses(*pair, "-o", desk.out, status=1)
    mr, out = desk.series("MR", "MR"), desk.folder / "out"
    assert "named twice" in desk.refuses(desk.pet, mr, "-o", out, "--png", out, status=1)
    file = desk.folder / "file"
    file.write_bytes(b"precious")
    assert "a file has that name" in desk.refuses(*pair, "-o", desk.folder / "a.nii", "--png", file, status=1)


def test_a_folder_with_other_files_is_never_replaced(desk: Desk) -> None:
    holiday = desk.folder / "pictures"
    holiday.mkdir()
    (holiday / "axial-001.png").write_bytes(b"ours")
    (holiday / "holiday.jpg").write_bytes(b"precious")
    arguments = (desk.pet, desk.mr, "-o", desk.folder / "a.nii", "--png", holiday)
    assert "add --overwrite" in desk.refuses(*arguments, status=1)
    said = desk.refuses(*arguments, "--overwrite", status=1)
    assert said == f"{holiday} holds files that are no fused slices (such as holiday.jpg): name another folder."


def test_a_package_that_is_missing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nibabel", None)
    said = desk.refuses(desk.pet, desk.mr, "-o", desk.out, status=1)
    assert said == "This needs nibabel, which is not installed: pip install 'distilfuse[medical]'"


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are a Unix notion")
@pytest.mark.parametrize("output", ["out.nii", "out"])
def test_disk_full(desk: Desk, output: str) -> None:
    # The system refuses to write more than 500 bytes into any file, as it does when a disk is full.
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from distilfuse.cli.volume import volume\n"
        "from distilfuse.errors import DistilfuseError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "pet, mr, out, png = map(Path, sys.argv[1:5])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try:\n"
        "    volume(pet, mr, out, png=png, model=sys.argv[5], backend='onnxruntime')\n"
        "except DistilfuseError as error:\n"
        "    sys.exit(f'{type(error).__name__}: {error}')\n"
    )
    mr = desk.series("series", "MR")
    before = desk.listing()
    paths = [str(path) for path in (desk.pet, mr, desk.folder / output, desk.folder / "png")]
    done = subprocess.run([sys.executable, "-c", code, *paths, desk.model], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"OutputError: {desk.folder / output}"), done.stderr
    assert "(File too large): check the folder and the space." in last
    assert desk.listing() == before


def test_interrupted_while_writing(desk: Desk, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*rest: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("distilfuse.workflows.volumes._write_slices", interrupt)
    before = desk.listing()
    assert run(desk.pet, desk.mr, "-o", desk.out, "--png", desk.folder / "png", "-m", desk.model) == 130
    assert desk.listing() == before


def test_too_large_for_the_memory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*rest: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(nibabel.Nifti1Image, "get_fdata", full)
    said = desk.refuses(desk.pet, desk.mr, "-o", desk.out, status=2)
    assert said == f"{desk.pet} is too large for the free memory: cut it or scale it down."


def test_a_gzip_file_named_nii(desk: Desk) -> None:
    path = desk.folder / "zipped.nii"
    path.write_bytes(gzip.compress(save_nifti(desk.folder / "plain.nii", anatomy(POINTS), AFFINE).read_bytes()))
    assert str(path) in desk.refuses(desk.pet, path, "-o", desk.out, status=2)

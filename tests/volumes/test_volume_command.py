"""``distilfuse volume`` from files to files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import phantoms
import pytest
from phantoms import (
    GRIDS,
    LARGE,
    MARKER,
    anatomy,
    pet_tags,
    sample,
    save_nifti,
    save_phantom,
    save_series,
    uptake,
    world,
)
from PIL import Image
from pydicom import dcmread

from distilfuse.fuser import Fuser
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.volumes import NOTICE
from distilfuse.imaging.volumes.palettes import paint
from distilfuse.imaging.volumes.projection import project_fused
from distilfuse.imaging.volumes.windows import Window, to_bytes
from distilfuse.workflows.volume_plan import VolumePlan
from distilfuse.workflows.volumes import fuse_volumes, load_volumes

Run = Callable[..., int]


def rgb(path: Path) -> np.ndarray:
    data = np.asanyarray(nibabel.load(path).dataobj)
    return np.stack([data[channel] for channel in "RGB"], axis=-1)


def at(point: np.ndarray, affine: np.ndarray) -> tuple[int, ...]:
    return tuple(np.rint((np.linalg.inv(affine) @ [*point, 1])[:3]).astype(int))


@pytest.mark.parametrize("grid", ["LAS", "sagittal", "anisotropic", "oblique"])
def test_nifti(tmp_path: Path, run: Run, model: str, capsys: pytest.CaptureFixture[str], grid: str) -> None:
    pet = save_phantom(tmp_path / "PET.nii.gz", "RAS", uptake)
    mr = save_phantom(tmp_path / "MR.nii.gz", grid, anatomy)
    out = tmp_path / "fused.nii.gz"
    arguments = (
        pet,
        mr,
        "-o",
        out,
        "--window",
        "suv:0,6",
        "--mr-window",
        "raw:0,1000",
        "-m",
        model,
        "-b",
        "onnxruntime",
    )
    assert run(*arguments) == 0
    said = capsys.readouterr()
    assert NOTICE in said.err
    assert f"{pet}: black at 0, full at 6 (suv:0,6, its values taken as SUV).\n" in said.err
    shape, affine = GRIDS[grid]
    assert said.out.startswith(f"{out}: {'x'.join(map(str, shape))} voxels of ")
    assert ", RGB, fused in " in said.out
    fused = rgb(out)
    assert np.allclose(nibabel.load(out).affine, affine, atol=1e-4)
    # The model takes the greater luminance, so every voxel is known.
    truth = to_bytes(sample(grid, uptake), 0, 6)
    expected = np.maximum(
        luminance(paint(truth, "hot").reshape(-1, 1, 3))[:, 0].reshape(shape), sample(grid, anatomy) / 1000
    )
    assert np.median(np.abs(luminance(fused.reshape(-1, 1, 3)).reshape(shape) - expected)) < 0.005
    r, g, b = fused[at(MARKER, affine)].astype(int)
    assert r > 240, "hot"
    assert g > 170, "and high"
    assert b < 100
    r, g, b = fused[at(LARGE, affine)].astype(int)
    assert r - b > 130
    mirrored = MARKER * (-1, 1, 1) + phantoms.CENTRE * (2, 0, 0)
    r, g, b = fused[at(mirrored, affine)].astype(int)
    assert max(r, g, b) - min(r, g, b) <= 3, "no uptake on the other side"
    assert run(*arguments) == 1, "nothing is replaced unasked"
    assert "add --overwrite" in capsys.readouterr().err
    assert run(*arguments, "--overwrite") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["MR.nii.gz", "PET.nii.gz", "fused.nii.gz"]


SHAPE, AXIAL = (40, 48, 14), phantoms.affine_of((40, 48, 14), (2.5, 2.5, 6.0), np.diag([-1.0, -1, 1]))


def dicom_pair(folder: Path) -> tuple[Path, Path]:
    coarse = phantoms.affine_of((30, 36, 24), (4.0, 4.0, 4.0), np.diag([-1.0, -1, 1]))
    activity = uptake(world((30, 36, 24), coarse)) / phantoms.SUV_PER_BQML
    pet = save_series(folder / "PET", activity, coarse, "PT", slope=1.0, **pet_tags())
    return pet, save_series(folder / "MR", anatomy(world(SHAPE, AXIAL)), AXIAL, "MR")


def test_dicom_gives_what_nifti_gives(tmp_path: Path, run: Run, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    pet, mr = dicom_pair(tmp_path)
    options = ("-m", model, "-b", "onnxruntime", "--mr-window", "raw:0,1000")
    assert run(pet, mr, "-o", tmp_path / "out", *options) == 0
    said = capsys.readouterr().err
    assert "black at 0, full at 2.506e+04 (suv:0,6)" in said or "(suv:0,6)." in said
    assert "different frames of reference" in said
    assert run(pet, mr, "-o", tmp_path / "fused.nii.gz", *options) == 0
    slices = [dcmread(path) for path in sorted((tmp_path / "out").iterdir())]
    series = np.stack([data.pixel_array for data in slices], axis=2).swapaxes(0, 1)
    assert np.array_equal(series, rgb(tmp_path / "fused.nii.gz"))
    r, g, _ = series[at(MARKER, AXIAL)].astype(int)
    assert r > 240
    assert g > 100
    for data in slices:
        place = np.array([*map(float, data.ImagePositionPatient)]) * (-1, -1, 1)
        np.testing.assert_allclose(place, (AXIAL @ (0, 0, data.InstanceNumber - 1, 1))[:3], atol=1e-4)
    pet_in_suv = nifti_of(pet, tmp_path / "suv.nii.gz", phantoms.SUV_PER_BQML)
    assert run(pet_in_suv, mr, "-o", tmp_path / "again.nii.gz", "--window", "suv:0,6", *options) == 0
    difference = rgb(tmp_path / "again.nii.gz").astype(int) - series
    assert np.abs(difference).max() <= 2


def nifti_of(series: Path, path: Path, factor: float) -> Path:
    from distilfuse.imaging.volumes.dicom_series import read_dicom_series

    volume = read_dicom_series(series)
    return save_nifti(path, volume.values * factor, volume.grid.affine)


def test_pictures_and_projections(tmp_path: Path, run: Run, model: str) -> None:
    pet = save_phantom(tmp_path / "PET.nii.gz", "oblique", uptake)
    mr = save_nifti(tmp_path / "MR.nii.gz", anatomy(world(SHAPE, AXIAL)), AXIAL)
    options = ("-w", "suv:0,6", "--mr-window", "raw:0,1000", "-m", model, "-b", "onnxruntime")
    png = tmp_path / "png"
    assert run(pet, mr, "-o", tmp_path / "a.nii", "--png", png, "--mip", *options) == 0
    names = [f"axial-{k:03d}.png" for k in range(1, 15)] + [
        f"mip-{name}.png" for name in ("axial", "coronal", "sagittal")
    ]
    assert sorted(path.name for path in png.iterdir()) == sorted(names)
    # Radiological: the patient's right on the left, anterior up. The marker is right and anterior.
    column, row = np.rint((MARKER - phantoms.CENTRE)[:2] * (-1, -1) / 2.5 + np.array([19.5, 23.5])).astype(int)
    level = at(MARKER, AXIAL)[2] + 1
    picture = np.asarray(Image.open(png / f"axial-{level:03d}.png")).astype(int)
    left = (picture.shape[1] - 40) // 2
    assert picture[row, left + column, 0] - picture[row, left + column, 2] > 150
    assert np.ptp(picture[row, left + 39 - column]) <= 3, "and not its mirror image"
    strip = picture[48:]
    assert strip.max() > 200, "the banner"
    assert strip.shape[0] > 30
    coronal = np.asarray(Image.open(png / "mip-coronal.png")).astype(int)
    tall = round(14 * 6 / 2.5)
    hot = coronal[:tall, :, 0] + coronal[:tall, :, 1] - 2 * coronal[:tall, :, 2]
    rows, columns = np.nonzero(hot == hot.max())
    expected = (tall / 2 - 0.5) - (MARKER - phantoms.CENTRE)[2] / 2.5
    assert abs(rows.mean() - expected) < 1.5, "square pixels: slices of 6 mm are stretched"
    assert columns.size, "hot"
    assert run(pet, mr, "-o", tmp_path / "b.nii", "--mip", *options) == 0
    assert (tmp_path / "b-mip-axial.png").read_bytes() == (png / "mip-axial.png").read_bytes()


def test_projection_shows_the_highest_uptake() -> None:
    rng = np.random.default_rng(2)
    fused = rng.integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    functional = np.zeros((4, 5, 6), np.uint8)
    functional[2, 3, 4] = 1
    for axis, place in enumerate(((3, 4), (2, 4), (2, 3))):
        assert project_fused(fused, functional, axis)[place].tolist() == fused[2, 3, 4].tolist()
    brightest = luminance(fused.reshape(20, 6, 3)).reshape(4, 5, 6).argmax(axis=2)
    plane = project_fused(fused, np.zeros_like(functional), 2)
    assert plane[1, 1].tolist() == fused[1, 1, brightest[1, 1]].tolist()
    assert np.array_equal(project_fused(fused[..., 0], functional, 0), fused[..., 0].max(0))


def test_ct_stays_grey(tmp_path: Path, run: Run, model: str) -> None:
    ct = save_phantom(tmp_path / "CT.nii.gz", "RAS", lambda points: anatomy(points) - 500)
    mr = save_phantom(tmp_path / "MR.nii.gz", "LAS", anatomy)
    assert run(ct, mr, "-o", tmp_path / "grey.nii.gz", "-w", "hu:-500,500", "-m", model) == 0
    assert nibabel.load(tmp_path / "grey.nii.gz").get_data_dtype() == np.uint8
    assert run(ct, mr, "-o", tmp_path / "ice.nii.gz", "-w", "hu:-500,500", "--palette", "ice", "-m", model) == 0
    assert rgb(tmp_path / "ice.nii.gz").shape == (48, 56, 40, 3)


LEVELS = np.linspace(1, 5, 8)


def test_hot_is_high_and_slices_without_uptake_stay_grey(tmp_path: Path) -> None:
    # With the real network: discs of rising uptake on four kinds of tissue, and a slice without any.
    points = world((200, 200, 5), np.eye(4))
    radius = np.linalg.norm(points[..., :2] - 99.5, axis=-1)
    tissue = np.array([60, 128, 200, 235, 128])
    structure = np.where(radius < 92, tissue, np.where(radius < 98, 230, 0))
    functional = np.zeros(structure.shape)
    centres = [
        (round(99.5 + 60 * np.cos(angle)), round(99.5 + 60 * np.sin(angle))) for angle in np.arange(8) * np.pi / 4
    ]
    for (x, y), level in zip(centres, LEVELS, strict=True):
        functional[(np.hypot(points[..., 0] - x, points[..., 1] - y) < 14) & (points[..., 2] < 4)] = level
    save_nifti(tmp_path / "PET.nii", functional, np.eye(4))
    save_nifti(tmp_path / "MR.nii", structure, np.eye(4))
    plan = VolumePlan(
        functional=tmp_path / "PET.nii",
        anatomical=tmp_path / "MR.nii",
        output=tmp_path / "o.nii",
        window=Window("suv", 0, 5),
        anatomical_window=Window("raw", 0, 255),
    )
    steps: list[int] = []
    pair = load_volumes(plan)
    result = fuse_volumes(Fuser.from_pretrained("nano-medical", backend="onnxruntime"), pair, steps.append)
    assert steps == list(range(1, pair.steps + 1))
    fused = result.fused.astype(int)
    yellow = fused[..., 0] + fused[..., 1] - 2 * fused[..., 2]  # -Cb
    for k in range(4):
        warmth = [yellow[x - 5 : x + 5, y - 5 : y + 5, k].mean() for x, y in centres]
        assert (np.diff(warmth) > -15).all(), "more uptake is no less yellow"
        assert warmth[-1] > 2 * warmth[0]
    assert np.ptp(fused[..., 4, :], axis=-1).max() <= 1, "no uptake, no colour"
    assert fused[80:120, 80:120, 4].mean() == pytest.approx(128, abs=5), "the anatomy alone"


def test_a_slice_is_windowed_as_the_volume_is(tmp_path: Path, model: str) -> None:
    functional, structure = np.zeros((8, 8, 2)), np.zeros((8, 8, 2))
    structure[..., 0], structure[4, 4, 1] = np.arange(8), 1000
    save_nifti(tmp_path / "f.nii", functional, np.eye(4))
    save_nifti(tmp_path / "s.nii", structure, np.eye(4))
    plan = VolumePlan(
        functional=tmp_path / "f.nii",
        anatomical=tmp_path / "s.nii",
        output=tmp_path / "o.nii",
        window=Window("raw", 0, 1),
        anatomical_window=Window("percent", 0, 100),
    )
    result = fuse_volumes(Fuser.from_pretrained(model, backend="onnxruntime"), load_volumes(plan))
    assert result.fused[..., 0, :].max() == 2, "a dim slice stays dim"
    assert result.fused[4, 4, 1].tolist() == [255, 255, 255]


@pytest.mark.skipif(sys.platform != "linux", reason="the largest resident size is read from /proc")
def test_memory(tmp_path: Path, model: str) -> None:
    # 256 x 256 x 64: the two volumes are 34 MB as float32, what comes out 13 MB.
    rng = np.random.default_rng(1)
    affine = phantoms.affine_of((256, 256, 64), (0.9, 0.9, 2.5), phantoms.rotation(5, 3, 0))
    save_nifti(tmp_path / "MR.nii", rng.integers(0, 900, (256, 256, 64)), affine)
    save_phantom(tmp_path / "PET.nii", "RAS", uptake)
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from distilfuse.cli.volume import volume\n"
        "pet, mr, out = map(Path, sys.argv[1:4])\n"
        "volume(pet, mr, out, window='suv:0,6', model=sys.argv[4], backend='onnxruntime')\n"
        # Not ru_maxrss, which begins with what the parent of this process had reached.
        r"print(re.search(r'VmHWM:\s+(\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    paths = [str(tmp_path / name) for name in ("PET.nii", "MR.nii", "fused.nii")]
    done = subprocess.run([sys.executable, "-c", code, *paths, model], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout.split()[-1]) / 1024
    assert peak < 450, f"{peak:.0f} MiB"

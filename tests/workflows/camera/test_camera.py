"""Camera files to fused pictures and temperatures: what is written, what is kept, what a folder does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base
from yard import dji, refusal, save, tags, warm_yard, yard

from distilfuse.errors import OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.reading import read_array
from distilfuse.workflows.camera import CameraOutcome, fuse_camera_files, plan_camera
from distilfuse.workflows.camera_pair import Pairing


@pytest.fixture(scope="module")
def fuser(project: Path) -> Fuser:
    return Fuser.from_pretrained(str(project / "tests/assets/maximum-luminance.json"), backend="onnxruntime", threads=1)


def run(fuser: Fuser, sources: list[Path], output: Path, **options: object) -> list[CameraOutcome]:
    pairing = options.pop("pairing", Pairing())
    jobs = plan_camera(sources, output, pairing=pairing, **options)
    overwrite = bool(options.get("overwrite", False))
    return list(fuse_camera_files(fuser, jobs, pairing=pairing, overwrite=overwrite))


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_results(suffix: str, fuser: Fuser, tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", yard(exif=tags()))
    out = tmp_path / f"fused{suffix}"
    (outcome,) = run(fuser, [source], out)
    assert outcome.error is None
    assert outcome.warnings == ()
    assert outcome.size == "102x76"
    fused = read_array(out)
    assert fused.shape == (76, 102, 3)
    # The maximum of both: white at the target, blue where it is cool.
    assert fused[40, 70].astype(int).min() > 240
    cool = fused[5, 5].astype(int)
    assert cool[2] > cool[0] + 40
    kept = Image.open(out).getexif()
    assert (kept[Base.Make], kept[Base.Model]) == ("FLIR Systems AB", "FLIR E8")
    assert kept.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2024:03:01 12:30:45"
    assert [float(part) for part in kept.get_ifd(IFD.GPSInfo)[4]] == [11, 34, 30]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", f"fused{suffix}", "fused_temperature.tiff"]
    with Image.open(tmp_path / "fused_temperature.tiff") as image:
        assert image.mode == "F"
        np.testing.assert_allclose(np.asarray(image), warm_yard(), atol=0.02)
        notes = image.tag_v2[270].splitlines()
    assert notes[:2] == ["temperature in degrees Celsius", "source: a.jpg"]
    assert "emissivity: 0.95" in notes


def test_temperatures_as_text(fuser: Fuser, tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", yard(emissivity=0.8))
    run(fuser, [source], tmp_path / "fused.jpg", sidecar="csv")
    text = (tmp_path / "fused_temperature.csv").read_text("utf-8")
    assert text.startswith("# temperature in degrees Celsius\n# source: a.jpg\n")
    assert "# emissivity: 0.8\n" in text
    values = np.loadtxt(tmp_path / "fused_temperature.csv", delimiter=",")
    np.testing.assert_allclose(values, warm_yard(), atol=0.02)


def test_no_temperatures(fuser: Fuser, tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", yard())
    run(fuser, [source], tmp_path / "fused.jpg", sidecar="none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "fused.jpg"]


def test_pixels_without_a_temperature(fuser: Fuser, tmp_path: Path) -> None:
    scene = yard()
    counts = scene.raw()
    counts[:2] = 100
    (outcome,) = run(fuser, [save(tmp_path / "a.jpg", yard(counts=counts))], tmp_path / "fused.jpg")
    assert outcome.warnings == (
        f"{tmp_path / 'a.jpg'} has 64 pixels beyond its calibration: they are black, and NaN in the temperatures.",
    )
    with Image.open(tmp_path / "fused_temperature.tiff") as image:
        assert np.isnan(np.asarray(image)[:2]).all()


def test_a_folder_goes_on_when_a_file_fails(fuser: Fuser, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "c"):
        save(tmp_path / "in" / f"{name}.jpg", yard())
    (tmp_path / "in" / "b.JPG").write_bytes(b"\xff\xd8broken")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    outcomes = run(fuser, [tmp_path / "in"], tmp_path / "out" / "deep")
    assert [outcome.job.source.name for outcome in outcomes] == ["a.jpg", "b.JPG", "c.jpg"]
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    names = sorted(path.name for path in (tmp_path / "out" / "deep").iterdir())
    assert names == ["a.jpg", "a_temperature.tiff", "c.jpg", "c_temperature.tiff"]


def test_dji_by_its_palette(fuser: Fuser, tmp_path: Path) -> None:
    source = dji(tmp_path)
    other = tmp_path / "v.png"
    Image.new("RGB", (64, 48), (9, 8, 7)).save(other)
    pairing = Pairing(palette=True, visible=other)
    (outcome,) = run(fuser, [source], tmp_path / "fused.jpg", pairing=pairing)
    assert outcome.error is None
    assert len(outcome.warnings) == 1
    assert "fused by the brightness of its palette: there are no temperatures" in outcome.warnings[0]
    assert outcome.limits is None
    assert read_array(tmp_path / "fused.jpg")[22:26, 40:46].min() > 200, "the target is white"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DJI_0001_T.JPG", "fused.jpg", "v.png"]


def test_plans_that_cannot_be(tmp_path: Path) -> None:
    one, two = save(tmp_path / "a.jpg", yard()), tmp_path / "two"
    two.mkdir()
    save(two / "A.jpeg", yard())
    out = tmp_path / "out"
    assert "give one file at a time" in refusal(plan_camera, [one, two], out, pairing=Pairing(visible=one))
    missing = tmp_path / "no.jpg"
    assert refusal(plan_camera, [missing], out) == f"{missing} does not exist: check the name."
    assert "no.jpg does not exist" in refusal(plan_camera, [one], tmp_path / "f.jpg", pairing=Pairing(visible=missing))
    assert "would both become" in refusal(plan_camera, [one, two], out)
    assert "neither a folder that exists nor a file name" in refusal(plan_camera, [one], out)
    assert "choose .jpg, .jpeg, .png." in refusal(plan_camera, [one], tmp_path / "f.bmp")
    assert "is one of the pictures to be fused" in refusal(plan_camera, [one], tmp_path, overwrite=True)
    (tmp_path / "x_temperature.tiff").write_bytes(b"before")
    assert "x_temperature.tiff exists in" in refusal(plan_camera, [one], tmp_path / "x.jpg")
    assert plan_camera([one], tmp_path / "x.jpg", sidecar="none")[0].sidecar is None
    assert plan_camera([one], tmp_path / "x.jpg", overwrite=True)
    assert "cannot be a folder because" in refusal(plan_camera, [two], one)
    (tmp_path / "empty").mkdir()
    assert "holds no pictures" in refusal(plan_camera, [tmp_path / "empty"], out)
    Image.new("L", (4, 4)).save(tmp_path / "empty" / "a.png")
    assert "holds no JPEG files" in refusal(plan_camera, [tmp_path / "empty"], out)


def test_both_results_or_none(fuser: Fuser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = save(tmp_path / "a.jpg", yard()), tmp_path / "out"
    out.mkdir()
    jobs = plan_camera([source], out)
    write = Path.replace

    def no_space(self: Path, target: Path) -> Path:
        if target.suffix == ".jpg":
            raise OSError(28, "No space left on device")
        return write(self, target)

    monkeypatch.setattr(Path, "replace", no_space)
    (outcome,) = fuse_camera_files(fuser, jobs)
    assert isinstance(outcome.error, OutputError)
    assert "No space left on device" in str(outcome.error)
    assert list(out.iterdir()) == []


def test_a_damaged_exif_block_is_left_out_and_said(fuser: Fuser, tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", yard(exif=tags()))
    content = path.read_bytes()
    at = content.index(b"Exif\0\0")
    path.write_bytes(content[: at + 6] + b"XX" + content[at + 8 :])
    (outcome,) = run(fuser, [path], tmp_path / "fused.jpg")
    assert outcome.error is None
    assert outcome.warnings == (f"{path} has a damaged or too large EXIF block, which the result goes without.",)

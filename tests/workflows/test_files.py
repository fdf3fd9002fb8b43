from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.reading import read_array
from distilfuse.imaging.thermal_range import ThermalRange, to_range
from distilfuse.workflows.files import fuse_files, output_name, plan_files
from distilfuse.workflows.treatment import Treatment

RNG = np.random.default_rng(21)


@pytest.fixture(scope="module")
def fuser(project: Path) -> Fuser:
    return Fuser.from_pretrained(str(project / "tests/assets/maximum-luminance.json"), threads=1)


def saved(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return (
        saved(tmp_path / "in" / "a_vis.png", RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)),
        saved(tmp_path / "in" / "a_ir.png", RNG.integers(0, 256, (9, 7), dtype=np.uint8)),
    )


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("a.png", "a.png"),
        ("a_vis.TIF", "a_vis.TIF"),
        ("a.bmp", "a.bmp"),
        ("a.jpg", "a.png"),
        ("a.b.JPEG", "a.b.png"),
        ("a.webp", "a.png"),
    ],
)
def test_output_names(visible: str, expected: str) -> None:
    assert output_name(Path(visible)) == expected


def test_file_and_folder_as_output(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert plan_files(*pair, tmp_path / "out.jpg").output == tmp_path / "out.jpg"
    assert plan_files(*pair, tmp_path).output == tmp_path / "a_vis.png"


def test_file_and_array_give_the_same(fuser: Fuser, pair: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = fuse_files(fuser, plan_files(*pair, tmp_path / "out.png"))
    assert outcome.size == "7x9"
    assert outcome.seconds > 0
    assert outcome.warnings == ()
    expected = fuser(read_array(pair[0]), read_array(pair[1]))
    np.testing.assert_array_equal(read_array(tmp_path / "out.png"), expected)


def test_sixteen_bits_stay_sixteen_bits(fuser: Fuser, tmp_path: Path) -> None:
    visible = saved(tmp_path / "v.tif", RNG.integers(0, 65536, (9, 7), dtype=np.uint16))
    infrared = saved(tmp_path / "i.png", RNG.integers(7000, 8000, (9, 7), dtype=np.uint16))
    outcome = fuse_files(fuser, plan_files(visible, infrared, tmp_path / "out.tif"))
    assert read_array(tmp_path / "out.tif").dtype == np.uint16
    assert outcome.warnings == ()  # counts fill the range that is chosen for them
    expected = fuser(read_array(visible), to_range(read_array(infrared), *ThermalRange().limits(read_array(infrared))))
    np.testing.assert_array_equal(read_array(tmp_path / "out.tif"), expected)
    narrow = Treatment(thermal_range=ThermalRange.parse("type"))
    outcome = fuse_files(fuser, plan_files(visible, infrared, tmp_path / "o.tif"), treatment=narrow)
    assert len(outcome.warnings) == 1
    assert "of its 16-bit range" in outcome.warnings[0]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_and_profile_are_kept(fuser: Fuser, tmp_path: Path, mode: str) -> None:
    visible = tmp_path / "v.png"
    image = Image.frombytes(mode, (7, 9), RNG.bytes(63 * len(mode)))
    image.save(visible, icc_profile=b"profile")
    infrared = saved(tmp_path / "i.png", RNG.integers(0, 256, (9, 7), dtype=np.uint8))
    fuse_files(fuser, plan_files(visible, infrared, tmp_path / "out.png"))
    with Image.open(tmp_path / "out.png") as fused, Image.open(infrared) as heat:
        assert (fused.mode, fused.info["icc_profile"]) == (mode, b"profile")
        np.testing.assert_array_equal(np.asarray(fused), np.asarray(fuser(image, heat)))
        np.testing.assert_array_equal(np.asarray(fused)[..., -1], np.asarray(image)[..., -1])


def test_inputs_are_never_written_over(pair: tuple[Path, Path], tmp_path: Path) -> None:
    for output in (pair[0], pair[1], pair[0].parent, tmp_path / "in" / ".." / "in" / "a_ir.png"):
        with pytest.raises(OutputError, match="is one of the pictures to be fused"):
            plan_files(*pair, output, overwrite=True)


def test_planning_finds_what_is_missing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        plan_files(pair[0], tmp_path / "missing.png", tmp_path / "out.png")
    with pytest.raises(OutputError, match=r"neither a folder that exists nor a file name such as .*out\.png"):
        plan_files(*pair, tmp_path / "out")

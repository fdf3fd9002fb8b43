"""Every command on a full disk, a small tmpfs: one sentence, exit status 1, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, flir_jpeg
from PIL import Image

from distilfuse.cli.main import main

RNG = np.random.default_rng(6)
SIDE = 256


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 64 kilobytes."""
    place = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a tmpfs cannot be mounted here (needs Linux and root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    for place in ("v", "i"):
        (folder / place).mkdir()
        shape = (SIDE, SIDE, 3) if place == "v" else (SIDE, SIDE)
        for name in ("a", "b"):
            Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(folder / place / f"{name}.png")
    visible = RNG.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    scene = Scene(celsius=RNG.random((160, 200)) * 30, visible=visible, real_to_ir=1.0)
    (folder / "camera.jpg").write_bytes(flir_jpeg(scene))
    (folder / "pairs.csv").write_text("visible,infrared\nv/a.png,i/a.png\n")
    return folder


COMMANDS = {
    "fuse": ["fuse", "v/a.png", "i/a.png", "-o", "DISK/f.png"],
    "fuse to JPEG": ["fuse", "v/a.png", "i/a.png", "-o", "DISK/f.jpg"],
    "fuse to TIFF": ["fuse", "v/a.png", "i/a.png", "-o", "DISK/f.tif"],
    "beside a result": ["fuse", "v/a.png", "i/a.png", "-o", "DISK/f.png", "--save", "rgbt"],
    "folders": ["fuse", "v", "i", "-o", "DISK/out"],
    "a list": ["fuse", "--pairs", "pairs.csv", "-o", "DISK/out"],
    "camera": ["camera", "camera.jpg", "-o", "DISK/f.png"],
    "video": ["video", "v", "i", "-o", "DISK/f.mkv", "--codec", "ffv1"],
    "volume": ["volume", "pet.nii.gz", "mr.nii.gz", "-o", "DISK/f.nii.gz"],
    "degrade": ["degrade", "v", "i", "-o", "DISK/bad", "--kind", "haze@3"],
    "demo": ["demo", "-o", "DISK/demo"],
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_full_disk(
    what: str,
    disk: Path,
    inputs: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if what == "video":
        pytest.importorskip("av", reason="PyAV (extra video) is not installed")
    if what == "volume":
        nibabel = pytest.importorskip("nibabel", reason="nibabel (extra medical) is not installed")
        for name in ("pet", "mr"):
            values = RNG.random((48, 48, 24), np.float32) * 4
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), inputs / f"{name}.nii.gz")
    monkeypatch.chdir(inputs)
    words = [word.replace("DISK", str(disk)) for word in COMMANDS[what]]
    if words[0] != "degrade":
        words += ["--model", str(project / "tests/assets/maximum-luminance.json"), "--backend", "onnxruntime"]
    monkeypatch.setattr(sys, "argv", ["distilfuse", *words])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == 1, said.err
    assert "Traceback" not in said.err
    assert "No space left" in said.err or "check the folder and the space" in said.err  # libtiff gives no reason
    left_over = [path for path in disk.rglob("*") if path.is_file()]
    assert [path for path in left_over if path.suffix == ".part" or not path.stat().st_size] == []
    for path in left_over:  # what fitted is whole
        if path.suffix in (".png", ".jpg", ".tif"):
            with Image.open(path) as picture:
                picture.load()
        path.unlink()

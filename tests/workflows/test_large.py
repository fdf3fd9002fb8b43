"""Large pictures: memory in proportion to the picture and little more, and the limits of Pillow are not ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")

CHILD = """
import re, sys
from pathlib import Path
from distilfuse.cli.main import main
sys.argv = ["distilfuse", *sys.argv[1:]]
try:
    main()
finally:
    print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))
"""


def pair(folder: Path, side: int, suffix: str, mode: str = "RGB") -> tuple[Path, Path]:
    """Cheap to make and to write: a gradient that repeats."""
    row = (np.arange(side) // 3 % 256).astype(np.uint8)
    paths = folder / f"v{side}{suffix}", folder / f"i{side}{suffix}"
    grey = Image.fromarray(np.broadcast_to(row, (side, side)).copy())
    grey.convert(mode).save(paths[0])
    grey.save(paths[1])
    return paths


def peak_of(*arguments: object) -> float:
    """MiB that the whole process took; it says nothing but its result."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "fuse", *map(str, arguments), "--backend", "onnxruntime", "--threads", "2"],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.parametrize(("mode", "most"), [("RGB", 9.5), ("RGBA", 11.5)])
def test_memory_a_pixel(tmp_path: Path, project: Path, mode: str, most: float) -> None:
    model = project / "tests/assets/maximum-luminance.json"
    small, large = (
        peak_of(*pair(tmp_path, side, ".tif", mode), "-o", tmp_path / f"{side}.tif", "-m", model)
        for side in (1600, 4800)
    )
    # Two arrays in and one out are 7 bytes, Pillow's picture and the array that is made from it, too; alpha is a byte.
    spent = (large - small) * 2**20 / (4800**2 - 1600**2)
    assert spent < most, f"{spent:.1f} bytes a pixel"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_hundred_megapixels(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    peak = peak_of(*pair(tmp_path, 10000, suffix), "-o", out)
    assert peak < 1500, f"{peak:.0f} MiB"
    Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS
    try:
        with Image.open(out) as fused:
            assert (fused.size, fused.mode) == ((10000, 10000), "RGB")
    finally:
        Image.MAX_IMAGE_PIXELS = before


@pytest.mark.slow
def test_a_folder_of_large_pictures(tmp_path: Path) -> None:
    visible, infrared = pair(tmp_path, 10000, ".png")
    for folder, path in (("v", visible), ("i", infrared)):
        (tmp_path / folder).mkdir()
        for name in "abc":
            (tmp_path / folder / f"{name}.png").symlink_to(path)
    peak = peak_of(tmp_path / "v", tmp_path / "i", "-o", tmp_path / "out")
    assert peak < 1500, f"{peak:.0f} MiB"

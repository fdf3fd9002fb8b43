"""``distilfuse camera`` as it is typed: what is said, where it goes, how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, flir_jpeg
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.imaging.reading import read_array


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "FLIR0001.jpg"
    celsius = np.tile(np.linspace(10, 40, 40), (30, 1))
    path.write_bytes(flir_jpeg(Scene(celsius=celsius, visible=np.full((60, 80, 3), 60, np.uint8))))
    return path


class Command:
    """Runs the command with a small model."""

    def __init__(self, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._fixed = ["--model", str(model), "--backend", "onnxruntime", "--threads", "1"]
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit status, what it said, what it complained about."""
        self._monkeypatch.setattr(sys, "argv", ["distilfuse", "camera", *map(str, arguments), *self._fixed])
        with pytest.raises(SystemExit) as left:
            main()
        said = self._capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    def refuses(self, folder: Path, *arguments: object, status: int = 2) -> str:
        """Check that it refuses with one sentence and writes nothing, and return the sentence."""
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        code, out, err = self(*arguments)
        assert (code, out) == (status, "")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        return err.strip()


@pytest.fixture
def command(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(project / "tests/assets/maximum-luminance.json", monkeypatch, capsys)


def test_one_file(command: Command, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "fused.jpg"
    code, said, complaint = command(source, "-o", out)
    assert (code, complaint) == (0, "")
    first, second = said.splitlines()
    assert first.startswith(f"{out}: 64x48, 10.0 to 40.0 C, fused in ")
    assert first.endswith("by maximum-luminance on CPU (onnxruntime, 1 thread)")
    assert second == f"{tmp_path / 'fused_temperature.tiff'}: temperatures in degrees Celsius"
    assert "fused.jpg exists: add --overwrite" in command.refuses(tmp_path, source, "-o", out, status=1)
    assert command(source, "-o", out, "--overwrite")[0] == 0


def test_a_range_of_ones_own(command: Command, source: Path, tmp_path: Path) -> None:
    code, said, _ = command(source, "-o", tmp_path / "fused.png", "--range", "0,100", "--temperature", "none")
    assert code == 0
    assert "0.0 to 100.0 C" in said
    fused = read_array(tmp_path / "fused.png")
    assert fused.max() == pytest.approx(0.4 * 255, abs=3)
    assert not list(tmp_path.glob("*_temperature*"))


@pytest.mark.parametrize("text", ["1", "a,b", "1,2,3", "40,15", "nan,3"])
def test_a_range_that_is_none(text: str, command: Command, source: Path, tmp_path: Path) -> None:
    said = command.refuses(tmp_path, source, "-o", tmp_path / "fused.jpg", "--range", text)
    assert "thermal range" in said


def test_several_files(command: Command, source: Path, tmp_path: Path) -> None:
    other = tmp_path / "FLIR0002.jpg"
    other.write_bytes(source.read_bytes())
    plain = tmp_path / "plain.jpg"
    Image.new("RGB", (8, 8)).save(plain)
    out = tmp_path / "out"
    code, said, complaint = command(source, plain, other, "-o", out, "--temperature", "csv")
    assert code == 1
    assert said.startswith(f"{out}: 2 of 3 files fused by maximum-luminance")
    assert f"plain.jpg failed: {plain} is a plain JPEG without thermal data" in complaint
    assert complaint.endswith("1 of 3 files failed: plain.jpg\n")
    assert sorted(path.name for path in out.iterdir()) == [
        "FLIR0001.jpg",
        "FLIR0001_temperature.csv",
        "FLIR0002.jpg",
        "FLIR0002_temperature.csv",
    ]


def test_warnings_name_the_file_once(command: Command, source: Path, tmp_path: Path) -> None:
    narrow = ("--range", "0,15", "--temperature", "none")
    remark = "FLIR0001.jpg: The thermal picture has "
    code, _, complaint = command(source, "-o", tmp_path / "fused.jpg", *narrow)
    assert code == 0
    assert complaint.startswith(remark)
    code, _, complaint = command(tmp_path / source.name, tmp_path / source.name, "-o", tmp_path / "out", *narrow)
    assert code == 2, "one name twice"
    code, _, complaint = command(tmp_path, "-o", tmp_path / "out", *narrow)
    assert remark in complaint
    Image.new("RGB", (64, 48), (9, 8, 7)).save(tmp_path / "v.png")
    palette = ("--palette", "--visible", tmp_path / "v.png", "--overwrite")
    code, _, complaint = command(source, "-o", tmp_path / "fused.jpg", *palette)
    assert (code, complaint.count("FLIR0001.jpg")) == (0, 1)


def test_one_file_into_a_folder_to_be_made(command: Command, source: Path, tmp_path: Path) -> None:
    said = command.refuses(tmp_path, source, "-o", tmp_path / "new" / "deep", status=1)
    assert said.endswith(f"write {tmp_path / 'new' / 'deep'}/ for a new folder.")
    code, said, complaint = command(source, "-o", f"{tmp_path / 'new' / 'deep'}/")
    assert (code, complaint) == (0, "")
    assert said.startswith(f"{tmp_path / 'new' / 'deep' / 'FLIR0001.jpg'}: 64x48")
    assert sorted(path.name for path in (tmp_path / "new" / "deep").iterdir()) == [
        "FLIR0001.jpg",
        "FLIR0001_temperature.tiff",
    ]
    assert "cannot be a folder because" in command.refuses(tmp_path, source, "-o", f"{source}/", status=1)


def test_a_range_in_two_words(command: Command, source: Path, tmp_path: Path) -> None:
    said = command.refuses(tmp_path, "--range", "15", "40", source, "-o", tmp_path / "fused.jpg")
    assert said.endswith("with a comma and no space, as in --range 7000,9000.")


def test_a_folder(command: Command, source: Path, tmp_path: Path) -> None:
    assert command(tmp_path, "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "FLIR0001.jpg").is_file()


def test_bad_files(command: Command, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "fused.jpg"
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(source.read_bytes()[:3000])
    assert "is cut off or damaged" in command.refuses(tmp_path, cut, "-o", out)
    plain = tmp_path / "plain.jpg"
    Image.new("RGB", (8, 8)).save(plain)
    assert "is a plain JPEG without thermal data" in command.refuses(tmp_path, plain, "-o", out)
    assert "does not exist" in command.refuses(tmp_path, tmp_path / "no.jpg", "-o", out)
    assert "name that, too (--visible)" in command.refuses(tmp_path, source, "-o", out, "--palette")
    assert "choose .jpg, .jpeg, .png." in command.refuses(tmp_path, source, "-o", tmp_path / "a.tif", status=1)


def test_help(command: Command) -> None:
    code, said, _ = command("--help")
    assert code == 0
    for part in (
        "FILE...",
        "--output",
        "--temperature",
        "--range",
        "--no-align",
        "--visible",
        "--palette",
        "Exit status",
    ):
        assert part in said

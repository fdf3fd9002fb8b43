"""Bad input: one sentence on stderr, exit status 1 or 2, nothing half-written; a test for each."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.errors import InputError
from distilfuse.fuser import Fuser

RNG = np.random.default_rng(41)


class Bench:
    """A folder with a good pair, two good folders, and a way to run the command on them."""

    def __init__(self, folder: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
        self.folder = folder
        self.model = model
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.visible = self.save("v/a.png", RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        self.infrared = self.save("i/a.png", RNG.integers(0, 256, (24, 32), dtype=np.uint8))
        self.out = folder / "out.png"

    def save(self, name: str, pixels: np.ndarray) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    def listing(self) -> dict[str, bytes]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}

    def refuses(self, *arguments: object, status: int, model: str | None = None) -> str:
        """Run ``fuse``, check that it refuses as it should, and return the sentence."""
        before = self.listing()
        argv = ["distilfuse", "fuse", *map(str, arguments), "--model", model or self.model]
        self._monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as left:
            main()
        said = self._capsys.readouterr()  # type: ignore[attr-defined]
        assert left.value.code == status
        assert said.out == ""
        assert said.err.count("\n") == 1, "one line"
        assert said.err.endswith("\n")
        assert "Traceback" not in said.err
        assert self.listing() == before, "something was written"
        return said.err.strip()


@pytest.fixture
def bench(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, str(project / "tests/assets/maximum-luminance.json"), monkeypatch, capsys)


@pytest.fixture(scope="module")
def fuser(project: Path) -> Fuser:
    return Fuser.from_pretrained(str(project / "tests/assets/maximum-luminance.json"))


def test_missing_file(bench: Bench) -> None:
    missing = bench.folder / "missing.png"
    for pair in ((missing, bench.infrared), (bench.visible, missing)):
        assert bench.refuses(*pair, "-o", bench.out, status=2) == f"{missing} does not exist: check the name."


def test_missing_folder(bench: Bench) -> None:
    missing = bench.folder / "missing"
    said = bench.refuses(bench.visible.parent, missing, "-o", bench.folder / "out", status=2)
    assert said == f"{missing} does not exist: name a folder with pictures."


def test_a_file_and_a_folder(bench: Bench) -> None:
    said = bench.refuses(bench.visible, bench.infrared.parent, "-o", bench.out, status=2)
    assert said.endswith("give two files or two folders.")


def test_not_an_image(bench: Bench) -> None:
    text = bench.folder / "text.png"
    text.write_text("no picture")
    said = bench.refuses(text, bench.infrared, "-o", bench.out, status=2)
    assert said == f"{text} is not a picture that can be read: convert it to PNG."


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_truncated_image(bench: Bench, suffix: str) -> None:
    whole = bench.save(f"cut{suffix}", RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    said = bench.refuses(whole, bench.infrared, "-o", bench.out, status=2)
    assert said.startswith(f"{whole} ")
    assert re.search("truncated|cannot be opened|not a picture", said)


def test_mismatched_sizes(bench: Bench) -> None:
    other = bench.save("other.png", np.zeros((48, 64), np.uint8))
    said = bench.refuses(bench.visible, other, "-o", bench.out, status=2)
    assert said == (
        f"{bench.visible} is 32x24 pixels but {other} is 64x48: resize one to the other if they show the same, or "
        "align them with distilfuse align."
    )


def test_empty_folder(bench: Bench) -> None:
    empty = bench.folder / "empty"
    empty.mkdir()
    said = bench.refuses(bench.visible.parent, empty, "-o", bench.folder / "out", status=2)
    assert said.startswith(f"{empty} holds no pictures (")
    assert not (bench.folder / "out").exists()


def test_no_matching_names(bench: Bench) -> None:
    bench.infrared.rename(bench.infrared.with_name("b.png"))
    said = bench.refuses(bench.visible.parent, bench.infrared.parent, "-o", bench.folder / "out", status=2)
    assert "there are files such as a.png and b.png" in said
    assert not (bench.folder / "out").exists()


def test_existing_output(bench: Bench) -> None:
    bench.out.write_bytes(b"precious")
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, status=1)
    assert said == f"{bench.out} exists: add --overwrite (overwrite=True) to replace it."
    folder = bench.folder / "out"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"precious")
    bench.save("v/b.png", np.zeros((24, 32), np.uint8))
    bench.save("i/b.png", np.zeros((24, 32), np.uint8))
    said = bench.refuses(bench.visible.parent, bench.infrared.parent, "-o", folder, status=1)
    assert said.startswith(f"1 of 2 outputs exist in {folder} (a.png): add --overwrite")


def test_output_over_an_input(bench: Bench) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.visible, "--overwrite", status=1)
    assert said == f"{bench.visible} is one of the pictures to be fused: name another output."


def test_output_under_a_file(bench: Bench) -> None:
    # Root may write everywhere, so permissions alone prove nothing.
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.visible / "out.png", status=1)
    assert f"{bench.visible} is not a folder" in said
    said = bench.refuses(bench.visible.parent, bench.infrared.parent, "-o", bench.visible / "deep" / "out", status=1)
    assert said.endswith(f"because {bench.visible} is a file: name another output.")


def test_output_in_a_missing_folder(bench: Bench) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.folder / "no" / "out.png", status=1)
    assert f"{bench.folder / 'no'} does not exist" in said


def test_output_in_a_read_only_folder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # As the system says it, whoever runs the test.
    plain = Path.open

    def refuse(self: Path, mode: str = "r", *rest: object, **options: object) -> object:
        if "x" in mode or "w" in mode:
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self, mode, *rest, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, status=1)
    assert said == f"{bench.out} cannot be written (Permission denied): check the folder and the space."


def test_output_folder_that_cannot_be_made(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *rest: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = bench.refuses(bench.visible.parent, bench.infrared.parent, "-o", bench.folder / "out", status=1)
    assert said.endswith("cannot be made (Permission denied): name another output.")


@pytest.mark.parametrize("name", ["out.xyz", "out.gif", "out"])
def test_output_of_unknown_format(bench: Bench, name: str) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.folder / name, status=1)
    assert ".png" in said


def test_output_format_that_cannot_hold_the_values(bench: Bench) -> None:
    clear = bench.save("clear.png", np.zeros((24, 32, 4), np.uint8))
    said = bench.refuses(clear, bench.infrared, "-o", bench.folder / "out.jpg", status=1)
    assert "JPEG files hold no transparency" in said


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity(bench: Bench, fuser: Fuser, bad: float) -> None:
    picture = np.full((24, 32), 0.5, np.float32)
    picture[3, 4] = bad
    with pytest.raises(InputError, match="The infrared picture holds NaN or infinite values"):
        fuser(np.zeros((24, 32), np.uint8), picture)
    with pytest.raises(InputError, match="The visible picture holds NaN or infinite values"):
        fuser(picture, np.zeros((24, 32), np.uint8))
    said = bench.refuses(bench.save("bad.tif", picture), bench.infrared, "-o", bench.folder / "out.tif", status=2)
    assert said == "The visible picture holds NaN or infinite values: replace them before fusing."


def test_floats_out_of_range(bench: Bench) -> None:
    kelvin = bench.save("kelvin.tif", np.linspace(270, 330, 24 * 32, dtype=np.float32).reshape(24, 32))
    said = bench.refuses(kelvin, bench.infrared, "-o", bench.out, status=2)
    assert "float values from 270 to 330" in said
    said = bench.refuses(bench.visible, kelvin, "-o", bench.out, "--range", "type", status=2)
    assert "float values from 270 to 330, which have no full scale" in said


@pytest.mark.parametrize("shape", [(24, 32, 2), (24, 32, 5), (3, 24, 32), (24, 32, 12)])
def test_wrong_number_of_channels(fuser: Fuser, shape: tuple[int, ...]) -> None:
    good = np.zeros(shape[:2], np.uint8)
    with pytest.raises(InputError, match=rf"The visible array has {shape[2]} channels .* 1, 3 or 4 are needed"):
        fuser(np.zeros(shape, np.uint8), good)
    with pytest.raises(InputError, match="The infrared array has"):
        fuser(good, np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(), (24,), (1, 24, 32, 3)])
def test_wrong_number_of_axes(fuser: Fuser, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=rf"array has {len(shape)} axes .* but a picture has 2 or 3"):
        fuser(np.zeros(shape, np.uint8), np.zeros((24, 32), np.uint8))


@pytest.mark.parametrize("shape", [(0, 32), (24, 0, 3), (0, 0)])
def test_zero_sized_arrays(fuser: Fuser, shape: tuple[int, ...]) -> None:
    empty = np.zeros(shape, np.uint8)
    with pytest.raises(InputError, match="The visible picture is empty"):
        fuser(empty, empty)
    with pytest.raises(InputError, match="The visible picture is empty"):
        fuser(Image.new("RGB", (0, 5)), Image.new("L", (0, 5)))


def test_zero_sized_file(bench: Bench) -> None:
    path = bench.folder / "zero.pgm"
    path.write_bytes(b"P5\n0 24\n255\n")
    assert str(path) in bench.refuses(path, bench.infrared, "-o", bench.out, status=2)


@pytest.mark.parametrize("dtype", [np.int32, np.float16, np.bool_])
def test_wrong_type(fuser: Fuser, dtype: type) -> None:
    with pytest.raises(InputError, match="no agreed full scale"):
        fuser(np.zeros((24, 32), dtype), np.zeros((24, 32), np.uint8))


def test_unknown_model(bench: Bench) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, status=2, model="nano-ifiv")
    assert said.startswith("There is no model named 'nano-ifiv': did you mean nano-ivif")


def test_missing_record(bench: Bench) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, status=2, model="no/such.json")
    assert said == "The model record no/such.json cannot be read (No such file or directory): check the name."


def test_corrupted_weights(bench: Bench) -> None:
    good = Path(bench.model)
    record = Path(shutil.copy(good, bench.folder))
    weights = good.with_suffix(".onnx").read_bytes()
    (bench.folder / f"{good.stem}.onnx").write_bytes(weights[:-1])
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, status=2, model=str(record))
    assert re.fullmatch(
        r"The weights of maximum-luminance in .* are damaged \(sha256 \w{12}\.\.\., not \w{12}\.\.\.\): "
        r"reinstall distilfuse\.",
        said,
    )


def test_unknown_backend(bench: Bench) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, "--backend", "tpu", status=2)
    assert said.startswith("There is no backend named 'tpu': choose auto, onnxruntime, openvino, cuda, ")


def test_backend_that_is_not_installed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, "--backend", "openvino", status=1)
    assert said == "The backend 'openvino' is not installed: pip install 'distilfuse[openvino]'"


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_below_one(bench: Bench, threads: int) -> None:
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.out, "--threads", threads, status=2)
    assert said == f"threads must be a whole number from 1 up, not {threads}."

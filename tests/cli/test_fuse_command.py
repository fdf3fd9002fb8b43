from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.imaging.reading import read_array

RNG = np.random.default_rng(31)


@pytest.fixture
def model(project: Path) -> str:
    return str(project / "tests/assets/maximum-luminance.json")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["distilfuse", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    visible, infrared = tmp_path / "v", tmp_path / "i"
    for folder, shape in ((visible, (9, 7, 3)), (infrared, (9, 7))):
        folder.mkdir()
        for name in ("a", "b", "c"):
            Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{name}.png")
    return visible, infrared


def test_two_files(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "fused.png"
    pair = folders[0] / "a.png", folders[1] / "a.png"
    assert run(monkeypatch, "fuse", *pair, "-o", out, "--model", model, "-b", "onnxruntime", "--threads", 1) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith(f"{out}: 7x9, fused in ")
    assert said.out.endswith("by maximum-luminance on CPU (onnxruntime, 1 thread)\n")
    first = out.read_bytes()
    assert run(monkeypatch, "fuse", *pair, "-o", out, "--model", model) == 1
    assert run(monkeypatch, "fuse", *pair, "-o", out, "--model", model, "--overwrite") == 0
    assert out.read_bytes() == first


def test_two_folders(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folders[0] / "alone.png").write_bytes(b"")
    (folders[1] / "single.png").write_bytes(b"")
    assert run(monkeypatch, "fuse", *folders, "-o", tmp_path / "out", "--model", model) == 0
    said = capsys.readouterr()
    assert "1 visible without a partner: alone.png\n" in said.err
    assert "1 infrared without a partner: single.png\n" in said.err
    assert f"{tmp_path / 'out'}: 3 of 3 pairs fused in " in said.out
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["a.png", "b.png", "c.png"]


def test_what_has_no_partner_is_named_with_its_sub_folder(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder, name in zip(folders, ("lost", "single"), strict=True):
        (folder / "day" / "one").mkdir(parents=True)
        (folder / "day" / "one" / f"{name}.png").write_bytes(b"")
    assert run(monkeypatch, "fuse", *folders, "-o", tmp_path / "out", "--model", model, "--recursive") == 0
    said = capsys.readouterr().err
    assert "1 visible without a partner: day/one/lost.png\n" in said
    assert "1 infrared without a partner: day/one/single.png\n" in said


def test_a_failed_pair_is_named_and_the_others_go_on(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(folders[1] / "b.png")
    assert run(monkeypatch, "fuse", *folders, "-o", tmp_path / "out", "--model", model) == 1
    said = capsys.readouterr()
    vis, ir = (folder / "b.png" for folder in folders)
    assert f"b failed: {vis} is 7x9 pixels but {ir} is 4x3: resize one" in said.err
    assert said.err.endswith("1 of 3 pairs failed: b\n")
    assert "2 of 3 pairs fused" in said.out
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["a.png", "c.png"]


def test_ambiguous_names_are_reported_and_fail(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(folders[0] / "b.bmp")
    assert run(monkeypatch, "fuse", *folders, "-o", tmp_path / "out", "--model", model) == 1
    said = capsys.readouterr()
    assert "Left out because several files claim one name: " in said.err
    assert str(folders[0] / "b.bmp") in said.err
    assert "2 of 2 pairs fused" in said.out


def test_warnings_are_said_with_the_name(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.fromarray(np.full((9, 7), 700, np.uint16)).save(folders[1] / "b.png")
    assert run(monkeypatch, "fuse", *folders, "-o", tmp_path / "out", "--model", model) == 0
    assert "b: The infrared picture has the value 700 everywhere and adds nothing" in capsys.readouterr().err


def test_ctrl_c_ends_quietly(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(self: object, *pictures: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("distilfuse.fuser.Fuser.__call__", interrupted)
    assert run(monkeypatch, "fuse", *folders, "-o", tmp_path / "out", "--model", model) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_the_device_of_every_backend_is_said(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    pair = folders[0] / "a.png", folders[1] / "a.png"
    out = tmp_path / "fused.png"
    assert run(monkeypatch, "fuse", *pair, "-o", out, "-m", model, "-b", "openvino", "-t", 1) == 0
    assert "on CPU (" in capsys.readouterr().out
    assert read_array(out).shape == (9, 7, 3)


def test_how_the_backend_was_chosen_is_said(
    folders: tuple[Path, Path],
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setattr("distilfuse.runtime.choice.nvidia_cards", lambda: [])
    pair = folders[0] / "a.png", folders[1] / "a.png"
    assert run(monkeypatch, "fuse", *pair, "-o", tmp_path / "fused.png", "-m", model, "-t", 1) == 0
    assert capsys.readouterr().out.endswith(", 1 thread, fastest of 2)\n")


def fresh(*arguments: object) -> subprocess.CompletedProcess[str]:
    """In an interpreter of its own, as users run it."""
    return subprocess.run(
        [sys.executable, "-m", "distilfuse", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"COLUMNS": "100"},
    )


def test_as_a_process(folders: tuple[Path, Path], tmp_path: Path, model: str) -> None:
    pair = folders[0] / "a.png", folders[1] / "a.png"
    done = fresh("fuse", *pair, "-o", tmp_path / "out.png", "--model", model)
    assert (done.returncode, done.stderr) == (0, "")
    again = fresh("fuse", *pair, "-o", tmp_path / "out.png", "--model", model)
    assert again.returncode == 1
    assert again.stderr == f"{tmp_path / 'out.png'} exists: add --overwrite (overwrite=True) to replace it.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a process is sent SIGINT as Ctrl-C does on Unix")
def test_ctrl_c_in_a_folder_leaves_whole_pictures_only(tmp_path: Path, model: str) -> None:
    visible, infrared, out = tmp_path / "v", tmp_path / "i", tmp_path / "out"
    for folder, shape in ((visible, (1500, 2000, 3)), (infrared, (1500, 2000))):
        folder.mkdir()
        Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(folder / "0.tif")
        for index in range(1, 40):
            (folder / f"{index}.tif").symlink_to(folder / "0.tif")
    command = [sys.executable, "-m", "distilfuse", "fuse", visible, infrared, "-o", out, "-m", model]
    running = subprocess.Popen([*map(str, command), "-b", "onnxruntime"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out.is_dir() and any(path.suffix == ".tif" for path in out.iterdir())):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert (running.returncode, said) == (130, "")
    written = list(out.glob("[!.]*"))
    assert 0 < len(written) < 40
    for path in written:
        assert path.suffix == ".tif"
        assert read_array(path).shape == (1500, 2000, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="resource usage of children is a Unix notion")
def test_memory_of_one_pair(tmp_path: Path, model: str) -> None:
    # The bound is for the whole process, interpreter and libraries included.
    size = (480, 640)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / "v.png")
    Image.fromarray(RNG.integers(0, 256, size, dtype=np.uint8)).save(tmp_path / "i.png")
    from distilfuse.zoo import list_models

    chosen = "nano-ivif" if "nano-ivif" in list_models() else model
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'distilfuse', *sys.argv[1:]], check=True)\n"
        "print('kilobytes', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = ["fuse", tmp_path / "v.png", tmp_path / "i.png", "-o", tmp_path / "o.png", "-m", chosen]
    command += ["--backend", "onnxruntime"]  # all that most people have installed
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout.split()[-1]) / (1024**2 if sys.platform == "darwin" else 1024)
    assert peak < 400, f"{peak:.0f} MiB"


def test_help_reads_well() -> None:
    overall = fresh("--help").stdout
    for command in ("fuse", "models", "demo", "doctor", "train"):
        assert f" {command} " in overall
    text = fresh("fuse", "--help").stdout
    for said in (
        "VISIBLE",
        "INFRARED",
        "--output",
        "--model",
        "--backend",
        "--threads",
        "--overwrite",
        "Exit status",
    ):
        assert said in text
    assert "(.json)" in text, "nothing was swallowed as markup"


def test_version() -> None:
    from distilfuse import __version__

    assert fresh("--version").stdout == f"distilfuse {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, distilfuse.cli.main\n"
        "print(sorted({'numpy', 'PIL', 'onnxruntime', 'torch', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"

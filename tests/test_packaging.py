"""What is shipped: the wheel's files and metadata, one version everywhere, pins for all that is installed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import venv
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

import distilfuse

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling (extra dev) is not installed")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=project)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def requirements(metadata: Message, extra: str | None) -> set[str]:
    """Names of the required distributions, without versions, in lower case."""
    names = set()
    for line in metadata.get_all("Requires-Dist", []):
        named = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if (named.group(1) if named else None) == extra:
            names.add(re.match(r"[\w.-]+", line).group().lower())
    return names


def test_wheel_holds_the_package_and_nothing_else(wheel: Path, project: Path) -> None:
    package = project / "src" / "distilfuse"
    on_disk = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = set(ZipFile(wheel).namelist())
    about = {name for name in shipped if name.startswith(f"distilfuse-{distilfuse.__version__}.dist-info/")}
    assert shipped - about == on_disk
    assert {"distilfuse/py.typed", "distilfuse/__main__.py"} <= on_disk
    assert any(name.endswith("/licenses/LICENSE") for name in about)


def test_wheel_holds_samples_and_the_weights_that_the_records_name(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        records = [name for name in names if re.fullmatch(r"distilfuse/zoo/models/.+\.json", name)]
        assert records
        for name in records:
            record = json.loads(archive.read(name))
            weights = archive.read(f"distilfuse/zoo/models/{record['file']}")
            assert len(weights) == record["size"], name
            assert hashlib.sha256(weights).hexdigest() == record["sha256"], name
    assert [name for name in names if re.fullmatch(r"distilfuse/samples/.+\.png", name)]


def test_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 25_000_000


def test_what_a_user_installs(metadata: Message) -> None:
    assert requirements(metadata, None) == {"numpy", "onnxruntime", "pillow", "typer"}
    assert set(metadata.get_all("Provides-Extra")) == {
        "align",
        "bulk",
        "deep",
        "detect",
        "dev",
        "evaluate",
        "gpu",
        "medical",
        "no-reference",
        "openvino",
        "quantize",
        "text",
        "text-offline",
        "train",
        "video",
    }
    assert "torch" in requirements(metadata, "train")
    assert metadata["Requires-Python"].replace(" ", "") in {"<3.14,>=3.10", ">=3.10,<3.14"}
    assert metadata["License-Expression"] == "Apache-2.0"


def test_one_version_everywhere(metadata: Message, project: Path) -> None:
    version = distilfuse.__version__
    assert metadata["Version"] == version
    assert f"\nversion: {version}\n" in (project / "CITATION.cff").read_text("utf-8")
    assert f"\n## [{version}]" in (project / "CHANGELOG.md").read_text("utf-8")


def test_constraints_pin_all_that_tests_install(metadata: Message, project: Path) -> None:
    lines = (project / "constraints" / "test.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.match(r"[\w.-]+==[\w.+]+( ;|$)", line)] == []
    pinned = {line.partition("==")[0].lower() for line in pins}
    for extra in (None, "train", "text", "text-offline", "evaluate", "detect", "dev", "openvino"):
        # Triton's version is the business of the torch build, like CUDA's.
        assert requirements(metadata, extra) - pinned - {"triton"} == set(), extra
    assert [name for name in pinned if name.startswith(("nvidia-", "cuda-", "triton"))] == []
    torch = re.search(r"^TORCH \?= (torch==\S+)$", (project / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert torch.group(1) in pins


def test_no_fetched_picture_is_in_the_project(project: Path, shared_data: Path) -> None:
    folders = [project / name for name in ("benchmarks", "docs", "examples", "samples", "src", "tests")]
    ours = [path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in PICTURES]
    assert ours
    sizes = {path.stat().st_size for path in ours}
    theirs = [path for path in shared_data.rglob("*") if path.is_file() and path.stat().st_size in sizes]
    fetched = {hashlib.sha256(path.read_bytes()).hexdigest() for path in theirs}
    assert [str(path) for path in ours if hashlib.sha256(path.read_bytes()).hexdigest() in fetched] == []


def test_python_dash_m_is_the_command() -> None:
    assert "fuse" in run(sys.executable, "-m", "distilfuse", "--help")


@pytest.mark.slow
def test_fresh_install_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel)
    listed = json.loads(run(programs / "python", "-m", "pip", "list", "--format", "json"))
    installed = {entry["name"].lower() for entry in listed}
    assert {"distilfuse", "rich"} <= installed
    assert installed & {"lightning", "onnx", "scipy", "torch"} == set()
    run(programs / "distilfuse", "demo", cwd=tmp_path)
    assert list(tmp_path.glob("distilfuse-demo/**/*.png"))

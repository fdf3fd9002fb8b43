"""Bad input: one sentence on stderr, a status that is not 0, nothing half-written."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from distilfuse.workflows.bulk import files

Make = Callable[..., Any]
Refuses = Callable[..., str]


@pytest.fixture
def refuses(run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refuses:
    """Run the command, check that it refuses as it should, and give the sentence."""

    def listing() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def call(*arguments: object, status: int, **options: str) -> str:
        before = listing()
        assert run(*arguments, **options) == status
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1, "one line"
        assert "Traceback" not in said.err
        assert listing() == before, "something was written"
        return said.err.strip()

    return call


@pytest.fixture
def manifest(make_pairs: Make, make_manifest: Make) -> Path:
    return make_manifest(make_pairs(3))


@pytest.fixture
def scheme() -> Iterator[Callable[[type[MemoryFileSystem]], None]]:
    """Register a file system under its own scheme."""

    def register(system: type[MemoryFileSystem]) -> None:
        fsspec.register_implementation(system.protocol, system, clobber=True)
        files._files.cache_clear()

    yield register
    MemoryFileSystem.store.clear()
    files._files.cache_clear()


def test_manifest(refuses: Refuses, tmp_path: Path, make_pairs: Make, make_manifest: Make) -> None:
    ((visible, infrared),) = make_pairs(1)
    out = tmp_path / "out"
    assert refuses(tmp_path / "none.csv", "-o", out, status=2).endswith("none.csv does not exist: check the name.")
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    assert "begins with the columns a, b: its first line must name" in refuses(table, "-o", out, status=2)
    twice = make_manifest([(visible, infrared), (visible, infrared)])
    assert "line 3 has the output 000.png, as has line 2" in refuses(twice, "-o", out, status=2)
    assert "which is one of the pictures to be fused" in refuses(
        make_manifest([(visible, infrared, visible)]), "-o", out, status=2
    )


def test_schemes(refuses: Refuses, manifest: Path, tmp_path: Path, make_manifest: Make) -> None:
    said = "The scheme s4:// is not known: give paths, s3://, gs:// or another scheme of fsspec."
    assert refuses("s4://bucket/m.csv", "-o", tmp_path / "out", status=2) == said
    assert refuses(manifest, "-o", "s4://bucket/out", status=2) == said
    rows = make_manifest([("s4://bucket/a.png", "b.png")], "rows.csv")
    assert refuses(rows, "-o", tmp_path / "out", status=2) == said


def test_missing_library(refuses: Refuses, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(protocol: str) -> Any:
        raise ImportError(f"Install the library of {protocol}")

    monkeypatch.setattr(fsspec, "get_filesystem_class", absent)
    files._files.cache_clear()
    said = refuses(manifest, "-o", "gs://bucket/out", status=1)
    assert said == "gs:// needs gcsfs, which is not installed: pip install gcsfs"


def test_missing_ray(refuses: Refuses, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = refuses(manifest, "-o", tmp_path / "out", "--ray", "local", status=1)
    assert said == "A cluster needs Ray Data, which is not installed: pip install 'distilfuse[bulk]'"


def test_workers_without_a_cluster(refuses: Refuses, manifest: Path, tmp_path: Path) -> None:
    said = refuses(manifest, "-o", tmp_path / "out", "--workers", 2, status=2)
    assert said.startswith("--workers is for a cluster: add --ray")


def test_a_server_that_does_not_answer(
    refuses: Refuses, manifest: Path, make_manifest: Make, scheme: Any, tmp_path: Path
) -> None:
    class Gone(MemoryFileSystem):
        protocol = "gone"

        def info(self, path: str, **options: Any) -> Any:
            raise ConnectionError("Could not connect to the endpoint")

        cat_file = find = ls = pipe_file = info

    scheme(Gone)
    said = "cannot be read (Could not connect to the endpoint): check the name and the connection."
    assert refuses("gone://bucket/m.csv", "-o", tmp_path / "out", status=2) == f"gone://bucket/m.csv {said}"
    assert refuses(manifest, "-o", "gone://bucket/out", status=2) == f"gone://bucket/out/000.png {said}"
    rows = make_manifest([("gone://bucket/a.png", "b.png")], "rows.csv")
    assert refuses(rows, "-o", tmp_path / "out", status=2) == f"gone://bucket/a.png {said}"


def test_outputs_that_exist(
    refuses: Refuses, run: Callable[..., int], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "001.png").write_bytes(b"precious")
    said = refuses(manifest, "-o", out, status=1)
    assert said == (
        f"1 of 3 outputs exist in {out} and no bulk run has made them (001.png): add --overwrite to replace them, or "
        "name another folder."
    )
    assert run(manifest, "-o", out, "--overwrite") == 0
    assert (out / "001.png").read_bytes() != b"precious"


def test_output_under_a_file(refuses: Refuses, manifest: Path, tmp_path: Path) -> None:
    said = refuses(manifest, "-o", manifest / "out", status=1)
    assert said == f"{manifest}/out cannot be a folder because {manifest} is a file: name another output."


def test_wrong_settings(refuses: Refuses, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "There is no model named 'nonono'" in refuses(manifest, "-o", out, status=2, model="nonono")
    assert "choose from" in refuses(manifest, "-o", out, "--polarity", "pink", status=2)
    assert not out.exists()


def test_disk_full(run: Callable[..., int], manifest: Path, scheme: Any, capsys: pytest.CaptureFixture[str]) -> None:
    class Filling(MemoryFileSystem):
        """Room for the small files of the journal, and for one picture."""

        protocol = "filling"

        def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
            super().pipe_file(path, value, mode, **options)
            pictures = [name for name in self.store if ".png" in name]
            if len(pictures) > 1:
                raise OSError(errno.ENOSPC, "No space left on device")

    scheme(Filling)
    assert run(manifest, "-o", "filling://out") == 1
    said = capsys.readouterr()
    assert "1 of 3 pairs fused" in said.out
    full = "cannot be written (No space left on device): check the space and the connection."
    assert said.err.count(full) == 2
    assert len([name for name in Filling.store if ".png" in name]) == 1, "nothing half-written"


def test_no_room_for_records(
    run: Callable[..., int], manifest: Path, scheme: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(MemoryFileSystem):
        """Nothing can be written down any more."""

        protocol = "full"

        def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
            super().pipe_file(path, value, mode, **options)
            if "/parts/" in path and ".json" in path:
                raise OSError(errno.ENOSPC, "No space left on device")

    scheme(Full)
    assert run(manifest, "-o", "full://out") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "/_distilfuse/parts/" in said.err
    assert "cannot be written (No space left on device)" in said.err
    assert [name for name in Full.store if ".part" in name and "/parts/" not in name] == []
    fsspec.register_implementation("full", type("Room", (MemoryFileSystem,), {"protocol": "full"}), clobber=True)
    files._files.cache_clear()
    assert run(manifest, "-o", "full://out") == 0, "what was made, but not written down, is ours"
    assert "3 of 3 pairs fused" in capsys.readouterr().out

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from distilfuse.errors import InputError, MissingDependencyError, OutputError
from distilfuse.workflows.bulk import files, remote_files
from distilfuse.workflows.bulk.files import files_of, stamps_of


class FullDisk(MemoryFileSystem):
    """Writes half of a file, and then the disk is full."""

    protocol = "fulldisk"
    store: dict[str, Any] = {}  # noqa: RUF012 - as its base has it
    pseudo_dirs = [""]  # noqa: RUF012

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        super().pipe_file(path, value[: len(value) // 2], mode, **options)
        raise OSError(errno.ENOSPC, "No space left on device")


class Silent(MemoryFileSystem):
    """A server that does not answer."""

    protocol = "silent"

    def info(self, path: str, **options: Any) -> Any:
        raise ConnectionError("Could not connect to\n the endpoint.")

    cat_file = find = ls = pipe_file = info


@pytest.fixture(autouse=True)
def schemes() -> Iterator[None]:
    for system in (FullDisk, Silent):
        fsspec.register_implementation(system.protocol, system, clobber=True)
    files._files.cache_clear()
    yield
    for store in (MemoryFileSystem.store, FullDisk.store):
        store.clear()


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "top") if request.param == "local" else "memory://top"


def test_a_file_comes_back(folder: str) -> None:
    place = f"{folder}/deep/er/a.bin"
    there = files_of(place)
    assert there.stamp(place) is None
    assert there.find(folder) == []
    there.write(place, b"abc")
    there.write(place, b"abcd")
    there.write(f"{folder}/deep/b", b"")
    assert there.read(place) == b"abcd"
    assert there.find(folder) == [f"{folder}/deep/b", place], "and nothing else is left"
    there.remove(f"{folder}/deep/er")
    there.remove(f"{folder}/deep/er")
    assert there.find(folder) == [f"{folder}/deep/b"]
    with pytest.raises(InputError, match=r"a\.bin does not exist: check the name\.$"):
        there.read(place)


def test_stamps_are_the_same_one_by_one_and_together(folder: str) -> None:
    places = [f"{folder}/{name}" for name in ("a", "b", "sub/c")]
    there = files_of(folder)
    for place in places:
        there.write(place, place.encode())
    together = stamps_of([*places, f"{folder}/missing", f"{folder}/sub", f"{folder}/none/d", f"{folder}/none/e"])
    assert together == {place: there.stamp(place) for place in places}
    assert [stamp.size for stamp in together.values()] == [len(place) for place in places]


def test_a_stamp_tells_change(folder: str) -> None:
    place = f"{folder}/a"
    there = files_of(place)
    there.write(place, b"abc")
    before = there.stamp(place)
    there.write(place, b"abd")
    assert there.stamp(place) != before


def test_a_full_disk_leaves_nothing() -> None:
    with pytest.raises(OutputError) as caught:
        files_of("fulldisk://").write("fulldisk://out/a.png", b"abcdef")
    assert str(caught.value) == (
        "fulldisk://out/a.png cannot be written (No space left on device): check the space and the connection."
    )
    assert FullDisk.store == {}


def test_a_server_that_does_not_answer() -> None:
    there = files_of("silent://")
    for call in (there.read, there.stamp, there.find):
        with pytest.raises(InputError) as caught:
            call("silent://bucket/a")
        assert str(caught.value) == (
            "silent://bucket/a cannot be read (Could not connect to the endpoint): check the name and the connection."
        )
    with pytest.raises(OutputError, match="cannot be written"):
        there.write("silent://bucket/a", b"")
    with pytest.raises(InputError, match="cannot be read"):
        stamps_of(["silent://bucket/a", "silent://bucket/b"])


def test_unknown_scheme() -> None:
    with pytest.raises(InputError) as caught:
        files_of("s4://bucket/a.png")
    assert str(caught.value) == ("The scheme s4:// is not known: give paths, s3://, gs:// or another scheme of fsspec.")


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(protocol: str) -> Any:
        raise ImportError(f"Install the library of {protocol}.")

    monkeypatch.setattr(fsspec, "get_filesystem_class", absent)
    for place, said in (
        ("s3://bucket", "s3:// needs s3fs, which is not installed: pip install s3fs"),
        ("gs://bucket", "gs:// needs gcsfs, which is not installed: pip install gcsfs"),
        ("oci://b", "oci:// needs a library, which is not installed: Install the library of oci"),
    ):
        with pytest.raises(MissingDependencyError) as caught:
            files_of(place)
        assert str(caught.value) == said


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[bulk\]'"):
        files_of("memory://a")
    files_of(str(tmp_path)).write(str(tmp_path / "a"), b"paths need no library")


def test_a_local_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be made"):
        files_of("").write(str(tmp_path / "file" / "deep" / "a"), b"")
    assert files_of("").stamp(str(tmp_path / "file" / "a")) is None


def test_object_stores_are_written_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    class Store(MemoryFileSystem):
        def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
            calls.append(path)

        mv = makedirs = None

    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda place: (Store(), place.removeprefix("s3://")))
    monkeypatch.setattr(remote_files, "_class_of", lambda scheme: Store)
    remote_files.RemoteFiles("s3").write("s3://bucket/a.png", b"abc")
    assert calls == ["bucket/a.png"]

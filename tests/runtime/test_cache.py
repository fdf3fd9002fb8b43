from __future__ import annotations

import sys
from pathlib import Path

import pytest

from distilfuse.runtime.cache import cache_folder, made_folder, recall, remember


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DISTILFUSE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("linux", ".cache/distilfuse"),
        ("darwin", "Library/Caches/distilfuse"),
        ("win32", "AppData/Local/distilfuse"),
    ],
)
def test_every_system_has_its_place(system: str, place: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert cache_folder() == home / place
    monkeypatch.setenv("LOCALAPPDATA", str(home / "local"))
    assert cache_folder() == (home / "local" / "distilfuse" if system == "win32" else home / place)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert cache_folder().is_absolute()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    assert cache_folder() == home / "xdg" / "distilfuse"
    monkeypatch.setenv("DISTILFUSE_CACHE", str(home / "own"))
    assert cache_folder() == home / "own"


def test_what_is_remembered_is_recalled(home: Path) -> None:
    assert recall("backends/a.json") == {}
    remember("backends/a.json", {"backend": "openvino"})
    remember("backends/a.json", {"backend": "onnxruntime"})
    assert recall("backends/a.json") == {"backend": "onnxruntime"}
    assert [path.name for path in (cache_folder() / "backends").iterdir()] == ["a.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b"null"])
def test_damage_is_as_if_nothing_was_kept(content: bytes, home: Path) -> None:
    remember("a.json", {"backend": "openvino"})
    (cache_folder() / "a.json").write_bytes(content)
    assert recall("a.json") == {}
    remember("a.json", {"backend": "openvino"})
    assert recall("a.json") == {"backend": "openvino"}


def test_a_cache_that_cannot_be_written_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_bytes(b"")
    monkeypatch.setenv("DISTILFUSE_CACHE", str(home / "file"))  # a file where the folder should be
    remember("a.json", {"backend": "openvino"})
    assert recall("a.json") == {}
    assert made_folder("tensorrt") is None


def test_no_home_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    remember("a.json", {"backend": "openvino"})
    assert recall("a.json") == {}
    assert made_folder("tensorrt") is None

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.datasets import download as downloading
from distilfuse.datasets.catalogue import DATASETS
from distilfuse.datasets.splits import listed_pairs
from distilfuse.errors import DistilfuseError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["distilfuse", "data", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for folder in ("vi", "ir"):
        (tmp_path / "own" / folder).mkdir(parents=True)
        for name in ("1", "2"):
            Image.new("L", (5, 4), int(name)).save(tmp_path / "own" / folder / f"{name}.png")
    return tmp_path / "own"


def test_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert run(monkeypatch, "list") == 0
    said = capsys.readouterr().out
    for name in DATASETS:
        assert f" {name} " in said
    assert "train 171, test 50" in said


@pytest.mark.parametrize("name", DATASETS)
def test_info(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert run(monkeypatch, "info", name) == 0
    said = capsys.readouterr().out
    record = DATASETS[name]
    for fact in (record.title, record.a, record.b, record.page, record.get, record.terms, record.use):
        assert fact in said
    assert ("distilfuse data download" in said) == bool(record.remote)


def test_a_set_that_is_whole(own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert run(monkeypatch, "check", "folder", own) == 0
    said = capsys.readouterr()
    assert f"folder: two folders (vi and ir) in {own}" in said.out
    assert "2 pairs looked at, 0 of them with listed checksums: all well." in said.out
    assert said.err == ""


def test_faults_are_counted_named_and_end_with_one(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (own / "vi/1.png").write_bytes(b"no picture")
    Image.new("L", (5, 5)).save(own / "ir/2.png")
    assert run(monkeypatch, "check", "folder", own) == 1
    said = capsys.readouterr().out
    assert "1 corrupted (cannot be decoded):" in said
    assert str(own / "vi/1.png") in said
    assert "1 sizes differ (the two of a pair differ in size):" in said
    assert "2: 5x4 and 5x5" in said
    assert "2 pairs looked at, 0 of them with listed checksums: 2 problems." in said


def test_long_lists_are_cut(own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    (own.parent / "roadscene").mkdir()
    own.rename(own.parent / "roadscene" / "data")
    assert run(monkeypatch, "check", "roadscene", own.parent / "roadscene" / "data") == 1
    said = capsys.readouterr().out
    assert "442 missing (listed, but not there):" in said
    assert "and 422 more" in said
    assert "2 extra" in said


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("info", "vifb"), 2, "There is no data set named 'vifb': choose from msrs"),
        (("check", "msrs", "nowhere"), 2, "nowhere does not exist: check the path of the data set"),
        (("check", "msrs", "."), 2, "holds no msrs in a layout that is known"),
        (("check", "folder", "own", "--split", "test"), 2, "leave the split out"),
        (("download", "m3fd", "."), 2, "m3fd has no direct public address: follow the Google Drive"),
        (("download", "msrs", ".", "--split", "train"), 2, "'msrs' has no 'train' split"),
    ],
)
def test_wrong_input_ends_in_one_sentence(
    own: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    arguments: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(own.parent)
    assert run(monkeypatch, *arguments) == status
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_download_fetches_what_is_listed_and_states_the_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    asked: list[str] = []

    def fetch(file: downloading.RemoteFile, *, pause: float) -> None:
        asked.append(file.url)
        if file.target.name == "190001.jpg":
            raise downloading.InputError(f"{file.url} cannot be fetched (404 Not Found).")
        file.target.parent.mkdir(parents=True, exist_ok=True)
        file.target.write_bytes(b"as if")

    monkeypatch.setattr(downloading, "fetch", fetch)
    assert run(monkeypatch, "download", "llvip", tmp_path) == 1
    said = capsys.readouterr()
    assert DATASETS["llvip"].terms in said.out
    assert "86 files fetched, 0 were there, 2 failed" in said.out
    assert said.err.count("404 Not Found") == 2
    assert len(asked) == 88 == 2 * len(listed_pairs("llvip"))
    assert (tmp_path / "llvip/vi/010001.jpg").is_file()


def test_a_download_without_a_line_ends_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fetch(file: downloading.RemoteFile, *, pause: float) -> None:
        raise DistilfuseError(f"{file.url} cannot be fetched (no route): check the connection.")

    monkeypatch.setattr(downloading, "fetch", fetch)
    assert run(monkeypatch, "download", "msrs", tmp_path) == 1
    said = capsys.readouterr().err
    assert "no route" in said
    assert said.count("\n") == 1


def test_a_second_download_leaves_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    content = b"a picture"
    file = downloading.RemoteFile("http://127.0.0.1:9/none", tmp_path / "x.png", hashlib.sha256(content).hexdigest())
    file.target.write_bytes(content)
    monkeypatch.setattr(downloading, "plan_download", lambda record, folder, split: (file,))
    assert run(monkeypatch, "download", "msrs", tmp_path) == 0
    assert "0 files fetched, 1 were there, 0 failed" in capsys.readouterr().out


def test_real_sets_are_whole(shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert run(monkeypatch, "check", "tno", shared_data) == 0
    assert "21 pairs looked at, 21 of them with listed checksums: all well." in capsys.readouterr().out

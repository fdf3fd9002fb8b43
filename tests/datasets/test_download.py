"""Downloads from a server on this machine that misbehaves in the ways that servers and lines do."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from distilfuse.datasets.catalogue import DATASETS, find_dataset
from distilfuse.datasets.download import RemoteFile, download, fetch, plan_download
from distilfuse.errors import ConfigError, DistilfuseError, InputError, OutputError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; ``mood`` says how."""

    mood = "well"
    breaks = 0
    """How many times a connection still breaks off in the middle."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        """The Range of each request."""

    def url(self, name: str = "file.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        mood = self.server.mood
        if mood == "404":
            self.send_error(404)
            return
        if mood == "503 once":
            self.server.mood = "well"
            self.send_error(503)
            return
        content = CONTENT[::-1] if mood == "other bytes" else CONTENT
        start = 0
        if wanted and mood != "ignores Range":
            start = int(re.match(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
            if start >= len(content):
                self.send_error(416)
                return
        if mood == "other range":
            start = max(0, start - 7)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if mood == "announces only":
            return
        if self.server.breaks:
            self.server.breaks -= 1
            self.wfile.write(content[start : start + len(content) // 3])
            return  # fewer bytes than announced
        self.wfile.write(content[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def file(server: Server, tmp_path: Path) -> RemoteFile:
    return RemoteFile(server.url(), tmp_path / "deep" / "file.bin", SHA256)


def part_of(file: RemoteFile) -> Path:
    return file.target.with_name(".file.bin.part")


def test_a_file_is_fetched_and_checked(file: RemoteFile) -> None:
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT
    assert list(file.target.parent.iterdir()) == [file.target]


def test_a_line_that_breaks_off_is_taken_up_where_it_broke(server: Server, file: RemoteFile) -> None:
    server.breaks = 2
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT
    third = len(CONTENT) // 3
    assert server.asked == [None, f"bytes={third}-", f"bytes={2 * third}-"]


def test_a_line_that_always_breaks_off_leaves_its_part_for_the_next_time(server: Server, file: RemoteFile) -> None:
    part_of(file).parent.mkdir()
    part_of(file).write_bytes(CONTENT[:1000])

    server.mood = "announces only"
    with pytest.raises(DistilfuseError, match=r"cannot be fetched \(broke off after 0 of .* goes on where"):
        fetch(file, pause=0)
    assert len(server.asked) == 5
    assert not file.target.exists()
    assert part_of(file).read_bytes() == CONTENT[:1000]
    server.mood = "well"
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT


def test_a_server_that_ignores_range_is_begun_anew(server: Server, file: RemoteFile) -> None:
    server.mood = "ignores Range"
    server.breaks = 1
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT


def test_a_server_that_sends_another_range_is_begun_anew(server: Server, file: RemoteFile) -> None:
    server.mood = "other range"
    server.breaks = 1
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT


def test_a_part_that_is_complete_already(server: Server, file: RemoteFile) -> None:
    part_of(file).parent.mkdir()
    part_of(file).write_bytes(CONTENT)
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("rubbish", [b"x" * 100, b"x" * (len(CONTENT) + 5)])
def test_a_part_of_something_else_is_thrown_away(file: RemoteFile, rubbish: bytes) -> None:
    part_of(file).parent.mkdir()
    part_of(file).write_bytes(rubbish)
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT


def test_wrong_bytes_are_not_kept(server: Server, file: RemoteFile) -> None:
    server.mood = "other bytes"
    with pytest.raises(InputError, match="holds other bytes than listed"):
        fetch(file, pause=0)
    assert list(file.target.parent.iterdir()) == []
    assert len(server.asked) == 1


def test_what_the_server_does_not_have_is_not_asked_for_again(server: Server, file: RemoteFile) -> None:
    server.mood = "404"
    with pytest.raises(InputError, match=r"cannot be fetched \(404 Not Found"):
        fetch(file, pause=0)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server: Server, file: RemoteFile) -> None:
    server.mood = "503 once"
    fetch(file, pause=0)
    assert file.target.read_bytes() == CONTENT


def test_no_server_at_all(tmp_path: Path) -> None:
    with Server() as gone:
        url = gone.url()
    with pytest.raises(DistilfuseError, match=r"cannot be fetched .*check the connection") as caught:
        fetch(RemoteFile(url, tmp_path / "file.bin", SHA256), pause=0)
    assert not isinstance(caught.value, InputError | OutputError)


def test_a_place_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(RemoteFile(server.url(), tmp_path / "taken" / "file.bin", SHA256), pause=0)


# --- many files ---------------------------------------------------------------------------------


def test_what_is_there_is_left_alone_and_what_fails_is_told(server: Server, tmp_path: Path) -> None:
    files = tuple(RemoteFile(server.url(name), tmp_path / name, SHA256) for name in ("there", "altered", "new"))
    (tmp_path / "there").write_bytes(CONTENT)
    (tmp_path / "altered").write_bytes(b"mine")
    outcomes = list(download(files, pause=0))
    assert [outcome.state for outcome in outcomes] == ["there", "failed", "fetched"]
    assert "exists with other bytes than listed: move it away" in str(outcomes[1].error)
    assert (tmp_path / "altered").read_bytes() == b"mine"
    assert len(server.asked) == 1


def test_one_missing_file_does_not_stop_the_others(server: Server, tmp_path: Path) -> None:
    files = (RemoteFile(server.url("a"), tmp_path / "a", "0" * 64), RemoteFile(server.url("b"), tmp_path / "b", SHA256))
    assert [outcome.state for outcome in download(files, pause=0)] == ["failed", "fetched"]


# --- what there is to fetch ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, record in DATASETS.items() if record.remote])
def test_every_listed_file_has_an_address_of_its_own(name: str, tmp_path: Path) -> None:
    files = plan_download(find_dataset(name), tmp_path)
    assert len({file.url for file in files}) == len({file.target for file in files}) == len(files)
    for file in files:
        assert file.url.startswith("https://raw.githubusercontent.com/")
        assert "{" not in file.url
        assert Path(file.url).name == file.target.name
        assert file.target.is_relative_to(tmp_path / find_dataset(name).listed)


def test_addresses_by_hand(tmp_path: Path) -> None:
    def urls(name: str, split: str | None = None) -> set[str]:
        return {
            file.url.split("githubusercontent.com/")[1] for file in plan_download(find_dataset(name), tmp_path, split)
        }

    assert "bupt-ai-cz/LLVIP/main/FusionGAN/Train_LLVIP_ir/010001.jpg" in urls("llvip")
    assert "bupt-ai-cz/LLVIP/main/FusionGAN/Test_LLVIP_vi/190001.jpg" in urls("llvip")
    assert any(url.endswith("/MyDatasets/CT-MRI/test/CT/16009.png") for url in urls("ct-mri", "test"))
    assert any(url.endswith("/MyDatasets/SPECT-MRI/train/MRI/10007.png") for url in urls("harvard-spect-mri"))
    assert any(url.endswith("/test/vi/00004N.png") for url in urls("msrs"))
    assert any(url.endswith("/cropinfrared/FLIR_00006.jpg") for url in urls("roadscene"))
    assert len(urls("roadscene", "test")) == 100


@pytest.mark.parametrize("name", ["m3fd", "tno"])
def test_sets_without_an_address_say_how_to_get_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{name} has no direct public address: .*https://"):
        plan_download(find_dataset(name), tmp_path)


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'msrs' has no 'train' split"):
        plan_download(find_dataset("msrs"), tmp_path, "train")

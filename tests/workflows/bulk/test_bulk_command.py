"""The whole way on this machine: results, records, and what a second run does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from distilfuse.fuser import Fuser
from distilfuse.workflows.bulk.records import content_digest
from distilfuse.workflows.files import fuse_files, plan_files

Run = Callable[..., int]
Make = Callable[..., Any]
Done = Callable[[Path], list[dict[str, Any]]]
Start = Callable[..., subprocess.Popen[str]]
Loose = Callable[[Path], dict[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def empty_memory() -> Iterator[None]:
    MemoryFileSystem.store.clear()
    yield
    MemoryFileSystem.store.clear()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def fused_alone(pairs: list[tuple[Path, Path]], folder: Path, model: str) -> dict[str, bytes]:
    """What ``distilfuse fuse`` makes of each pair."""
    folder.mkdir()
    fuser = Fuser.from_pretrained(model, backend="onnxruntime", threads=1)
    for visible, infrared in pairs:
        fuse_files(fuser, plan_files(visible, infrared, folder / visible.name))
    return contents(folder)


def test_local_files(
    run: Run,
    make_pairs: Make,
    make_manifest: Make,
    done: Done,
    model: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs, out = make_pairs(5), tmp_path / "deep" / "out"
    assert run(make_manifest(pairs), "-o", out) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith(f"{out}: 5 of 5 pairs fused in ")
    assert said.out.endswith(" pairs/s) by maximum-luminance on CPU (onnxruntime, 1 thread)\n")
    assert contents(out) == fused_alone(pairs, tmp_path / "alone", model)
    records = done(out)
    assert [record["name"] for record in records] == [f"{index:03d}.png" for index in range(5)]
    for record, (visible, infrared) in zip(records, pairs, strict=True):
        assert (record["state"], record["picture"], record["kept"]) == ("fused", "7x9", False)
        for source, path in ((record["visible"], visible), (record["infrared"], infrared)):
            assert source["place"] == str(path)
            assert source["digest"] == content_digest(path.read_bytes())
        written = (out / record["name"]).read_bytes()
        assert (record["size"], record["digest"]) == (len(written), content_digest(written))
    assert sorted(path.name for path in (out / "_distilfuse").iterdir()) == ["done.jsonl"], "all is gathered"


def test_urls(run: Run, make_pairs: Make, model: str, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    pairs = make_pairs(3)
    rows = []
    for visible, infrared in pairs:
        memory.pipe_file(f"/in/v/{visible.name}", visible.read_bytes())
        memory.pipe_file(f"/in/i/{infrared.name}", infrared.read_bytes())
        rows.append({"visible": f"v/{visible.name}", "infrared": f"memory://in/i/{infrared.name}"})
    memory.pipe_file("/in/m.jsonl", "\n".join(map(json.dumps, rows)).encode())
    for _ in range(2):
        assert run("memory://in/m.jsonl", "-o", "memory://out") == 0
    alone = fused_alone(pairs, tmp_path / "alone", model)
    assert {name: memory.cat_file(f"/out/{name}") for name in alone} == alone
    assert sorted(memory.find("/out")) == [
        "/out/000.png",
        "/out/001.png",
        "/out/002.png",
        "/out/_distilfuse/done.jsonl",
    ]


def test_pictures_from_a_web_server(
    run: Run, make_pairs: Make, make_manifest: Make, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    pairs, out = make_pairs(2), tmp_path / "out"
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "in")))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        site = f"http://127.0.0.1:{serving.server_port}"
        rows = [(f"{site}/v/{visible.name}?token=1", f"{site}/i/{infrared.name}") for visible, infrared in pairs]
        manifest = make_manifest([*rows, (f"{site}/v/none.png", f"{site}/i/none.png")])
        assert run(manifest, "-o", out) == 1
        assert f"none.png failed: {site}/v/none.png does not exist: check the name.\n" in capsys.readouterr().err
        assert contents(out) == fused_alone(pairs, tmp_path / "alone", model)
        assert run(manifest, "-o", out) == 1
        said = capsys.readouterr()
        assert "2 of 3 are finished already" in said.err
        assert "nothing to do" in said.out
    finally:
        serving.shutdown()
        serving.server_close()


def test_a_second_run_repeats_nothing(
    run: Run, make_pairs: Make, make_manifest: Make, done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, manifest = tmp_path / "out", make_manifest(make_pairs(4))
    assert run(manifest, "-o", out) == 0
    before, times = done(out), {path: path.stat().st_mtime_ns for path in out.iterdir()}
    capsys.readouterr()
    assert run(manifest, "-o", out) == 0
    said = capsys.readouterr()
    assert said.err == "4 of 4 are finished already\n"
    assert said.out == f"{out}: nothing to do\n"
    assert done(out) == before
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == times


def test_what_changed_is_made_again(
    run: Run,
    make_pairs: Make,
    make_manifest: Make,
    done: Done,
    model: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs, out = make_pairs(6), tmp_path / "out"
    manifest = make_manifest(pairs)
    assert run(manifest, "-o", out) == 0
    first = {record["name"]: record for record in done(out)}
    Image.fromarray(np.full((9, 7), 200, np.uint8)).save(pairs[0][1])  # another content
    os.utime(pairs[1][0], ns=(0, 0))  # touched
    (out / "002.png").unlink()
    (out / "003.png").write_bytes(b"cut")
    capsys.readouterr()
    assert run(manifest, "-o", out) == 0
    said = capsys.readouterr()
    assert said.err == "2 of 6 are finished already\n"
    assert "4 of 4 pairs fused (1 stayed, as their pictures hold what they held) in" in said.out
    assert contents(out) == fused_alone(pairs, tmp_path / "alone", model)
    second = {record["name"]: record for record in done(out)}
    assert [name for name in first if second[name] != first[name]] == ["000.png", "001.png", "002.png", "003.png"]
    assert [name for name in first if second[name]["kept"]] == ["001.png"]
    assert run(manifest, "-o", out) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert run(manifest, "-o", out, "--ir-strength", "1") == 0, "other settings"
    assert "6 of 6 pairs fused in" in capsys.readouterr().out


def test_failures_are_rows(
    run: Run,
    make_pairs: Make,
    make_manifest: Make,
    done: Done,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs, out = make_pairs(5), tmp_path / "out"
    manifest = make_manifest(pairs)
    moved = pairs[1][1].rename(tmp_path / "moved.png")
    pairs[2][0].write_bytes(b"no picture")
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(pairs[3][1])
    assert run(manifest, "-o", out) == 1
    said = capsys.readouterr()
    assert f"001.png failed: {pairs[1][1]} does not exist: check the name.\n" in said.err
    assert f"002.png failed: {pairs[2][0]} is not a picture that can be read: convert it to PNG.\n" in said.err
    assert f"003.png failed: {pairs[3][0]} is 7x9 pixels but {pairs[3][1]} is 4x3: resize one" in said.err
    assert said.err.endswith("3 of 5 pairs failed: 001.png, 002.png, 003.png\n")
    assert "2 of 5 pairs fused in" in said.out
    assert sorted(contents(out)) == ["000.png", "004.png"]
    assert [record["state"] for record in done(out)] == ["fused", "failed", "failed", "failed", "fused"]
    assert run(manifest, "-o", out) == 1, "they are still missing"
    said = capsys.readouterr()
    assert said.out == f"{out}: nothing to do\n"
    assert said.err.endswith("3 pairs failed before: 001.png, 002.png, 003.png (--retry-failed tries again)\n")
    moved.rename(pairs[1][1])
    assert run(manifest, "-o", out) == 1
    said = capsys.readouterr()
    assert "1 of 1 pair fused in" in said.out, "its picture is there now"
    assert "2 pairs failed before: 002.png, 003.png" in said.err
    assert run(manifest, "-o", out, "--retry-failed") == 1
    assert "0 of 2 pairs fused in" in capsys.readouterr().out


def test_warnings_name_the_places_that_users_know(
    run: Run, make_manifest: Make, make_pairs: Make, done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((visible, infrared),) = make_pairs(1)
    Image.fromarray(np.full((9, 7), 700, np.uint16)).save(infrared)
    assert run(make_manifest([(visible, infrared)]), "-o", tmp_path / "out") == 0
    assert "000.png: The infrared picture has the value 700 everywhere" in capsys.readouterr().err
    (record,) = done(tmp_path / "out")
    assert len(record["warnings"]) == 1


def test_the_polarity_is_guessed_once(
    run: Run, make_manifest: Make, done: Done, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data / "msrs"
    names = sorted(path.name for path in (folder / "ir").glob("*D.png"))[:6]
    if not names:
        pytest.skip("the MSRS pairs (../shared/data/msrs) are not on this machine")
    inverted = tmp_path / "ir"
    inverted.mkdir()
    for name in names:
        Image.fromarray(255 - np.asarray(Image.open(folder / "ir" / name).convert("L"))).save(inverted / name)
    manifest = make_manifest([(folder / "vi" / name, inverted / name) for name in names])
    assert run(manifest, "-o", tmp_path / "out", "--polarity", "auto") == 0
    assert "Polarity: black" in capsys.readouterr().err
    assert run(manifest, "-o", tmp_path / "out", "--polarity", "black") == 0
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed as Unix does it")
def test_a_killed_run_goes_on(
    start: Start, loose: Loose, make_pairs: Make, make_manifest: Make, done: Done, tmp_path: Path
) -> None:
    pairs, out = make_pairs(40, (240, 320)), tmp_path / "out"
    arguments = make_manifest(pairs), "-o", out
    running = start(*arguments)
    deadline = time.monotonic() + 60
    while len(contents(out)) < 8:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    first = {name: (out / name).stat().st_mtime_ns for name in loose(out)}
    assert 5 <= len(first) < 40, "killed in the middle"
    again = start(*arguments)
    said, complaints = again.communicate(timeout=120)
    assert again.returncode == 0, complaints
    assert f"{len(first)} of 40 are finished already" in complaints
    assert f"{40 - len(first)} of {40 - len(first)} pairs fused" in said
    records = done(out)
    assert sorted(record["name"] for record in records) == [visible.name for visible, _ in pairs], "each pair once"
    assert {name: (out / name).stat().st_mtime_ns for name in first} == first, "nothing was made twice"
    assert len(contents(out)) == 40
    assert [path.name for path in out.iterdir() if path.suffix == ".part"] == []
    assert all(content_digest((out / record["name"]).read_bytes()) == record["digest"] for record in records)


@pytest.mark.skipif(sys.platform == "win32", reason="a process is sent SIGINT as Ctrl-C does on Unix")
def test_ctrl_c_keeps_what_is_done(
    start: Start, loose: Loose, make_pairs: Make, make_manifest: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    running = start(make_manifest(make_pairs(40, (240, 320))), "-o", out)
    deadline = time.monotonic() + 60
    while len(contents(out)) < 3:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, complaints = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in complaints
    assert sorted(loose(out)) == sorted(contents(out))
    assert 0 < len(contents(out)) < 40

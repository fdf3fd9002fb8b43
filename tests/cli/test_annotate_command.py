"""``distilfuse annotate``: captions of a folder's pairs, continued where it stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.cli.main import main


@pytest.fixture
def road(tmp_path: Path) -> Path:
    """Three made pairs, one of them dark, and a visible picture without counterpart."""
    rng = np.random.default_rng(0)
    for folder in ("vi", "ir"):
        (tmp_path / folder).mkdir()
    for name, light in (("a", 1.0), ("b", 0.08), ("c", 1.0)):
        coarse = (rng.integers(90, 256, (12, 16, 3)) * light).astype(np.uint8)
        Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC).save(tmp_path / "vi" / f"{name}.png")
        Image.fromarray(rng.integers(0, 256, (12, 16), np.uint8)).resize((96, 72)).save(tmp_path / "ir" / f"{name}.png")
    Image.fromarray(coarse).save(tmp_path / "vi" / "lone.png")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, road: Path, *words: object) -> int:
    command = ["distilfuse", "annotate", road / "vi", road / "ir", "-o", road / "captions.jsonl", *words]
    monkeypatch.setattr("sys.argv", [str(word) for word in command])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def captions(road: Path) -> dict[str, dict[str, object]]:
    lines = (road / "captions.jsonl").read_text("utf-8").splitlines()
    return {json.loads(line)["pair"]: json.loads(line) for line in lines}


def test_statistics_describe_what_is_there(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, road, "--set", "road") == 0
    said = capsys.readouterr()
    assert "lone" in said.out + said.err
    found = captions(road)
    assert sorted(found) == ["road/a", "road/b", "road/c"]
    kinds = {pair: {event["type"] for event in caption["events"]} for pair, caption in found.items()}  # type: ignore[attr-defined]
    assert "low_light" in kinds["road/b"]
    assert "low_light" not in kinds["road/a"]


def test_a_second_call_continues(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (road / "ir" / "c.png").rename(road / "later.png")
    run(monkeypatch, road)
    before = (road / "captions.jsonl").read_bytes()
    (road / "later.png").rename(road / "ir" / "c.png")
    assert run(monkeypatch, road) == 0
    after = (road / "captions.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == before.count(b"\n") + 1


def test_a_damaged_pair_is_named_and_the_others_are_done(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (road / "vi" / "b.png").write_bytes(b"no picture")
    assert run(monkeypatch, road, "--set", "road") == 1
    assert "b.png" in capsys.readouterr().err
    assert sorted(captions(road)) == ["road/a", "road/c"]


def test_captions_of_another_annotator_are_not_continued(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, road)
    path = road / "captions.jsonl"
    path.write_text(path.read_text("utf-8").replace("statistics-1", "somebody"), "utf-8")
    capsys.readouterr()
    assert run(monkeypatch, road) == 2
    assert "somebody" in capsys.readouterr().err


def test_agreement_with_a_file(road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, road)
    (road / "copy.jsonl").write_bytes((road / "captions.jsonl").read_bytes())
    (road / "captions.jsonl").unlink()
    capsys.readouterr()
    assert run(monkeypatch, road, "--against", road / "copy.jsonl") == 0
    assert "1.00" in capsys.readouterr().out


def test_another_annotator_takes_over_with_overwrite(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (road / "answers").mkdir()
    for name in "abc":
        (road / "answers" / f"{name}.txt").write_text("Event Type: Haze\nDescription: Milky.\n")
    (road / "answers" / "c.txt").write_text("I see nothing.")
    run(monkeypatch, road, "--set", "road")
    take = ("--set", "road", "--annotator", "file", "--from", road / "answers")
    assert run(monkeypatch, road, *take) == 2
    assert "write to another file, or add --overwrite" in capsys.readouterr().err
    assert run(monkeypatch, road, *take, "--overwrite") == 0
    said = capsys.readouterr()
    assert "3 of 3 pairs described by file:answers" in said.out
    assert "1 answers could not be read in full" in said.err
    assert "road/c" in said.err
    assert captions(road)["road/a"]["annotator"] == "file:answers"
    (road / "answers" / "b.txt").unlink()
    assert run(monkeypatch, road, *take, "--overwrite") == 1
    assert "1 of 3 pairs failed: road/b" in capsys.readouterr().err
    assert run(monkeypatch, road, *take) == 1
    assert "0 of 3 pairs described by file:answers, 2 had been before" in capsys.readouterr().out


def test_a_torn_line_is_said_and_done_again(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, road)
    path = road / "captions.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert run(monkeypatch, road) == 0
    assert "The last line of" in capsys.readouterr().err
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--annotator", "file"), "name a JSONL file or a folder with --from"),
        (("--annotator", "openai"), "give it with --model"),
        (("--annotator", "oracle"), "'oracle' is not one of"),
        (("--against", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
    ],
)
def test_wrong_options_are_said_before_any_work(
    road: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(monkeypatch, road, *words) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (road / "captions.jsonl").exists()


def test_agreement_with_the_packaged_captions(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, road, "--set", "road", "--against", "packaged") == 0
    assert "No pair is in both (here road/" in capsys.readouterr().err
    (road / "captions.jsonl").unlink()
    for folder in ("vi", "ir"):
        (road / folder / "a.png").rename(road / folder / "FLIR_00006.png")
    assert run(monkeypatch, road, "--set", "roadscene", "--against", "packaged") == 0
    assert "Agreement over 1 pair:\nevent" in capsys.readouterr().out


class Endpoint:
    """Answers every request with one status; after so many quick ones only when it is told to stop."""

    def __init__(self, status: int = 200, quick: int = 100) -> None:
        self.asked = 0
        self.stop = threading.Event()
        outer, lock = self, threading.Lock()
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Event: Haze"}}
        failure = {"error": {"message": "Wrong key."}}
        data = json.dumps(failure if status != 200 else {"id": "1", "choices": [choice]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    outer.asked += 1
                    late = outer.asked > quick
                if late:
                    outer.stop.wait(60)
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    pytest.importorskip("openai", reason="openai is not installed (pip install 'distilfuse[text]')")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = Endpoint(**request.param)
    yield running
    running.stop.set()
    running.server.shutdown()
    running.server.server_close()


@pytest.mark.parametrize("endpoint", [{"status": 401}], indirect=True)
def test_a_wrong_key_stops_at_once(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], endpoint: Endpoint
) -> None:
    asks = ("--annotator", "openai", "--model", "m", "--base-url", endpoint.url, "--concurrency", 1)
    assert run(monkeypatch, road, *asks) == 2
    said = capsys.readouterr().err
    assert "answers 401 (Wrong key): check the key" in said
    assert "Traceback" not in said
    assert endpoint.asked == 1


@pytest.mark.parametrize("endpoint", [{"quick": 1}], indirect=True)
def test_ctrl_c_keeps_what_is_done_and_waits_for_nobody(road: Path, endpoint: Endpoint) -> None:
    out = road / "captions.jsonl"
    # A shell's background jobs ignore Ctrl-C, and so would a test that runs in one.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from distilfuse.cli.main import main; main()"
    asks = ("--annotator", "openai", "--model", "m", "--base-url", endpoint.url, "--set", "road")
    command = [sys.executable, "-c", code, "annotate", road / "vi", road / "ir", "-o", out, *asks]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not (out.is_file() and out.read_bytes().endswith(b"\n")):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 130
    assert f"Stopped: 1 captions are in {out}; the same command goes on from there." in said
    assert "Traceback" not in said
    assert len(captions(road)) == 1

"""The endpoint annotator, through the real client, against a small server on loopback that also misbehaves."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from distilfuse.errors import DistilfuseError
from distilfuse.text.annotators.annotator import AnnotatorError
from distilfuse.text.annotators.endpoint import EndpointAnnotator
from distilfuse.text.prompts import load_prompt

pytest.importorskip("openai", reason="openai is not installed (pip install 'distilfuse[text]')")

VISIBLE = np.zeros((16, 20, 3), np.uint8)
INFRARED = np.zeros((16, 20), np.uint8)
GOOD = "Event Type: Low Light (A, 0.7)\nDescription: It is dark."

Step = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int, body: bytes, **headers: str) -> Step:
    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return step


def message(content: str, finish: str = "stop") -> Step:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
    data = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return reply(200, json.dumps(data).encode())


def failure(status: int, **headers: str) -> Step:
    return reply(status, json.dumps({"error": {"message": "because"}}).encode(), **headers)


def silence(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.8)  # longer than the annotator waits


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


class Server:
    """Takes one step of a script a request; the last one again and again."""

    def __init__(self) -> None:
        self.script: list[Step] = []
        self.asked: list[dict[str, Any]] = []
        self.times: list[float] = []
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    outer.asked.append(json.loads(body))
                    outer.times.append(time.monotonic())
                    step = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                with contextlib.suppress(OSError):  # the client may have left
                    step(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def annotator(server: Server, **options: Any) -> EndpointAnnotator:
    settings = {"timeout": 0.4, "pause": 0.01, "retries": 3, **options}
    return EndpointAnnotator(load_prompt("ivif"), model="m", base_url=server.url, **settings)


def test_both_pictures_and_the_prompt_are_sent_and_the_answer_is_read(server: Server) -> None:
    server.script = [message(GOOD)]
    caption = annotator(server).annotate(VISIBLE, INFRARED, "road/1")
    (event,) = caption.events
    assert (event.type, event.modality, event.severity, event.description) == ("low_light", "A", 0.7, "It is dark.")
    assert (caption.pair, caption.annotator, caption.prompt) == ("road/1", "openai:m", load_prompt("ivif").hash)
    content = server.asked[0]["messages"][0]["content"]
    pictures = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    assert [url[:22] for url in pictures] == ["data:image/png;base64,"] * 2
    assert any(load_prompt("ivif").text in part.get("text", "") for part in content)


@pytest.mark.parametrize(
    "trouble",
    [silence, reset, failure(500), failure(429), reply(200, b"{half a"), message(""), reply(200, b'{"choices": []}')],
    ids=["timeout", "reset", "500", "429", "bad-json", "empty", "no-message"],
)
def test_what_passes_is_tried_again(server: Server, trouble: Step) -> None:
    server.script = [trouble, message(GOOD)]
    assert annotator(server).annotate(VISIBLE, INFRARED, "road/1").events
    assert len(server.asked) == 2


def test_the_server_says_how_long_to_wait(server: Server) -> None:
    server.script = [failure(429, Retry_After="1"), message(GOOD)]
    assert annotator(server).annotate(VISIBLE, INFRARED, "road/1").events
    assert server.times[1] - server.times[0] > 0.9


def test_it_gives_up_after_so_many_attempts_and_names_the_pair(server: Server) -> None:
    server.script = [failure(503)]
    with pytest.raises(DistilfuseError, match=r"No answer to road/1 after 3 attempts \(503, .*because"):
        annotator(server, retries=2).annotate(VISIBLE, INFRARED, "road/1")
    assert len(server.asked) == 3


@pytest.mark.parametrize(("status", "mend"), [(401, "check the key"), (404, "check --model and --base-url")])
def test_what_no_further_pair_mends_is_not_tried_again(server: Server, status: int, mend: str) -> None:
    server.script = [failure(status)]
    with pytest.raises(AnnotatorError, match=mend):
        annotator(server).annotate(VISIBLE, INFRARED, "road/1")
    assert len(server.asked) == 1


def test_no_more_than_the_rate(server: Server) -> None:
    server.script = [message(GOOD)]
    slow = annotator(server, rate=300)  # one in 0.2 s
    threads = [threading.Thread(target=slow.annotate, args=(VISIBLE, INFRARED, f"road/{k}")) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gaps = np.diff(sorted(server.times))
    assert len(server.times) == 4
    assert gaps.sum() > 0.5


def test_an_answer_that_was_cut_off_is_reported(server: Server) -> None:
    server.script = [message(GOOD, finish="length")]
    assert "The answer was cut off." in annotator(server).annotate(VISIBLE, INFRARED, "road/1").problems


def test_a_key_is_asked_for_where_there_is_no_server_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(AnnotatorError, match="OPENAI_API_KEY"):
        EndpointAnnotator(load_prompt("ivif"), model="m")

"""The real client against a server on loopback that also misbehaves."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import io
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import ConfigError, DistilfuseError
from distilfuse.text.annotators.annotator import AnnotatorError
from distilfuse.text.annotators.endpoint import EndpointAnnotator, _retry_after
from distilfuse.text.prompts import load_prompt

pytest.importorskip("openai", reason="the package openai (extra text) is not installed")

RNG = np.random.default_rng(0)
VISIBLE = RNG.integers(0, 255, (20, 30, 3), dtype=np.uint8)
INFRARED = RNG.integers(0, 255, (20, 30), dtype=np.uint8)
ANSWER = "Event Type: Low Light (A, 0.7)\nDescription: It is dark.\n\nScene: A road."

Handler = BaseHTTPRequestHandler
Reply = Callable[[Handler], None]


def message(text: str | None, reason: str = "stop") -> Any:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


def send(status: int, body: Any, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def reply(handler: Handler) -> None:
        handler.send_response(status)
        for key, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            handler.send_header(key.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return reply


def refuse(status: int, said: str, code: str | None = None, **headers: str) -> Reply:
    return send(status, {"error": {"message": said, "code": code, "type": "x", "param": None}}, **headers)


def reset(handler: Handler) -> None:
    """Break the connection off, with RST instead of an orderly end."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    handler.wfile = io.BytesIO()


def slow(handler: Handler) -> None:
    time.sleep(0.6)
    send(200, message("Event Type: Haze\nDescription: Too late."))(handler)


OK = send(200, message(ANSWER))


@dataclass
class Server:
    url: str
    replies: list[Reply] = field(default_factory=list)
    """One a request, in order; afterwards the right answer."""
    requests: list[tuple[float, str, dict[str, str], Any]] = field(default_factory=list)
    """(time, path, headers by lower-case name, body)."""

    @property
    def gaps(self) -> list[float]:
        times = [request[0] for request in self.requests]
        return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                state.requests.append(
                    (time.monotonic(), self.path, {key.lower(): value for key, value in self.headers.items()}, body)
                )
                reply = state.replies.pop(0) if state.replies else OK
            with contextlib.suppress(BrokenPipeError):
                reply(self)

        def log_message(self, *args: object) -> None:
            pass

    lock = threading.Lock()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    http.handle_error = lambda *args: None  # type: ignore[method-assign]  # clients hang up here on purpose
    state = Server(f"http://127.0.0.1:{http.server_address[1]}/v1")
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    http.shutdown()
    http.server_close()


def annotator(server: Server, **options: Any) -> EndpointAnnotator:
    settings = {"model": "m", "base_url": server.url, "pause": 0.01, "timeout": 5.0} | options
    return EndpointAnnotator(load_prompt("ivif"), **settings)


def test_what_is_asked_and_what_is_made_of_the_answer(server: Server) -> None:
    caption = annotator(server).annotate(VISIBLE, INFRARED, "yard/1")
    assert (caption.pair, caption.annotator, caption.prompt) == ("yard/1", "openai:m", load_prompt("ivif").hash)
    assert [(event.type, event.severity) for event in caption.events] == [("low_light", 0.7)]
    assert (caption.scene, caption.problems) == ("A road.", ())
    ((_, path, headers, body),) = server.requests
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer secret"
    assert (body["model"], body["temperature"]) == ("m", 0)
    ((role, content),) = [(entry["role"], entry["content"]) for entry in body["messages"]]
    assert role == "user"
    assert [part["type"] for part in content] == ["text", "image_url", "text", "image_url", "text"]
    assert content[-1]["text"] == load_prompt("ivif").text
    for part, picture in ((content[1], VISIBLE), (content[3], np.dstack([INFRARED] * 3))):
        kind, _, data = part["image_url"]["url"].partition(",")
        assert kind == "data:image/png;base64"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)


def test_large_pictures_are_shrunk(server: Server) -> None:
    annotator(server, max_pixels=150).annotate(VISIBLE, INFRARED, "yard/1")
    url = server.requests[0][3]["messages"][0]["content"][1]["image_url"]["url"]
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (15, 10)


PASSING = {
    "500": refuse(500, "oops"),
    "503 without JSON": send(503, b"<html>busy</html>", Content_Type="text/html"),
    "429": refuse(429, "slow down"),
    "reset": reset,
    "time-out": slow,
    "bad JSON": send(200, b'{"choices": [{"mess'),
    "no JSON": send(200, b"hello", Content_Type="text/plain"),
    "other JSON": send(200, ["x"]),
    "no choices": send(200, {"id": "1", "choices": []}),
    "empty": send(200, message("")),
    "null": send(200, message(None)),
}


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_tried_again(server: Server, kind: str) -> None:
    server.replies = [PASSING[kind]]
    caption = annotator(server, timeout=0.3).annotate(VISIBLE, INFRARED, "yard/1")
    assert [event.type for event in caption.events] == ["low_light"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", ["500", "reset", "bad JSON", "empty"])
def test_what_does_not_pass_is_given_up_in_one_sentence(server: Server, kind: str) -> None:
    server.replies = [PASSING[kind]] * 9
    with pytest.raises(
        DistilfuseError, match=r"No answer to yard/1 after 3 attempts \(.+\): look at the server"
    ) as said:
        annotator(server, retries=2).annotate(VISIBLE, INFRARED, "yard/1")
    assert not isinstance(said.value, AnnotatorError)
    assert "\n" not in str(said.value)
    assert len(server.requests) == 3


def test_nobody_listens(server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(DistilfuseError, match=r"after 2 attempts \(connection error"):
        annotator(server, base_url=url, retries=1).annotate(VISIBLE, INFRARED, "yard/1")


def test_pauses_double_and_differ(server: Server) -> None:
    server.replies = [refuse(500, "oops")] * 3
    annotator(server, pause=0.1).annotate(VISIBLE, INFRARED, "yard/1")
    for gap, (least, most) in zip(server.gaps, [(0.05, 0.1), (0.1, 0.2), (0.2, 0.4)], strict=True):
        assert least <= gap < most + 0.25  # a busy machine wakes late, never early


def test_retry_after_is_heeded(server: Server) -> None:
    server.replies = [refuse(429, "slow down", Retry_After="0.4"), refuse(503, "busy", Retry_After="0")]
    annotator(server, pause=60).annotate(VISIBLE, INFRARED, "yard/1")
    first, second = server.gaps
    assert first >= 0.4
    assert second < 5


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    assert _retry_after(email.utils.formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=2)
    assert _retry_after(email.utils.formatdate(time.time() - 30, usegmt=True)) == 0
    assert [_retry_after(text) for text in (None, "", "soon", "nan", "-3")] == [None, None, None, None, 0]


def test_a_server_that_asks_to_come_back_tomorrow_is_given_up(server: Server) -> None:
    server.replies = [refuse(429, "daily limit", Retry_After="86400")]
    with pytest.raises(DistilfuseError, match=r"at the first attempt \(429, daily limit\)"):
        annotator(server).annotate(VISIBLE, INFRARED, "yard/1")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (refuse(401, "Incorrect key."), r"answers 401 \(Incorrect key\): check the key .* OPENAI_API_KEY"),
        (refuse(403, "no"), r"answers 403 \(no\): ask for access"),
        (refuse(404, "model m not found"), r"answers 404 \(model m not found\): check --model and --base-url"),
        (send(404, b"page not found"), r"answers 404 \(.+\): check --model and --base-url"),
        (refuse(429, "no credit", "insufficient_quota"), "no credit.*pay the account's bill"),
    ],
)
def test_what_is_hopeless_stops_at_once(server: Server, reply: Reply, message: str) -> None:
    server.replies = [reply]
    with pytest.raises(AnnotatorError, match=message):
        annotator(server).annotate(VISIBLE, INFRARED, "yard/1")
    assert len(server.requests) == 1


def test_a_refused_request_concerns_this_pair_only(server: Server) -> None:
    server.replies = [refuse(400, "picture too large")]
    with pytest.raises(DistilfuseError, match=r"refuses the request with 400 \(picture too large\)") as said:
        annotator(server).annotate(VISIBLE, INFRARED, "yard/1")
    assert not isinstance(said.value, AnnotatorError)
    assert len(server.requests) == 1


def test_an_answer_cut_off_is_a_problem(server: Server) -> None:
    server.replies = [send(200, message(ANSWER, "length"))]
    assert annotator(server).annotate(VISIBLE, INFRARED, "yard/1").problems == ("The answer was cut off.",)


def test_the_rate_holds_for_all_threads_and_attempts(server: Server) -> None:
    server.replies = [refuse(500, "oops", Retry_After="0")]
    asked = annotator(server, rate=600, concurrency=3)  # one in 0.1 s
    threads = [
        threading.Thread(target=asked.annotate, args=(VISIBLE, INFRARED, f"yard/{number}")) for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(request[0] for request in server.requests)
    assert len(times) == 4
    assert times[-1] - times[0] >= 0.25


def test_keys_and_settings(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    annotator(server).annotate(VISIBLE, INFRARED, "yard/1")  # a server of one's own needs no key
    with pytest.raises(AnnotatorError, match=r"no key for OpenAI: .*--base-url"):
        EndpointAnnotator(load_prompt("ivif"), model="m")
    for options in ({"concurrency": 0}, {"rate": 0}, {"retries": -1}):
        with pytest.raises(ConfigError, match="concurrency of at least 1 and a rate above 0"):
            annotator(server, **options)

"""A web page that shows the fused frames as they come: motion JPEG, for a browser on this machine."""

from __future__ import annotations

import io
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError, OutputError

STREAM = "/stream.mjpg"
"""The path of the motion JPEG itself, which other programs can read as a camera."""

_BORDER = "frame"
_QUALITY = 85
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>distilfuse</title>'
    "<style>body{margin:0;background:#111;display:grid;place-items:center;min-height:100vh}"
    f'img{{max-width:100vw;max-height:100vh}}</style><img src="{STREAM}" alt="fused video"></html>'
).encode()


class LivePage:
    """The page and its server, in threads of their own. It shows the newest frame; who is slow misses some."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Begin to serve.

        Args:
            host: this machine only, by default. Another shows the video to whoever reaches it: there is no password.
            port: 0 for one that is free.

        Raises:
            OutputError: the port is taken or not allowed.
        """
        self._changed = Condition()
        self._frame: NDArray[Any] | None = None
        self._number = 0
        self._jpeg: tuple[int, bytes] = (0, b"")
        self._closed = False
        page = self

        class Handler(_Handler):
            live = page

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise OutputError(f"The page cannot be served on {host}:{port} ({error}): choose another port.") from error
        self._server.daemon_threads = True
        self.address = f"http://{host}:{self._server.server_address[1]}/"
        """What to open in a browser."""
        self._thread = Thread(target=self._server.serve_forever, name="page", daemon=True)
        self._thread.start()

    def show(self, image: NDArray[Any]) -> bool:
        """Show a frame, ``H x W x 3`` of uint8 or uint16; whether to go on (always)."""
        with self._changed:
            self._frame, self._number = image, self._number + 1
            self._changed.notify_all()
        return True

    def close(self) -> None:
        """End the server and all that look at it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def after(self, number: int) -> tuple[int, bytes] | None:
        """The newest frame as JPEG, waited for where it is that of the given number; None when there are no more."""
        with self._changed:
            while self._number <= number and not self._closed:
                self._changed.wait()
            if self._closed or self._frame is None:
                return None
            if self._jpeg[0] != self._number:  # encoded once, and only for those who look
                self._jpeg = (self._number, _jpeg(self._frame))
            return self._jpeg


class _Handler(BaseHTTPRequestHandler):
    live: LivePage

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer("text/html; charset=utf-8", len(_PAGE))
            self.wfile.write(_PAGE)
        elif self.path == STREAM:
            self._stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _stream(self) -> None:
        self._answer(f"multipart/x-mixed-replace; boundary={_BORDER}")
        number = 0
        try:
            while (found := self.live.after(number)) is not None:
                number, jpeg = found
                head = f"--{_BORDER}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            pass  # the browser has gone

    def _answer(self, kind: str, length: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing: stderr has the progress."""


def parse_address(text: str) -> tuple[str, int]:
    """``8000`` or ``0.0.0.0:8000`` to host and port.

    Raises:
        InputError: it is neither.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise InputError(f"{text!r} is no place for a page: give a port such as 8000, or an address and a port.")
    return host or "127.0.0.1", int(port)


def _jpeg(image: NDArray[Any]) -> bytes:
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=_QUALITY)
    return file.getvalue()

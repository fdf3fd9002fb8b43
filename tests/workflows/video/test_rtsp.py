"""A camera of the network: a small RTSP server, as much of one as a camera is, and real RTP packets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.fuser import Fuser
from distilfuse.workflows.video.stream import stream

av = pytest.importorskip("av", reason="PyAV (extra video) is not installed")

SIZE = (48, 64)
SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track\r\n"  # 33: MPEG-TS


class Camera:
    """Serves one viewer with pictures of one level, as MPEG-TS in RTP within the RTSP connection."""

    def __init__(self, level: int, *, frames: int = 10_000) -> None:
        self._level, self._frames = level, frames
        self._over = threading.Event()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self._door.getsockname()[1]}/live"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        self._over.set()
        self._door.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        try:
            viewer, _ = self._door.accept()
        except OSError:
            return
        with viewer:
            viewer.settimeout(10)
            file = viewer.makefile("rb")
            while (method := self._answer(file, viewer)) not in ("PLAY", ""):
                pass
            if method:
                self._send(viewer)

    def _answer(self, file: object, viewer: socket.socket) -> str:
        lines = []
        while (line := file.readline().decode().strip()) or not lines:  # type: ignore[attr-defined]
            if not line:
                return ""
            lines.append(line)
        method = lines[0].split()[0]
        number = next(line for line in lines if line.lower().startswith("cseq"))
        body, more = "", ""
        if method == "DESCRIBE":
            body, more = SDP, f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n"
        elif method == "SETUP":
            more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            more = "Session: 1\r\n"
        viewer.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{more}\r\n{body}".encode())
        return method

    def _send(self, viewer: socket.socket) -> None:
        inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        inner.bind(("127.0.0.1", 0))
        inner.settimeout(0.5)
        port = inner.getsockname()[1]
        self._threads.append(threading.Thread(target=self._film, args=(port,)))
        self._threads[-1].start()
        with inner:
            while not self._over.is_set():
                try:
                    packet = inner.recv(2000)
                    viewer.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
                except TimeoutError:
                    if not self._threads[-1].is_alive():
                        return
                except OSError:
                    return

    def _film(self, port: int) -> None:
        with av.open(f"rtp://127.0.0.1:{port}", "w", format="rtp_mpegts") as output:
            channel = output.add_stream("mpeg2video", rate=25)
            channel.width, channel.height, channel.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
            channel.codec_context.gop_size = 5
            picture = av.VideoFrame.from_ndarray(np.full((*SIZE, 3), self._level, np.uint8), format="rgb24")
            for index in range(self._frames):
                if self._over.is_set():
                    break
                picture.pts, picture.time_base = index, Fraction(1, 25)
                output.mux(channel.encode(picture))
                time.sleep(0.04)


@pytest.fixture
def cameras() -> Iterator[tuple[Camera, Camera]]:
    both = Camera(40), Camera(150, frames=70)
    yield both
    for camera in both:
        camera.close()


def test_two_rtsp_cameras(cameras: tuple[Camera, Camera], maximum: Fuser) -> None:
    frames = []
    watching = stream(cameras[0].url, cameras[1].url, model=maximum, tolerance=500)
    # The second one ends first, and that ends it all, after what came before.
    with pytest.raises(InputError, match=r"rtsp://127\.0\.0\.1:\d+/live (has ended|sent nothing more)"):
        frames += watching  # takes each as it comes, and keeps them when it fails
    assert len(frames) > 5  # of 70, on a busy machine
    assert all(frame.image.shape == (*SIZE, 3) for frame in frames)
    assert all(abs(int(frame.visible.mean()) - 40) <= 3 for frame in frames)
    assert all(abs(int(frame.image.mean()) - 150) <= 3 for frame in frames)

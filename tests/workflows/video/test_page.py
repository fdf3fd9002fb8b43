from __future__ import annotations

import io
import sys
import threading
import time
import urllib.error
import urllib.request
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import InputError, MissingDependencyError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.workflows.video.page import STREAM, LivePage, parse_address
from distilfuse.workflows.video.stream import stream
from distilfuse.workflows.video.window import PreviewWindow


def test_the_page_shows_what_is_newest() -> None:
    page = LivePage()
    try:
        assert page.address.startswith("http://127.0.0.1:")
        html = urllib.request.urlopen(page.address, timeout=5).read().decode()
        assert f'<img src="{STREAM}"' in html
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(page.address + "else", timeout=5)
        with urllib.request.urlopen(page.address + STREAM[1:], timeout=5) as answer:
            assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
            assert "Access-Control-Allow-Origin" not in answer.headers
            for level in (60, 180):
                assert page.show(
                    np.full((20, 30, 3), level * 257, np.uint16)
                    if level == 60
                    else np.full((20, 30, 3), level, np.uint8)
                )
                assert answer.readline().strip() == b"--frame"
                head = {}
                while line := answer.readline().strip():
                    name, _, value = line.decode().partition(": ")
                    head[name] = value
                picture = np.asarray(Image.open(io.BytesIO(answer.read(int(head["Content-Length"])))))
                assert picture.shape == (20, 30, 3)
                assert abs(int(picture.mean()) - level) <= 1
                answer.readline()
    finally:
        page.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page.address, timeout=1)


def test_a_taken_port() -> None:
    page = LivePage()
    try:
        port = int(page.address.rpartition(":")[2].strip("/"))
        with pytest.raises(OutputError, match=r"cannot be served on .*: choose another port"):
            LivePage(port=port)
    finally:
        page.close()


def test_addresses() -> None:
    assert parse_address("8000") == ("127.0.0.1", 8000)
    assert parse_address("0.0.0.0:80") == ("0.0.0.0", 80)
    for text in ("", "eight", "99999", "host:"):
        with pytest.raises(InputError, match="is no place for a page"):
            parse_address(text)


def test_live_sources_are_fused_as_they_come(maximum: Fuser) -> None:
    # Two pages stand for two cameras of the network: what is read here is what any MJPEG camera sends.
    pytest.importorskip("av")
    cameras = [LivePage(), LivePage()]
    over = threading.Event()

    def film() -> None:
        while not over.is_set():
            cameras[0].show(np.full((48, 64, 3), 40, np.uint8))
            cameras[1].show(np.full((48, 64, 3), 150, np.uint8))
            time.sleep(0.04)

    filming = threading.Thread(target=film)
    filming.start()
    try:
        urls = [camera.address + STREAM[1:] for camera in cameras]
        frames = []
        for frame in stream(*urls, model=maximum, tolerance=200):
            frames.append(frame)
            if len(frames) == 5:
                break
    finally:
        over.set()
        filming.join()
        for camera in cameras:
            camera.close()
    assert all(abs(int(frame.image.mean()) - 150) <= 3 for frame in frames)
    assert all(abs(int(frame.visible.mean()) - 40) <= 3 for frame in frames)
    assert all(later.seconds > earlier.seconds for earlier, later in pairwise(frames))


def test_without_opencv_there_is_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match="pip install opencv-python, or use --page"):
        PreviewWindow()


class Screen:
    """What the window asks of OpenCV."""

    WND_PROP_VISIBLE = 4

    class error(Exception):  # noqa: N801, N818  # OpenCV's name
        pass

    def __init__(self, keys: list[int]) -> None:
        self.keys = keys
        self.shown: list[np.ndarray] = []
        self.visible = 1.0

    def imshow(self, title: str, image: np.ndarray) -> None:
        self.shown.append(image)

    def waitKey(self, wait: int) -> int:
        return self.keys.pop(0)

    def getWindowProperty(self, title: str, what: int) -> float:
        return self.visible

    def destroyAllWindows(self) -> None:
        self.shown.clear()


def test_the_window_ends_by_a_key_or_when_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen([-1, ord("q"), -1])
    monkeypatch.setitem(sys.modules, "cv2", screen)
    window = PreviewWindow()
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[..., 0] = 200  # red
    assert window.show(picture)
    assert screen.shown[0][0, 0].tolist() == [0, 0, 200], "OpenCV has blue first"
    assert not window.show(picture)
    assert window.show(picture)
    screen.visible = 0.0
    assert not window.show(picture)
    window.close()

    def fail(title: str, image: np.ndarray) -> None:
        raise Screen.error("The function is not implemented")

    window = PreviewWindow()
    monkeypatch.setattr(screen, "imshow", fail)
    with pytest.raises(OutputError, match="cannot open a window here"):
        window.show(picture)

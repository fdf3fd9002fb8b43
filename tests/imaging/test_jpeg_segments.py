from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.imaging.jpeg_segments import MOST_BYTES, Segment, read_segments


def jpeg(*payloads: tuple[int, bytes]) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG")
    parts = [bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data for marker, data in payloads]
    return stream.getvalue()[:2] + b"".join(parts) + stream.getvalue()[2:]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_segments(path)
    return str(refused.value)


def test_application_segments_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg((0xE1, b"one"), (0xFE, b"a comment"), (0xEF, b""), (0xE3, b"x" * 65533)))
    found = read_segments(path)
    assert found[:3] == [Segment(0xE1, b"one"), Segment(0xEF, b""), Segment(0xE3, b"x" * 65533)]
    assert found[3].payload.startswith(b"JFIF")


def test_a_marker_may_be_padded(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff\xff\xff\xe1\0\5abc\xff\x01\xff\xd9")
    assert read_segments(path) == [Segment(0xE1, b"abc")]


@pytest.mark.parametrize(
    "content", [b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\1", b"\xff\xd8\xff\xe1\1\0abc", b"\xff\xd8abc"]
)
def test_cut_off(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path} is cut off or damaged")


def test_bad_files(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.jpg") == f"{tmp_path / 'no.jpg'} does not exist: check the name."
    assert refusal(tmp_path) == f"{tmp_path} is a folder where a JPEG file is needed: name a file in it."
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    assert refusal(path) == f"{path} is empty: copy it from the camera again."
    path.write_bytes(b"\x89PNG")
    assert refusal(path) == f"{path} is not a JPEG file: give the file as the camera wrote it."


def test_segments_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_BYTES > 256 * 65535
    monkeypatch.setattr("distilfuse.imaging.jpeg_segments.MOST_BYTES", 1 << 20)
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8" + (b"\xff\xe3\xff\xff" + bytes(65533)) * 17)
    assert "has more than 1 MiB before its picture begins" in refusal(path)

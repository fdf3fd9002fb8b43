"""Damaged files: a sentence each that names the file and the damage; never anything else, whatever the bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flir_writer import Scene, chunks, exif_of, fff, flir_jpeg, shown, with_segments

from distilfuse.errors import InputError
from distilfuse.imaging.flir.reading import read_flir

COUNTS = (15000 + 40 * np.add.outer(np.arange(24), np.arange(32))).astype(np.uint16)
VISIBLE = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
RAW_DATA, EMBEDDED, CAMERA_INFO, PIP = 0x01, 0x0E, 0x20, 0x2A


def scene(**changes: object) -> Scene:
    return Scene(**({"counts": COUNTS, "visible": VISIBLE} | changes))


def write(path: Path, content: bytes, pieces: list[bytes] | None = None) -> Path:
    """A file with that FFF file inside."""
    payloads = [(0xE1, piece) for piece in (chunks(content, 65000) if pieces is None else pieces)]
    path.write_bytes(with_segments(shown(scene()), exif_of(scene()), *payloads))
    return path


def entry(content: bytes, kind: int) -> tuple[int, int, int]:
    """Place of a record's directory entry, of the record, and its length."""
    for at in range(64, 64 + 32 * struct.unpack_from(">I", content, 0x1C)[0], 32):
        if struct.unpack_from(">H", content, at)[0] == kind:
            return (at, *struct.unpack_from(">2I", content, at + 12))
    raise AssertionError(kind)


def patch(kind: int, offset: int, form: str, *values: float) -> Callable[[bytes], bytes]:
    """Overwrite something in a record."""

    def change(content: bytes) -> bytes:
        changed = bytearray(content)
        struct.pack_into(form, changed, entry(content, kind)[1] + offset, *values)
        return bytes(changed)

    return change


def redirect(kind: int, offset: int | None = None, length: int | None = None) -> Callable[[bytes], bytes]:
    """Overwrite where the directory says that a record is, or how long."""

    def change(content: bytes) -> bytes:
        at, *now = entry(content, kind)
        changed = bytearray(content)
        wanted = [now[0] if offset is None else offset, now[1] if length is None else length]
        struct.pack_into(">2I", changed, at + 12, *wanted)
        return bytes(changed)

    return change


def promise(width: int, height: int) -> Callable[[bytes], bytes]:
    """Overwrite the size that the PNG itself claims, with a checksum that is right."""
    head = b"IHDR" + struct.pack(">2I", width, height) + bytes((16, 0, 0, 0, 0))
    return patch(RAW_DATA, 32 + 12, "21s", head + struct.pack(">I", zlib.crc32(head)))


def read_all(path: Path) -> None:
    capture = read_flir(path)
    assert capture is not None
    capture.visible()
    capture.placement()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_all(path)
    said = str(refused.value)
    assert said.startswith(f"{path} is a damaged FLIR file (")
    assert said.endswith("): copy it from the camera again.")
    assert "\n" not in said
    return said.removeprefix(f"{path} is a damaged FLIR file (").removesuffix("): copy it from the camera again.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[:50], "its thermal part has no FFF head"),
        (lambda content: b"GIF\0" + content[4:], "its thermal part has no FFF head"),
        (
            lambda content: content[:0x14] + b"\xff" * 4 + content[0x18:],
            "its thermal part is of an unknown version",
        ),
        (lambda content: content[:0x1C] + b"\xff" * 4 + content[0x20:], "its directory of records is cut off"),
        (lambda content: content[:0x18] + b"\xff" * 4 + content[0x1C:], "its directory of records is cut off"),
        (redirect(RAW_DATA, offset=1 << 30), "its record RAW_DATA is cut off"),
        (redirect(CAMERA_INFO, length=0xFFFFFFFF), "its record CAMERA_INFO is cut off"),
        (redirect(CAMERA_INFO, length=100), "its record CAMERA_INFO is cut off"),
        (redirect(CAMERA_INFO, length=0), "it has no record CAMERA_INFO"),
        (redirect(RAW_DATA, length=20), "its thermal picture is cut off"),
        (redirect(RAW_DATA, length=120), "its thermal picture is cut off or damaged"),
        (redirect(EMBEDDED, length=500), "its visible picture is cut off or damaged"),
        (redirect(PIP, length=4), "its record PICTURE_IN_PICTURE is cut off"),
        (patch(RAW_DATA, 2, "<2H", 65535, 65535), "its thermal picture claims 65535x65535 pixels"),
        (patch(RAW_DATA, 2, "<2H", 0, 24), "its thermal picture is 0x24 pixels"),
        (patch(RAW_DATA, 2, "<2H", 33, 24), "its thermal picture is 32x24 pixels where 33x24 are announced"),
        (promise(60000, 60000), "its thermal picture claims 60000x60000 pixels"),
        (promise(31, 24), "its thermal picture is 31x24 pixels where 32x24 are announced"),
        (patch(RAW_DATA, 32 + 16, ">2I", 60000, 60000), "its thermal picture cannot be opened"),
        (patch(RAW_DATA, 32, "4s", b"nada"), "its thermal picture is cut off or of an unknown kind"),
        (patch(RAW_DATA, 32 + 12, "4s", b"nada"), "its thermal picture cannot be opened"),
        (patch(EMBEDDED, 2, "<2H", 65535, 65535), "its visible picture claims 65535x65535 pixels"),
        (patch(EMBEDDED, 32, "4s", b"nada"), "its visible picture is cut off or of an unknown kind"),
        (patch(CAMERA_INFO, 0x58, "<f", 0.0), "its Planck constant R1 is 0"),
        (patch(CAMERA_INFO, 0x20, "<f", 0.0), "its emissivity is 0"),
        (patch(CAMERA_INFO, 0x60, "<f", 500.0), "its Planck constants contradict each other"),
        (patch(CAMERA_INFO, 0x308, "<i", -60000), "no count has a temperature"),
        (patch(PIP, 0, "<f", 0.0), "its visible picture is said to be 0 times as wide as its thermal one"),
    ],
)
def test_damage(change: Callable[[bytes], bytes], said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", change(fff(scene(distance=0.0))))
    assert said in refusal(path)


@pytest.mark.parametrize("raw_as", ["raw", "tiff"])
def test_samples_cut_off(raw_as: str, tmp_path: Path) -> None:
    content = redirect(RAW_DATA, length=32 + 1000)(fff(scene(raw_as=raw_as)))
    assert "its thermal picture is cut off" in refusal(write(tmp_path / "a.jpg", content))


def test_a_picture_of_8_bits(tmp_path: Path) -> None:
    content = fff(Scene(counts=COUNTS.astype(np.uint8), visible=VISIBLE))
    assert refusal(write(tmp_path / "a.jpg", content)) == "its thermal picture does not have 16 bits a pixel"


def test_a_record_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", fff(scene(drop_records={CAMERA_INFO})))
    assert refusal(path) == "it has no record CAMERA_INFO"
    write(path, fff(scene(drop_records={RAW_DATA})))
    with pytest.raises(
        InputError, match="is a FLIR file without counts of the sensor: have the camera save radiometric"
    ):
        read_flir(path)


def test_a_chunk_that_is_missing(tmp_path: Path) -> None:
    pieces = chunks(fff(scene(raw_as="raw")), 1000)
    assert refusal(write(tmp_path / "a.jpg", b"", pieces[:2] + pieces[3:])) == f"chunk 3 of {len(pieces)} is missing"


def test_chunks_that_contradict_each_other(tmp_path: Path) -> None:
    pieces = chunks(fff(scene(raw_as="raw")), 1000)
    for wrong in (
        [*pieces, pieces[1]],
        [*pieces[:-1], b"FLIR\0\1" + bytes((pieces[-1][6], 200)) + pieces[-1][8:]],
        [*pieces[:-1], b"FLIR\0\1" + bytes((200, pieces[-1][7])) + pieces[-1][8:]],
    ):
        said = refusal(write(tmp_path / "a.jpg", b"", wrong))
        assert said == "the numbers of its chunks contradict each other"


def test_chunks_in_another_order_or_not_counted(tmp_path: Path) -> None:
    pieces = chunks(fff(scene(raw_as="raw")), 1000)
    for fine in (pieces[::-1], [b"FLIR\0\1\0\0" + piece[8:] for piece in pieces]):
        capture = read_flir(write(tmp_path / "a.jpg", b"", fine))
        assert capture is not None
        np.testing.assert_array_equal(capture.counts, COUNTS)


def test_a_chunk_that_is_cut_off(tmp_path: Path) -> None:
    pieces = chunks(fff(scene(raw_as="raw")), 1000)
    shorter = [*pieces[:-1], pieces[-1][:200]]
    assert refusal(write(tmp_path / "a.jpg", b"", shorter)).endswith("is cut off")


def test_a_file_cut_off_in_its_segments(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(flir_jpeg(scene())[:2000])
    with pytest.raises(
        InputError, match="is cut off or damaged before its picture begins: copy it from the camera again"
    ):
        read_flir(path)


def test_no_flir_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(with_segments(VISIBLE, exif_of(scene())))
    assert read_flir(path) is None

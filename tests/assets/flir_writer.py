"""Writes FLIR radiometric JPEG files to the published layout, for tests.

The layout is that of https://exiftool.org/TagNames/FLIR.html and of the comments in ExifTool's reader. Nothing here
is shared with the reader that is tested, least of all the way from temperatures to counts.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

KELVIN = 273.15


@dataclass
class Scene:
    """What a file is made of; the calibration is that of a FLIR SC660 as Thermimage has it."""

    celsius: np.ndarray | None = None
    counts: np.ndarray | None = None
    visible: np.ndarray | None = None
    emissivity: float = 0.95
    distance: float = 2.0
    reflected: float = 22.0
    atmosphere: float = 19.0
    window: float = 20.0
    window_transmission: float = 1.0
    humidity: float = 0.5
    r1: float = 21106.77
    b: float = 1501.0
    f: float = 1.0
    o: int = -7340
    r2: float = 0.012545258
    alpha1: float = 0.006569
    alpha2: float = 0.01262
    beta1: float = -0.002276
    beta2: float = -0.00667
    x: float = 1.9
    real_to_ir: float | None = 1.25
    offset: tuple[int, int] = (0, 0)

    raw_as: str = "png"  # png-swapped as cameras do; png-plain, tiff, raw
    visible_as: str = "jpg"  # png, dat
    record_order: str = "<"
    directory_order: str = ">"
    raw_order: str | None = None  # of samples, else that of the record
    chunk: int = 65000
    make: str = "FLIR Systems AB"
    exif: Image.Exif | None = None
    drop_records: set[int] = field(default_factory=set)

    def photons(self, celsius: float) -> float:
        """Counts of a black body."""
        return self.r1 / (self.r2 * (math.exp(self.b / (celsius + KELVIN)) - self.f)) - self.o

    def tau(self) -> float:
        t = self.atmosphere
        h2o = self.humidity * math.exp(1.5587 + 0.06939 * t - 0.00027816 * t * t + 0.00000068455 * t * t * t)
        d = math.sqrt(self.distance / 2)
        return self.x * math.exp(-d * (self.alpha1 + self.beta1 * math.sqrt(h2o))) + (1 - self.x) * math.exp(
            -d * (self.alpha2 + self.beta2 * math.sqrt(h2o))
        )

    def count(self, celsius: float) -> float:
        """What the sensor counts of an object, through reflection, air, window and air: forward, step by step."""
        tau = self.tau()
        leaves_object = self.emissivity * self.photons(celsius) + (1 - self.emissivity) * self.photons(self.reflected)
        at_window = tau * leaves_object + (1 - tau) * self.photons(self.atmosphere)
        behind = self.window_transmission * at_window + (1 - self.window_transmission) * self.photons(self.window)
        return tau * behind + (1 - tau) * self.photons(self.atmosphere)

    def raw(self) -> np.ndarray:
        if self.counts is not None:
            return self.counts
        assert self.celsius is not None
        return np.round(np.vectorize(self.count)(self.celsius)).astype(np.uint16)


def camera_info(scene: Scene) -> bytes:
    order = scene.record_order
    record = bytearray(0x9AC)
    struct.pack_into(f"{order}H", record, 0, 2)
    temperatures = [value + KELVIN for value in (scene.reflected, scene.atmosphere, scene.window)]
    struct.pack_into(
        f"{order}6f", record, 0x20, scene.emissivity, scene.distance, *temperatures, scene.window_transmission
    )
    struct.pack_into(f"{order}f", record, 0x3C, scene.humidity)
    struct.pack_into(f"{order}3f", record, 0x58, scene.r1, scene.b, scene.f)
    struct.pack_into(f"{order}5f", record, 0x70, scene.alpha1, scene.alpha2, scene.beta1, scene.beta2, scene.x)
    record[0xD4 : 0xD4 + 10] = b"FLIR SC660"
    struct.pack_into(f"{order}if", record, 0x308, scene.o, scene.r2)
    return bytes(record)


def picture_record(scene: Scene, first: int, width: int, height: int, content: bytes) -> bytes:
    head = bytearray(32)
    struct.pack_into(f"{scene.record_order}3H", head, 0, first, width, height)
    return bytes(head) + content


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def raw_record(scene: Scene) -> bytes:
    raw = scene.raw()
    height, width = raw.shape
    if scene.raw_as == "png-swapped" or scene.raw_as == "png":
        content = encoded(Image.fromarray(raw.byteswap()), "PNG")
    elif scene.raw_as == "png-plain":
        content = encoded(Image.fromarray(raw), "PNG")
    elif scene.raw_as == "tiff":
        content = encoded(Image.fromarray(raw), "TIFF")
    else:
        content = raw.astype(f"{scene.raw_order or scene.record_order}u2").tobytes()
    return picture_record(scene, 2, width, height, content)


def visible_record(scene: Scene) -> bytes:
    assert scene.visible is not None
    image = Image.fromarray(scene.visible)
    if scene.visible_as == "jpg":
        content = encoded(image, "JPEG", quality=95, subsampling=0)
    elif scene.visible_as == "png":
        content = encoded(Image.merge("RGB", image.convert("YCbCr").split()) if image.mode == "RGB" else image, "PNG")
    else:
        content = image.convert("YCbCr").tobytes()
    return picture_record(scene, 3, image.width, image.height, content)


def pip_record(scene: Scene) -> bytes:
    height, width = scene.raw().shape
    return struct.pack("<f6h", scene.real_to_ir, *scene.offset, 0, width - 1, 0, height - 1) + bytes(48)


def fff(scene: Scene) -> bytes:
    """The FFF file: head, directory, records."""
    records = [(0x20, camera_info(scene)), (0x22, bytes(0x310)), (0x01, raw_record(scene))]
    if scene.visible is not None:
        records.append((0x0E, visible_record(scene)))
    if scene.real_to_ir is not None:
        records.append((0x2A, pip_record(scene)))
    records = [(kind, content) for kind, content in records if kind not in scene.drop_records]
    order, count = scene.directory_order, len(records) + 2  # cameras leave empty entries at the end
    head = bytearray(64)
    head[:4] = b"FFF\0"
    head[4:8] = b"MTX\0"
    struct.pack_into(f"{order}4I", head, 0x14, 100, 64, count, 2)
    directory, body, offset = bytearray(32 * count), b"", 64 + 32 * count
    for index, (kind, content) in enumerate(records):
        struct.pack_into(f"{order}2H4I", directory, 32 * index, kind, 1, 100, 1, offset, len(content))
        body += content
        offset += len(content)
    return bytes(head) + bytes(directory) + body


def chunks(content: bytes, size: int) -> list[bytes]:
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    return [b"FLIR\0\1" + bytes((index, len(parts) - 1)) + part for index, part in enumerate(parts)]


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def exif_of(scene: Scene) -> Image.Exif:
    exif = scene.exif or Image.Exif()
    exif.setdefault(0x010F, scene.make)
    return exif


def with_segments(picture: np.ndarray, exif: Image.Exif, *payloads: tuple[int, bytes]) -> bytes:
    """A JPEG of a picture, with more segments before the picture begins."""
    jpeg = encoded(Image.fromarray(picture), "JPEG", exif=exif)
    at = 2
    while jpeg[at : at + 1] == b"\xff" and 0xE0 <= jpeg[at + 1] <= 0xEF:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return jpeg[:at] + b"".join(segment(*one) for one in payloads) + jpeg[at:]


def shown(scene: Scene) -> np.ndarray:
    """What the camera shows: a grey palette."""
    raw = scene.raw().astype(np.float64)
    return np.round(255 * (raw - raw.min()) / max(1.0, np.ptp(raw))).astype(np.uint8)


def flir_jpeg(scene: Scene) -> bytes:
    """The whole file."""
    payloads = [(0xE1, chunk) for chunk in chunks(fff(scene), scene.chunk)]
    return with_segments(shown(scene), exif_of(scene), *payloads)

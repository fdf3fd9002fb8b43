from __future__ import annotations

from PIL import Image

from distilfuse.imaging.dji import is_dji_thermal
from distilfuse.imaging.jpeg_segments import Segment


def exif(make: str) -> Segment:
    block = Image.Exif()
    block[0x010F] = make
    return Segment(0xE1, block.tobytes())


COUNTS = Segment(0xE3, bytes(1000))


def test_counts_of_a_dji_camera() -> None:
    assert is_dji_thermal([exif("DJI"), COUNTS])
    assert is_dji_thermal([Segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<xmlns:drone-dji>"), COUNTS])


def test_others() -> None:
    assert not is_dji_thermal([exif("DJI")]), "its visible pictures"
    assert not is_dji_thermal([exif("Kodak"), COUNTS])
    assert not is_dji_thermal([COUNTS])
    assert not is_dji_thermal([Segment(0xE1, b"Exif\0\0broken"), COUNTS])
    assert not is_dji_thermal([])

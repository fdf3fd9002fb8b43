"""From a camera file to two pictures that lie on each other: geometry, orientation, refusals, whatever the bytes."""

from __future__ import annotations

import warnings
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from flir_writer import chunks, fff, flir_jpeg, with_segments
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import Base
from yard import HEIGHT, WIDTH, dji, refusal, save, tags, warm_yard, yard

from distilfuse.errors import DistilfuseError
from distilfuse.imaging.thermal_range import ThermalRange
from distilfuse.workflows.camera_pair import Pairing, read_camera_pair
from distilfuse.workflows.camera_results import fused_picture, temperature_csv, temperature_notes, temperature_tiff


def test_the_pair_lies_on_each_other(tmp_path: Path) -> None:
    pair = read_camera_pair(
        save(tmp_path / "a.jpg", yard(offset=(5, -3))), Pairing(thermal_range=ThermalRange.parse("18,60"))
    )
    # 128 / 1.25 = 102.4 wide from 17.8 to 120.2; 76.8 high from 6.6 to 83.4: whole pixels inside.
    assert pair.visible.shape == (76, 102, 3)
    assert pair.grey.shape == (76, 102)
    y, x = (axis.mean() + 0.5 for axis in np.nonzero(pair.grey > 0.6))
    pitch = 3.2
    assert x == pytest.approx(17.8 + pitch * 22 - 18, abs=0.6)
    assert y == pytest.approx(6.6 + pitch * 12 - 7, abs=0.6)
    assert pair.limits == (18, 60)
    assert pair.celsius is not None
    np.testing.assert_allclose(pair.celsius, warm_yard(), atol=0.02)


def test_without_alignment_the_whole_pictures(tmp_path: Path) -> None:
    pair = read_camera_pair(save(tmp_path / "a.jpg", yard(offset=(5, -3))), Pairing(align=False))
    assert pair.visible.shape == (96, 128, 3)
    assert pair.grey.shape == (96, 128)
    low, high = pair.limits or (0, 0)
    assert (low, high) == pytest.approx((18.3, 60), abs=0.3)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_turned_as_the_file_says(orientation: int, tmp_path: Path) -> None:
    exif = tags()
    exif[Base.Orientation] = orientation
    pair = read_camera_pair(save(tmp_path / "a.jpg", yard(exif=exif)), Pairing())
    straight = read_camera_pair(save(tmp_path / "b.jpg", yard()), Pairing())
    turns = {1: 0, 3: 2, 6: -1, 8: 1}[orientation]
    for turned, upright in (
        (pair.celsius, straight.celsius),
        (pair.grey, straight.grey),
        (pair.visible, straight.visible),
    ):
        np.testing.assert_array_equal(turned, np.rot90(upright, turns))


def test_a_visible_picture_of_its_own(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", yard(visible=None, real_to_ir=None))
    said = refusal(read_camera_pair, source, Pairing())
    assert said == (
        f"{source} has no visible picture inside: name one of the same view (--visible PICTURE), or have the camera "
        "save it."
    )
    other = tmp_path / "v.png"
    Image.new("RGB", (64, 48), (9, 8, 7)).save(other)
    pair = read_camera_pair(source, Pairing(visible=other))
    assert pair.visible.shape == (48, 64, 3)
    assert pair.grey.shape == (48, 64)
    Image.new("RGB", (64, 64)).save(other)
    said = refusal(read_camera_pair, source, Pairing(visible=other))
    assert said.startswith(
        f"{source} is 32x24 pixels (thermal) but {other} is 64x64, so they do not show the same view"
    )
    Image.fromarray(np.zeros((48, 64), np.uint16)).save(other)
    assert "is not a picture with 8 bits a channel" in refusal(read_camera_pair, source, Pairing(visible=other))


def test_no_word_on_where_the_pictures_lie(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", yard(real_to_ir=None))
    assert refusal(read_camera_pair, source, Pairing()).endswith("add --no-align if both show the same view.")
    assert read_camera_pair(source, Pairing(align=False)).visible.shape == (96, 128, 3)
    far = save(tmp_path / "b.jpg", yard(offset=(100, 0)))
    said = refusal(read_camera_pair, far, Pairing())
    assert said == (
        f"{far} cannot be aligned (only 14% of its thermal picture is said to lie within its visible one): add "
        "--no-align to take both as they are."
    )


def test_plain_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path)
    assert refusal(read_camera_pair, path, Pairing()).startswith(f"{path} is a plain JPEG without thermal data: ")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert "is not a JPEG file" in refusal(read_camera_pair, tmp_path / "a.png", Pairing())


def test_dji_is_recognised(tmp_path: Path) -> None:
    source = dji(tmp_path)
    assert refusal(read_camera_pair, source, Pairing()) == (
        f"{source} is a DJI R-JPEG, whose temperatures only DJI's Thermal SDK can read: add --palette and --visible "
        "PICTURE to fuse the colours that it shows instead."
    )


def test_contradictions() -> None:
    assert "--visible" in refusal(Pairing, palette=True)
    assert "leave either --palette or --range away" in refusal(
        Pairing, palette=True, visible=Path("v.png"), thermal_range=ThermalRange.parse("0,1")
    )


@st.composite
def damage(draw: st.DrawFn) -> tuple[bool, list[tuple[float, int]], float]:
    """Where (as a share of the length) which byte is put, in the FFF file or in the JPEG, and where it is cut."""
    inside = draw(st.booleans())
    changes = draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12))
    cut = draw(st.sampled_from([1.0, 1.0, 1.0, 0.97, 0.6, 0.1]))
    return inside, changes, cut


@cache
def good_file(inside: bool, raw_as: str, visible_as: str) -> bytes:
    """The FFF file, or the JPEG around it."""
    scene = yard(exif=tags(), raw_as=raw_as, visible_as=visible_as)
    return fff(scene) if inside else flir_jpeg(scene)


@given(
    harm=damage(),
    raw_as=st.sampled_from(["png", "raw", "tiff"]),
    visible_as=st.sampled_from(["jpg", "png", "dat"]),
    align=st.booleans(),
)
@settings(max_examples=120, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes(
    harm: tuple[bool, list[tuple[float, int]], float], raw_as: str, visible_as: str, align: bool, tmp_path: Path
) -> None:
    inside, changes, cut = harm
    content = bytearray(good_file(inside, raw_as, visible_as))
    # Half of the changes go to the head, the directory and the calibration, where most can go wrong.
    for index, (place, value) in enumerate(changes):
        content[int(place * (min(len(content), 1200) if index % 2 else len(content)) * 0.999)] = value
    harmed = bytes(content[: int(len(content) * cut)])
    if inside:
        pieces = [(0xE1, piece) for piece in chunks(harmed, 65000)]
        harmed = with_segments(np.zeros((HEIGHT, WIDTH), np.uint8), tags(), *pieces)
    path = tmp_path / "a.jpg"
    path.write_bytes(harmed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what is meant for users; others are defects
        try:
            pair = read_camera_pair(path, Pairing(align=align))
        except DistilfuseError as refused:
            said = str(refused)
        else:
            said = f"{path} is read"
            assert pair.visible.shape[:2] == pair.grey.shape
            assert np.isfinite(pair.grey).all()
            assert pair.celsius is not None
            fused_picture(pair.visible, pair).save(BytesIO(), "PNG")
            temperature_tiff(pair.celsius, temperature_notes(pair))
            temperature_csv(pair.celsius, temperature_notes(pair))
    assert said.startswith(f"{path} ")
    assert "\n" not in said

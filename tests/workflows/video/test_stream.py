from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import distilfuse
from distilfuse import samples
from distilfuse.errors import InputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.scaling import PictureWarning, to_unit
from distilfuse.workflows.alignment.rig import Rig
from distilfuse.workflows.video.stream import stream

Make = Callable[..., Path]
Flat = Callable[..., np.ndarray]


def test_frames_are_arrays_with_index_and_time(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(20 + k, colour=True) for k in range(6)])
    ir = make(tmp_path / "i.mkv", [flat(100 + k, colour=False) for k in range(6)])
    frames = list(stream(vis, ir, model=maximum))
    assert [frame.index for frame in frames] == list(range(6))
    assert [round(frame.seconds, 3) for frame in frames] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    for k, frame in enumerate(frames):
        assert (frame.image.shape, frame.image.dtype) == ((48, 64, 3), np.uint8)
        assert np.unique(frame.visible).tolist() == [20 + k]
        assert np.unique(frame.infrared).tolist() == [100 + k]
        assert abs(int(frame.image.mean()) - (100 + k)) <= 2  # held back a little where it moves a little
    alone = list(stream(vis, ir, model=maximum, steady=False))
    assert [int(frame.image.mean()) for frame in alone] == [100, 101, 102, 103, 104, 105]


def test_slower_infrared_shows_its_nearest_frame(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True) for _ in range(18)], rate=30)
    ir = make(tmp_path / "i.mkv", [flat(100 + k, colour=False) for k in range(6)], rate=10)
    with pytest.warns(PictureWarning, match=r"The last frame \(0\.03 s\) of .*v\.mkv is left out"):
        shown = [int(frame.infrared[0, 0]) - 100 for frame in stream(vis, ir, model=maximum)]
    # Visible k is at k / 30 s and infrared j at j / 10 s. The 18th is 67 ms from the last infrared one: more than half.
    assert shown == [round(k / 3) for k in range(17)]


def test_offset_shifts_the_infrared(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True) for _ in range(10)])
    ir = make(tmp_path / "i.mkv", [flat(100 + k, colour=False) for k in range(10)])
    with pytest.warns(PictureWarning) as said:
        later = list(stream(vis, ir, offset=300, model=maximum))
    assert {one.filename for one in said} == {__file__}
    assert [(round(f.seconds, 1), int(f.infrared[0, 0])) for f in later] == [(k / 10, 97 + k) for k in range(3, 10)]
    assert [str(one.message).replace(str(tmp_path), "") for one in said] == [
        "The first 3 frames (0.30 s) of /v.mkv are left out: the infrared begins later.",
        "The last 3 frames (0.30 s) of /i.mkv are left out: the other recording ends earlier.",
    ]
    with pytest.warns(PictureWarning) as said:
        earlier = list(stream(vis, ir, offset=-300, model=maximum))
    assert [str(one.message).replace(str(tmp_path), "") for one in said] == [
        "The first 3 frames (0.30 s) of /i.mkv are left out: the visible begins later.",
        "The last 3 frames (0.30 s) of /v.mkv are left out: the other recording ends earlier.",
    ]
    assert [int(f.infrared[0, 0]) for f in earlier] == [103 + k for k in range(7)]
    with pytest.raises(InputError, match=r"within 50 ms: check the offset \(5000 ms\)"):
        list(stream(vis, ir, offset=5000, model=maximum))


def test_unequal_lengths_end_with_the_shorter(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True) for _ in range(20)])
    ir = make(tmp_path / "i.mkv", [flat(100, colour=False) for _ in range(8)])
    with pytest.warns(PictureWarning, match=r"The last 12 frames \(1\.20 s\) of .*v\.mkv are left out: the other"):
        assert len(list(stream(vis, ir, model=maximum))) == 8
    with pytest.warns(
        PictureWarning, match=r"The last 12 frames \(1\.20 s\) of .*v\.mkv are left out"
    ):  # as "infrared"
        assert len(list(stream(ir, vis, model=maximum))) == 8


@pytest.mark.parametrize(
    ("visible", "infrared", "said"),
    [
        ((9, 10), (8, 10), ["The last frame (0.10 s) of v.mkv is left out: the other recording ends earlier."]),
        ((8, 10), (9, 10), ["The last frame (0.10 s) of i.mkv is left out: the other recording ends earlier."]),
        ((8, 10), (11, 10), ["The last 3 frames (0.30 s) of i.mkv are left out: the other recording ends earlier."]),
        ((30, 30), (12, 10), ["The last 2 frames (0.20 s) of i.mkv are left out: the other recording ends earlier."]),
        ((10, 10), (30, 30), []),  # infrared frames between two visible ones are not missed at the end either
        ((10, 10), (36, 30), ["The last 6 frames (0.20 s) of i.mkv are left out: the other recording ends earlier."]),
    ],
)
def test_frames_at_the_end_without_a_partner_are_counted(
    visible: tuple[int, int],
    infrared: tuple[int, int],
    said: list[str],
    make: Make,
    flat: Flat,
    maximum: Fuser,
    tmp_path: Path,
) -> None:
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True)] * visible[0], rate=visible[1])
    ir = make(tmp_path / "i.mkv", [flat(99, colour=False)] * infrared[0], rate=infrared[1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(stream(vis, ir, model=maximum))
    remarks = [str(one.message) for one in caught if issubclass(one.category, PictureWarning)]
    assert [remark.replace(f"{tmp_path}/", "") for remark in remarks] == said


def test_variable_rate_and_gaps(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    stamps = [0, 0.1, 0.25, 0.4, 1.0, 1.1]
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True) for _ in range(12)])
    ir = make(tmp_path / "i.mkv", [flat(100 + k, colour=False) for k in range(6)], stamps=stamps)
    with pytest.warns(PictureWarning, match="5 frames of .* are left out: no infrared frame lies within 60 ms"):
        frames = list(stream(vis, ir, tolerance=60, model=maximum))
    pairs = [(round(frame.seconds, 1), int(frame.infrared[0, 0]) - 100) for frame in frames]
    assert pairs == [(0.0, 0), (0.1, 1), (0.2, 2), (0.3, 2), (0.4, 3), (1.0, 4), (1.1, 5)]


@pytest.mark.parametrize("split", ["left-right", "right-left", "top-bottom", "bottom-top"])
def test_side_by_side(make: Make, maximum: Fuser, tmp_path: Path, split: str) -> None:
    first, second = np.full((40, 40, 3), 30, np.uint8), np.full((40, 40, 3), 200, np.uint8)
    both = [first, second] if split in ("left-right", "top-bottom") else [second, first]
    picture = (np.hstack if "left" in split else np.vstack)(both)
    video = make(tmp_path / "both.mkv", [picture] * 3)
    for frame in stream(video, split=split, model=maximum):
        assert frame.image.shape == (40, 40, 3)
        assert int(frame.visible.mean()) == 30
        assert abs(float(frame.infrared.mean()) - 200 / 255) < 1e-3
        assert abs(int(frame.image.mean()) - 200) <= 1


def test_folders_pair_by_name_and_count_upwards(maximum: Fuser, tmp_path: Path) -> None:
    for name, count in (("v", 12), ("i", 11)):
        (tmp_path / name).mkdir()
        for k in range(count):
            pixels = np.full((20, 30, 3) if name == "v" else (20, 30), 50 + k, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"frame{k}.png")
    with pytest.warns(PictureWarning, match=r"1 visible left out, without a partner, such as frame11\.png"):
        frames = list(stream(tmp_path / "v", tmp_path / "i", fps=5, model=maximum))
    assert [int(frame.visible[0, 0, 0]) - 50 for frame in frames] == list(range(11))
    assert [int(frame.infrared[0, 0]) - 50 for frame in frames] == list(range(11))
    assert frames[3].seconds == pytest.approx(0.6)
    with pytest.raises(InputError, match="paired by name, so an offset has no meaning"):
        stream(tmp_path / "v", tmp_path / "i", offset=20, model=maximum)


def test_a_folder_with_a_video(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    for k in range(12):
        Image.fromarray(flat(50 + k, colour=True)).save(tmp_path / "v" / f"{k}.png")
    ir = make(tmp_path / "i.mkv", [flat(100 + k, colour=False) for k in range(12)])
    frames = list(stream(tmp_path / "v", ir, fps=10, model=maximum))
    assert [int(f.visible[0, 0, 0]) - 50 for f in frames] == [int(f.infrared[0, 0]) - 100 for f in frames]
    assert len(frames) == 12


def test_infrared_of_another_size(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True)] * 3)
    half = np.zeros((24, 32), np.uint8)
    half[:, 16:] = 200
    ir = make(tmp_path / "i.mkv", [half] * 3)
    frame = next(stream(vis, ir, model=maximum))
    assert frame.infrared.shape == (48, 64)
    assert frame.infrared[:, :28].max() == 0
    assert frame.infrared[:, 36:].min() == 200
    wide = make(tmp_path / "w.mkv", [np.zeros((24, 48), np.uint8)] * 3)
    with pytest.raises(InputError, match=r"64x48 pixels but those of .*w\.mkv are 48x24, another shape: align"):
        next(stream(vis, wide, model=maximum))


def test_a_rig_moves_the_infrared(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")
    vis = make(tmp_path / "v.mkv", [flat(10, colour=True)] * 3)
    ir = make(tmp_path / "i.mkv", [np.full((24, 40), 200, np.uint8)] * 3)
    placed = np.array([[1.0, 0, 16], [0, 1, 8], [0, 0, 1]])
    rig = Rig(placed, (64, 48), (40, 24), "similarity", None)
    rig.write(tmp_path / "rig.json")
    whole = luminance(next(stream(vis, ir, model=maximum, rig=tmp_path / "rig.json", border="mask")).image)
    assert whole.shape == (48, 64)
    assert whole[18:22, 30:42].min() > 190 / 255  # its edge is soft
    assert max(whole[:6].max(), whole[:, 60:].max()) < 20 / 255
    part = luminance(next(stream(vis, ir, model=maximum, rig=rig)).image)
    assert part.min() > 190 / 255
    assert abs(part.shape[0] - 24) <= 4
    assert abs(part.shape[1] - 40) <= 4


def test_polarity_and_strength(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(100, colour=True)] * 3)
    ir = make(tmp_path / "i.mkv", [flat(40, colour=False)] * 3)

    def brightness(**how: Any) -> float:
        return float(luminance(next(stream(vis, ir, model=maximum, **how)).image).mean()) * 255

    assert brightness() == pytest.approx(100, abs=3)
    assert brightness(polarity="black") == pytest.approx(215, abs=3)
    assert brightness(ir_strength=1.0) == pytest.approx(40, abs=3)


@pytest.mark.parametrize("inverted", [False, True])
def test_auto_polarity_is_settled_once_and_said(make: Make, maximum: Fuser, tmp_path: Path, inverted: bool) -> None:
    visible, infrared = samples.load("night-street")
    heat = infrared if infrared.ndim == 2 else infrared[..., 0]
    vis = make(tmp_path / "v.mkv", [visible] * 3)
    ir = make(tmp_path / "i.mkv", [255 - heat if inverted else heat] * 3)
    plain = make(tmp_path / "p.mkv", [heat] * 3)
    with pytest.warns(PictureWarning, match="Polarity: black" if inverted else "Polarity: white") as said:
        frames = list(stream(vis, ir, model=maximum, polarity="auto", steady=False))
    assert len(said) == 1
    assert said[0].filename == __file__, "the warning must point at the loop"
    expected = list(stream(vis, plain, model=maximum, steady=False))
    for frame, wanted in zip(frames, expected, strict=True):
        assert np.abs(luminance(frame.image) - luminance(wanted.image)).mean() < 2 / 255


def test_a_polarity_that_seems_wrong_is_doubted_and_kept(make: Make, maximum: Fuser, tmp_path: Path) -> None:
    visible, infrared = samples.load("night-street")
    heat = infrared if infrared.ndim == 2 else infrared[..., 0]
    vis, ir = make(tmp_path / "v.mkv", [visible] * 2), make(tmp_path / "i.mkv", [255 - heat] * 2)
    with pytest.warns(PictureWarning, match="looks as if black were hot"):
        frame = next(stream(vis, ir, model=maximum))
    assert np.abs(to_unit(frame.infrared).mean() - (1 - to_unit(heat).mean())) < 3 / 255


def test_unknown_polarity(make: Make, flat: Flat, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(0, colour=True)])
    with pytest.raises(InputError, match="The polarity is 'red': choose from auto, white, black"):
        stream(vis, vis, polarity="red")  # type: ignore[arg-type]


def test_deep_thermal_keeps_its_range(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(0, colour=True)] * 10)
    scene = np.linspace(7000, 8000, 48 * 64).reshape(48, 64).astype(np.uint16)
    hot = scene.copy()
    hot[10:20, 10:20] = 30_000  # somebody lights a fire in the fifth frame
    ir = make(tmp_path / "i.mkv", [scene] * 5 + [hot] * 5)
    frames = list(stream(vis, ir, model=maximum))
    assert frames[0].infrared.dtype == np.float32
    assert frames[0].infrared[0, 0] < 0.1
    assert frames[0].infrared[-1, -1] > 0.9
    elsewhere = [float(frame.infrared[30:].mean()) for frame in frames]
    assert max(elsewhere[:5]) - min(elsewhere[:5]) < 0.01
    assert elsewhere[4] - elsewhere[5] < 0.15, "a fire must not darken the rest at once"
    assert elsewhere[5] > elsewhere[7] > elsewhere[9]
    fixed = list(stream(vis, ir, limits=(7000, 9000), model=maximum))
    assert fixed[0].infrared[-1, -1] == pytest.approx(0.5, abs=0.01)
    assert fixed[9].infrared[-1, -1] == pytest.approx(0.5, abs=0.01)
    assert fixed[9].infrared[15, 15] == 1
    grey = make(tmp_path / "g.mkv", [flat(9, colour=False)] * 3)
    with pytest.raises(InputError, match="A range is for infrared in 9 to 16 bits"):
        next(stream(vis, grey, limits=(0, 9), model=maximum))
    with pytest.raises(InputError, match="9 must be below 3"):
        stream(vis, ir, limits=(9, 3), model=maximum)


def test_sixteen_bits(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    ramp = np.repeat((np.arange(64, dtype=np.uint16) * 64 + 20_000)[None], 48, 0)
    vis = make(tmp_path / "v.mkv", [np.dstack([ramp] * 3)] * 3)
    ir = make(tmp_path / "i.mkv", [flat(0, colour=False)] * 3)
    frame = next(stream(vis, ir, bits=16, model=maximum))
    assert frame.image.dtype == np.uint16
    assert len(np.unique(frame.image[..., 1])) > 40  # 8 bits hold 16 of these levels
    assert np.abs(frame.image[..., 1].astype(int) - ramp).max() < 200
    assert next(stream(vis, ir, model=maximum)).image.dtype == np.uint8


def test_a_turned_phone_video_comes_upright(make: Make, maximum: Fuser, tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 250  # upper left as stored
    vis = make(tmp_path / "v.mp4", [picture] * 3, codec="libx264", pixels="yuv444p")
    raw = bytearray(vis.read_bytes())
    matrix = raw.index(b"tkhd") + 4 + 40
    # Turned by 90 degrees clockwise when shown: (0 1 -1 0) in 16.16 numbers.
    turned = [0, 1 << 16, 0, -(1 << 16) & 0xFFFFFFFF, 0, 0, 48 << 16, 0, 1 << 30]
    raw[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in turned)
    vis.write_bytes(raw)
    ir = make(tmp_path / "i.mkv", [np.zeros((64, 48), np.uint8)] * 3)
    shown = next(stream(vis, ir, model=maximum)).image
    assert shown.shape == (64, 48, 3)
    assert shown[2:14, 34:46].min() > 200, "the upper left goes to the upper right"
    assert shown[20:].max() < 50


def test_leaving_early_ends_all_threads(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mkv", [flat(20, colour=True)] * 60)
    ir = make(tmp_path / "i.mkv", [flat(100, colour=False)] * 60)
    before = threading.active_count()
    for frame in stream(vis, ir, model=maximum):
        if frame.index == 3:
            break
    del frame
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_it_is_a_public_name() -> None:
    assert stream.__module__ == "distilfuse.workflows.video.stream"
    if "stream" in distilfuse.__all__:
        assert distilfuse.stream is stream


def test_no_warning_where_nothing_is_left_out(make: Make, flat: Flat, maximum: Fuser, tmp_path: Path) -> None:
    vis = make(tmp_path / "v.mp4", [flat(20, colour=True)] * 25, codec="libx264", pixels="yuv420p", rate=25)
    ir = make(tmp_path / "i.mp4", [flat(99, colour=False)] * 25, codec="libx264", pixels="yuv420p", rate=25)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(stream(vis, ir, model=maximum))) == 25

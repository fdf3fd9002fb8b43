from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from distilfuse.errors import InputError, OutputError
from distilfuse.workflows.video.formats import pixel_format
from distilfuse.workflows.video.frames import Colours, Facts, FusedFrame
from distilfuse.workflows.video.writing import Encoding, VideoWriter

Make = Callable[..., Path]


def write(
    output: Path,
    images: list[np.ndarray],
    *,
    stamps: list[float] | None = None,
    facts: Facts | None = None,
    sound: Path | None = None,
    deep: bool = False,
    **encoding: object,
) -> None:
    facts = facts or Facts(name="test", rate=Fraction(10))
    writer = VideoWriter(output, facts, Encoding(**encoding), deep=deep)
    try:
        if sound is not None:
            writer.keep_sound(sound)
        for index, image in enumerate(images):
            seconds = index * facts.interval if stamps is None else stamps[index]
            writer.write(FusedFrame(index, seconds, image, image, image))
        writer.finish()
    finally:
        writer.abandon()
    assert [path.name for path in output.parent.iterdir() if path.name.startswith(".")] == []


def read(path: Path, layout: str = "rgb24") -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as video:
        frames = list(video.decode(video=0))
    return [frame.to_ndarray(format=layout) for frame in frames], [round(frame.time, 3) for frame in frames]


def smooth(size: tuple[int, int] = (48, 64)) -> np.ndarray:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    return np.dstack([40 + 2 * columns, 200 - 2 * rows, 90 + columns + rows]).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".webm"])
def test_containers(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    write(out, [smooth()] * 5)
    images, stamps = read(out)
    assert stamps == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert np.abs(images[2].astype(int) - smooth()).mean() < 4


@pytest.mark.parametrize(
    "codec", ["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "ffv1", "mjpeg", "prores_ks"]
)
def test_codecs(tmp_path: Path, codec: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    out = tmp_path / "out.mkv"
    write(out, [smooth()] * 3, codec=codec, deep=codec == "prores_ks")
    images, _ = read(out)
    assert len(images) == 3
    assert np.abs(images[1].astype(int) - smooth()).mean() < 6


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_rate_is_kept(tmp_path: Path, suffix: str) -> None:
    stamps = [0.5, 0.54, 0.7, 0.71, 1.5]
    write(tmp_path / f"o{suffix}", [smooth()] * 5, stamps=stamps, facts=Facts(name="test", rate=Fraction(25)))
    assert read(tmp_path / f"o{suffix}")[1] == pytest.approx([0.0, 0.04, 0.2, 0.21, 1.0], abs=0.001)


def test_fractional_rates_do_not_drift(tmp_path: Path) -> None:
    facts = Facts(name="test", rate=Fraction(30_000, 1001), ticks=Fraction(1, 90_000))
    write(tmp_path / "o.mp4", [smooth()] * 60, facts=facts)
    stamps = read(tmp_path / "o.mp4")[1]
    assert stamps[-1] == pytest.approx(59 * 1001 / 30_000, abs=0.001)


def test_ten_bits(tmp_path: Path) -> None:
    ramp = np.repeat((np.arange(256, dtype=np.uint16) * 64 + 20_000)[None], 48, 0)
    image = np.dstack([ramp] * 3)
    for codec in ("libx264", "libx265", "ffv1"):
        out = tmp_path / f"{codec}.mkv"
        write(out, [image] * 3, deep=True, codec=codec, crf=None if codec == "ffv1" else 1)
        with av.open(str(out)) as video:
            assert video.streams.video[0].codec_context.pix_fmt == "yuv420p10le"
        grey = read(out, "gray16le")[0][1]
        assert len(np.unique(grey)) > 150, codec  # 8 bits hold 64 of these levels
        assert np.abs(grey.astype(int) - ramp).max() < 300


@pytest.mark.parametrize("size", [(47, 64), (48, 63), (47, 63), (1, 1)])
def test_odd_sizes_stay(tmp_path: Path, size: tuple[int, int]) -> None:
    out = tmp_path / "o.mp4"
    write(out, [smooth(size)] * 2)
    images, _ = read(out)
    assert images[0].shape == (*size, 3)


@pytest.mark.parametrize("matrix", [1, 5, 6, 9, 2])
def test_colours_are_tagged_as_they_were_and_come_back(tmp_path: Path, matrix: int) -> None:
    if matrix == 9 and int(av.__version__.partition(".")[0]) < 18:
        pytest.skip("PyAV 17 does not convert BT.2020")
    facts = Facts(name="test", rate=Fraction(10), colours=Colours(matrix, 1, 1))
    write(tmp_path / "o.mp4", [smooth()] * 2, facts=facts, pixel_format="yuv444p", crf=1)
    with av.open(str(tmp_path / "o.mp4")) as video:
        context = video.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (matrix, 1, 1)
        frame = next(video.decode(video=0))
    assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - smooth()).max() <= 6


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    write(tmp_path / "o.mp4", [smooth()] * 2, facts=Facts(name="t", rate=Fraction(10), aspect=Fraction(4, 3)))
    with av.open(str(tmp_path / "o.mp4")) as video:
        assert video.streams.video[0].codec_context.sample_aspect_ratio == Fraction(4, 3)


def packets(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as video:
        stream = video.streams.audio[0]
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in video.demux(stream)
            if packet.pts is not None
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sound_is_copied(make: Make, tmp_path: Path, suffix: str) -> None:
    source = make(tmp_path / "v.mp4", [smooth()] * 20, codec="libx264", pixels="yuv420p", tone=2.0)
    out = tmp_path / f"o{suffix}"
    write(out, [smooth()] * 20, sound=source)
    before = {content: time for time, content in packets(source) if time >= 0}
    after = packets(out)
    assert len(after) > 85  # of 94 in two seconds
    assert all(abs(before[content] - time) < 0.002 for time, content in after)


def test_sound_begins_with_the_first_pair_and_ends_with_the_last(make: Make, tmp_path: Path) -> None:
    source = make(tmp_path / "v.mp4", [smooth()] * 20, codec="libx264", pixels="yuv420p", tone=2.0)
    write(tmp_path / "o.mkv", [smooth()] * 5, stamps=[1.0, 1.1, 1.2, 1.3, 1.4], sound=source)
    before = {content: time for time, content in packets(source)}
    after = packets(tmp_path / "o.mkv")
    assert {round(before[content] - time, 2) for time, content in after} == {1.0}
    assert 0 <= after[0][0] < 0.03
    assert 0.45 < after[-1][0] < 0.5


@pytest.mark.parametrize(("suffix", "sound", "name"), [(".webm", "aac", "opus"), (".avi", "libopus", "aac")])
def test_sound_that_the_container_does_not_take_is_encoded_anew(
    make: Make, tmp_path: Path, suffix: str, sound: str, name: str
) -> None:
    source = make(tmp_path / "v.mkv", [smooth()] * 20, tone=2.0, sound=sound)
    out = tmp_path / f"o{suffix}"
    write(out, [smooth()] * 20, sound=source)
    with av.open(str(out)) as video:
        assert video.streams.audio[0].codec_context.name == name
        frames = [frame.to_ndarray()[0] for frame in video.decode(audio=0)]
        rate = video.streams.audio[0].codec_context.sample_rate
    tone = np.concatenate(frames)
    assert len(tone) / rate == pytest.approx(2, abs=0.15)
    spectrum = np.abs(np.fft.rfft(tone[rate // 4 : rate + rate // 4]))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_bad_places_and_codecs(tmp_path: Path) -> None:
    facts = Facts(name="test", rate=Fraction(10))
    cases = {
        "nowhere/o.mp4": "nowhere does not exist: make it",
        "o.foo": "does not end as a video does: choose .mp4",
        "o": "does not end as a video does",
    }
    for name, sentence in cases.items():
        with pytest.raises(OutputError, match=sentence):
            VideoWriter(tmp_path / name, facts, Encoding(), deep=False)
    with pytest.raises(OutputError, match="This PyAV has no video encoder 'nonsense': choose libx264"):
        VideoWriter(tmp_path / "o.mp4", facts, Encoding(codec="nonsense"), deep=False)
    with pytest.raises(OutputError, match="no video encoder 'aac'"):
        VideoWriter(tmp_path / "o.mp4", facts, Encoding(codec="aac"), deep=False)
    with pytest.raises(OutputError, match=r"\.webm files hold no libx264: choose another codec"):
        VideoWriter(tmp_path / "o.webm", facts, Encoding(codec="libx264"), deep=False)
    for encoding in ({"codec": "ffv1", "crf": 3}, {"options": {"crf": "3", "no-such-thing": "1"}}):
        with pytest.raises(OutputError, match=r"The encoder \w+ has no option (crf|no-such-thing): leave it out"):
            write(tmp_path / "o.mkv", [smooth()], **encoding)
    for encoding in ({"options": {"preset": "nonsense"}}, {"pixel_format": "pal8"}, {"pixel_format": "nonsense"}):
        with pytest.raises(OutputError, match=r"The encoder libx264 cannot be started \(.*\): check its options"):
            write(tmp_path / "o.mp4", [smooth()], **encoding)
    assert list(tmp_path.iterdir()) == []


def test_no_sound_in_it(make: Make, tmp_path: Path) -> None:
    source = make(tmp_path / "v.mkv", [smooth()] * 5, tone=0.5)
    with pytest.raises(OutputError, match=r"\.gif files hold no sound"):
        write(tmp_path / "o.gif", [smooth()] * 5, sound=source)
    write(tmp_path / "o.gif", [smooth()] * 5)
    assert read(tmp_path / "o.gif")[1] == [0.0, 0.1, 0.2, 0.3, 0.4]
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"The sound of .*broken\.mkv cannot be opened"):
        write(tmp_path / "o.mkv", [smooth()] * 5, sound=broken)


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "o.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_formats_by_size_and_depth() -> None:
    assert pixel_format("libx264", (48, 64), deep=False) == "yuv420p"
    assert pixel_format("libx264", (47, 64), deep=False) == "yuv422p"
    assert pixel_format("libx264", (47, 63), deep=False) == "yuv444p"
    assert pixel_format("libx264", (48, 64), deep=True) == "yuv420p10le"
    assert pixel_format("mpeg4", (48, 64), deep=True) is None

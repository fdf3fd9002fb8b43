from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import guides
import numpy as np
import pytest
from PIL import Image

from distilfuse.cli import main as command_line

av = pytest.importorskip("av", reason="PyAV (extra video) is not installed")


COUNT = 1000
"""Frames of a video that takes long enough to be interrupted."""


def film(
    path: Path,
    level: Callable[[int], int],
    count: int,
    *,
    rate: int = 10,
    grey: bool = False,
    size: tuple[int, int] = (48, 64),
) -> Path:
    """A lossless video of even pictures."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], "gray" if grey else "bgr0"
        for index in range(count):
            pixels = np.full(size if grey else (*size, 3), level(index), np.uint8)
            picture = av.VideoFrame.from_ndarray(pixels, format="gray" if grey else "rgb24")
            picture.pts, picture.time_base = index, Fraction(1, rate)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return path


def levels(path: Path) -> list[int]:
    with av.open(str(path)) as video:
        return [round(float(frame.to_ndarray(format="rgb24").mean())) for frame in video.decode(video=0)]


class Bench:
    """Two good videos, and a way to run the command on them."""

    def __init__(
        self, folder: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.model = model
        self.visible = film(folder / "v.mkv", lambda k: 20, 20)
        self.infrared = film(folder / "i.mkv", lambda k: 100 + 8 * k, 20, grey=True)
        self.out = folder / "out.mkv"
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, *arguments: object) -> tuple[int, str, str]:
        argv = ["distilfuse", "video", *map(str, arguments), "-m", self.model, "-b", "onnxruntime", "-t", "1"]
        self._monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as left:
            command_line.main()
        said = self._capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    def refuses(self, *arguments: object, status: int) -> str:
        """Run, check that it refuses as it should and leaves nothing, and return the sentence."""
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        code, out, err = self.run(*arguments)
        assert (code, out) == (status, ""), err
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
        assert {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()} == before
        return err.strip().replace(f"{self.folder}/", "")


@pytest.fixture
def bench(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, str(project / "tests/assets/maximum-luminance.json"), monkeypatch, capsys)


def test_two_videos(bench: Bench) -> None:
    code, out, err = bench.run(
        bench.visible, bench.infrared, "-o", bench.out, "--codec", "ffv1", "--pixel-format", "bgr0"
    )
    assert (code, err) == (0, "")
    assert out.startswith(f"{bench.out}: 20 frames fused in ")
    assert out.endswith(" fps) by maximum-luminance on CPU (onnxruntime, 1 thread)\n")
    assert levels(bench.out) == [100 + 8 * k for k in range(20)]


def test_two_folders_and_what_is_left_out(bench: Bench) -> None:
    for name, count in (("v", 5), ("i", 4)):
        (bench.folder / name).mkdir()
        for k in range(count):
            Image.fromarray(np.full((48, 64), 50 + 20 * k, np.uint8)).save(bench.folder / name / f"{k}.png")
    code, out, err = bench.run(bench.folder / "v", bench.folder / "i", "-o", bench.out, "--fps", "5")
    assert code == 0
    assert "4 frames fused" in out
    assert err == "1 visible left out, without a partner, such as 4.png.\n"
    with av.open(str(bench.out)) as video:
        assert [round(frame.time, 2) for frame in video.decode(video=0)] == [0.0, 0.2, 0.4, 0.6]


def test_the_rate_of_folders_is_said_where_nobody_names_it(bench: Bench) -> None:
    one, two = bench.folder / "v", bench.folder / "i"
    for folder in (one, two):
        folder.mkdir()
        for k in range(3):
            Image.fromarray(np.full((48, 64), 50 + 20 * k, np.uint8)).save(folder / f"{k}.png")
    code, _, err = bench.run(one, two, "-o", bench.out)
    assert (code, err) == (0, f"The pictures of {one} and {two} are taken at 25 a second: set it with --fps.\n")
    with av.open(str(bench.out)) as video:
        assert [round(frame.time, 2) for frame in video.decode(video=0)] == [0.0, 0.04, 0.08]
    code, _, err = bench.run(one, two, "-o", bench.out, "--overwrite", "--fps", "25")
    assert (code, err) == (0, "")


def test_side_by_side_with_offset_and_options(bench: Bench) -> None:
    both = bench.folder / "both.mkv"
    with av.open(str(both), "w") as output:
        stream = output.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, 32:] = 200
        for _ in range(4):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    arguments = ("--split", "left-right", "-o", bench.out, "--crf", "5", "--encoder-option", "preset=ultrafast")
    assert bench.run(both, *arguments)[0] == 0
    assert len(levels(bench.out)) == 4
    assert all(abs(level - 200) <= 2 for level in levels(bench.out))
    code, _, err = bench.run(
        bench.visible, bench.infrared, "-o", bench.out, "--offset", "500", "--overwrite", "--bit-rate", 500
    )
    assert code == 0
    assert f"The first 5 frames (0.50 s) of {bench.visible} are" in err
    assert f"The last 5 frames (0.50 s) of {bench.infrared} are" in err


def test_one_frame_more_is_counted(bench: Bench) -> None:
    longer = film(bench.folder / "longer.mkv", lambda k: 20, 21)
    code, out, err = bench.run(longer, bench.infrared, "-o", bench.out)
    assert code == 0
    assert "20 frames fused" in out
    assert err == f"The last frame (0.10 s) of {longer} is left out: the other recording ends earlier.\n"


def test_depth(bench: Bench) -> None:
    for arguments, form in (((), "yuv420p"), (("--bits", 10), "yuv420p10le")):
        assert bench.run(bench.visible, bench.infrared, "-o", bench.out, "--overwrite", *arguments)[0] == 0
        with av.open(str(bench.out)) as video:
            assert video.streams.video[0].codec_context.pix_fmt == form
    deep = bench.folder / "deep.mkv"
    assert bench.run(bench.out, bench.infrared, "-o", deep)[0] == 0
    with av.open(str(deep)) as video:
        assert video.streams.video[0].codec_context.pix_fmt == "yuv420p10le", "as the visible"
    code, _, err = bench.run(bench.out, bench.infrared, "-o", bench.folder / "o.avi")
    assert (code, err) == (0, f"{bench.out} has more than 8 bits a channel, of which mpeg4 keeps 8.\n")


def test_wrong_arguments(bench: Bench) -> None:
    vis, ir, out = bench.visible, bench.infrared, bench.out
    pair = (vis, ir, "-o", out)
    upside = (vis, "--split", "upside", "-o", out)
    one = (vis, "-o", out)
    cases = {
        "There is nowhere to put the result: name a video with -o, or use --preview or --page.": (vis, ir),
        "v.mkv is the visible picture only: name the infrared, too, or give a split if it holds both.": one,
        "With a split v.mkv holds both pictures: leave i.mkv out, or the split.": (*pair, "--split", "left-right"),
        "'upside' is no way to split a picture: choose left-right, right-left, top-bottom, bottom-top.": upside,
        "'loud' is no sound to keep: choose auto, visible, infrared, none.": (*pair, "--audio", "loud"),
        "The visible side has no sound that can be kept: use --audio auto or none.": (*pair, "--audio", "visible"),
        "A video is written with 8 or 10 bits a channel, not 9.": (*pair, "--bits", 9),
        "--range x is not two numbers: give the counts of black and white, as in 7000,9000.": (*pair, "--range", "x"),
        "--range 7000 is not a thermal range but half of one: write black and white with a comma and no space, as in "
        "--range 7000,9000.": (*pair, "--range", "7000", "9000"),
        "A range goes from black to white, so 9 must be below 1.": (*pair, "--range", "9,1"),
        "--encoder-option preset is not KEY=VALUE: write it as in preset=slow.": (*pair, "--encoder-option", "preset"),
        "Pictures come at a rate above 0 a second, not 0.": (*pair, "--fps", 0),
        "A tolerance is 0 ms or more, not -1.": (*pair, "--tolerance", -1),
        "'x' is no place for a page: give a port such as 8000, or an address and a port.": (*pair, "--page", "x"),
        "missing.mp4 does not exist: check the name.": (bench.folder / "missing.mp4", ir, "-o", out),
    }  # fmt: skip
    for sentence, arguments in cases.items():
        assert bench.refuses(*arguments, status=2) == sentence


def test_wrong_places(bench: Bench) -> None:
    pair = (bench.visible, bench.infrared, "-o")
    assert bench.refuses(*pair, bench.visible, "--overwrite", status=1) == (
        "v.mkv is one of the videos to be fused: name another output."
    )
    taken = bench.folder / "taken.mp4"
    taken.write_bytes(b"precious")
    assert bench.refuses(*pair, taken, status=1) == "taken.mp4 exists: add --overwrite (overwrite=True) to replace it."
    said = bench.refuses(*pair, bench.out, "--codec", "h266", status=1)
    assert said.startswith("This PyAV has no video encoder 'h266': choose libx264, ")
    assert bench.refuses(*pair, bench.folder / "o.avi", "--bits", 10, status=1) == (
        "mpeg4 encodes 8 bits a channel only: choose another codec, such as libx265."
    )


def test_unreadable_inputs(bench: Bench) -> None:
    text = bench.folder / "text.mp4"
    text.write_text("not a video")
    sound = bench.folder / "sound.mka"
    with av.open(str(sound), "w") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.float32), format="flt", layout="mono")
        frame.sample_rate = 48_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    wide = film(bench.folder / "wide.mkv", lambda k: 0, 3, grey=True, size=(24, 64))
    cases = {
        "text.mp4 is not a video that can be read (Invalid data found when processing input): convert it, or copy it "
        "again if it is truncated.": text,
        "sound.mka holds no video stream: name a video, a folder of pictures or a camera.": sound,
        "The visible frames are 64x48 pixels but those of wide.mkv are 64x24, another shape: align the two cameras "
        "first (distilfuse align) and give the rig (--rig).": wide,
        "The camera /dev/video77 cannot be opened (No such file or directory): check that it is there and that no "
        "other program uses it.": "77",
        "x1 does not exist: check the name.": "x1",
    }  # fmt: skip
    for sentence, infrared in cases.items():
        if infrared == "77" and sys.platform != "linux":
            continue
        assert bench.refuses(bench.visible, infrared, "-o", bench.out, status=2) == sentence


def test_a_stream_nobody_serves(bench: Bench) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = bench.refuses(f"rtsp://me:secret@127.0.0.1:{port}/a", bench.infrared, "-o", bench.out, status=2)
    assert said.startswith(f"rtsp://127.0.0.1:{port}/a cannot be opened (")
    assert "secret" not in said


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_truncated_videos(bench: Bench, suffix: str) -> None:
    whole, cut = bench.folder / f"whole{suffix}", bench.folder / f"cut{suffix}"
    rng = np.random.default_rng(5)
    with av.open(str(whole), "w", options={"movflags": "faststart"} if suffix == ".mp4" else {}) as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(30):
            pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    infrared = film(bench.folder / "long.mkv", lambda k: 0, 30, grey=True)
    said = bench.refuses(cut, infrared, "-o", bench.out, status=2)
    assert "is truncated: it ends after" in said or "is damaged after" in said or "cannot be read after" in said
    said = bench.refuses(infrared, cut, "-o", bench.out, status=2)
    assert cut.name in said


def test_a_video_whose_head_was_never_written(bench: Bench) -> None:
    """As a camera leaves it whose battery went flat: the head of an MP4 is written last."""
    assert bench.run(bench.visible, bench.infrared, "-o", bench.folder / "whole.mp4")[0] == 0
    content = (bench.folder / "whole.mp4").read_bytes()
    flat = bench.folder / "flat.mp4"
    flat.write_bytes(content[: content.index(b"moov") - 4])
    said = bench.refuses(flat, bench.infrared, "-o", bench.out, status=2)
    assert said.startswith("flat.mp4 is not a video that can be read (")
    assert said.endswith("): convert it, or copy it again if it is truncated.")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are a Unix notion")
def test_a_full_disk(bench: Bench) -> None:
    import resource

    noisy = bench.folder / "noisy.mkv"
    rng = np.random.default_rng(6)
    with av.open(str(noisy), "w") as output:
        stream = output.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        for _ in range(20):
            pixels = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    before = sorted(bench.folder.iterdir())
    for name in ("o.mp4", "o.mkv"):
        command = [noisy, noisy, "-o", bench.folder / name, "--codec", "libx264", "--crf", 1, "-m", bench.model]
        done = subprocess.run(
            [sys.executable, "-m", "distilfuse", "video", *map(str, command), "-b", "onnxruntime"],
            capture_output=True,
            text=True,
            timeout=120,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
        )
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert f"{name} cannot be written (File too large): check the folder and the space." in done.stderr
        assert sorted(bench.folder.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a process is sent signals as Ctrl-C does on Unix")
@pytest.mark.parametrize(("name", "number"), [("o.mp4", signal.SIGINT), ("o.mkv", signal.SIGTERM)])
def test_ctrl_c_leaves_a_playable_file(bench: Bench, name: str, number: signal.Signals) -> None:
    rng = np.random.default_rng(4)
    for side in ("v", "i"):
        folder = bench.folder / side
        folder.mkdir()
        for index in range(COUNT):
            path = folder / f"{index}.png"
            if index < 16:  # noise that cannot be predicted from the frame before, so that the file grows
                Image.fromarray(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(path)
            else:
                path.symlink_to(folder / f"{index % 16}.png")
    out = bench.folder / name
    command = [bench.folder / "v", bench.folder / "i", "-o", out, "--fps", 25]
    command += ["-m", bench.model, "-b", "onnxruntime", "-t", 1]
    running = subprocess.Popen(
        [sys.executable, "-m", "distilfuse", "video", *map(str, command)], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 300  # many times what is needed, for machines that are busy
        while not any(path.stat().st_size > 20_000 for path in bench.folder.glob(".*.part*")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(number)
        _, said = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 130, said
    with av.open(str(out)) as video:
        frames = [frame.time for frame in video.decode(video=0)]
    assert 0 < len(frames) < COUNT
    assert said == f"Interrupted after {len(frames)} frames: {out} holds the {len(frames) / 25:.1f} s until then.\n"
    assert list(bench.folder.glob(".*.part*")) == []


def test_a_page_alone(bench: Bench) -> None:
    code, out, err = bench.run(bench.visible, bench.infrared, "--page", "0")
    assert code == 0
    assert "20 frames fused" in out
    assert err.startswith("Watch at http://127.0.0.1:")


def test_a_window_that_is_closed_ends_the_video(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Window:
        shown = 0

        def show(self, image: np.ndarray) -> bool:
            self.shown += 1
            return self.shown < 5

        def close(self) -> None:
            pass

    monkeypatch.setattr("distilfuse.workflows.video.window.PreviewWindow", Window)
    code, _, err = bench.run(bench.visible, bench.infrared, "-o", bench.out, "--preview")
    assert (code, err) == (0, "")
    assert len(levels(bench.out)) == 5


def test_a_camera_that_is_unplugged_leaves_what_it_sent(bench: Bench) -> None:
    """Frames of a live source end with an error: the file keeps what came before it."""
    from distilfuse.errors import InputError
    from distilfuse.workflows.video.conversion import write_frames
    from distilfuse.workflows.video.frames import Facts, FusedFrame
    from distilfuse.workflows.video.writing import Encoding, VideoWriter

    def failing():
        for index in range(6):
            picture = np.full((48, 64, 3), 90, np.uint8)
            yield FusedFrame(index, index / 25, picture, picture, picture)
        raise InputError("Camera 0 has ended: check the camera and its connection.")

    for live in (True, False):
        out = bench.folder / f"{live}.mkv"
        writer = VideoWriter(out, Facts(name="camera 0"), Encoding(), deep=False)
        with pytest.raises(InputError, match="Camera 0 has ended") as failure:
            list(write_frames(failing(), writer, live=live))
        assert out.exists() == live
        assert ("holds the 0.2 s before that" in str(failure.value)) == live
    assert len(levels(bench.folder / "True.mkv")) == 6
    assert list(bench.folder.glob(".*.part*")) == []


def test_without_pyav(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert bench.refuses(bench.visible, bench.infrared, "-o", bench.out, status=1) == (
        "Video needs PyAV, which is not installed: pip install 'distilfuse[video]'"
    )


def test_progress_names_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from distilfuse.cli.frame_progress import frame_bar

    for total, words in ((4, ("4/4", "fps", "ETA")), (None, ("4", "fps"))):
        said = io.StringIO()
        monkeypatch.setattr(
            "rich.console.Console", lambda said=said, **_: Console(file=said, force_terminal=True, width=100)
        )
        with frame_bar(total) as advance:
            for _ in range(4):
                advance()
        assert all(word in said.getvalue() for word in words)
        assert ("ETA" in said.getvalue()) == (total is not None)


def test_help_reads_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "distilfuse", "video", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"COLUMNS": "110"},
        check=True,
    )
    for said in ("VISIBLE", "INFRARED", "--offset", "--split", "--codec", "--audio", "--page", "Ctrl-C", "Exit status"):
        assert said in done.stdout


def test_the_guide_runs(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (project / "docs" / "video.md").read_text("utf-8")
    found = [line for line in guides.commands(guide) if "rtsp" not in line and "--preview" not in line]
    assert len(found) >= 4
    monkeypatch.chdir(bench.folder)
    bench.visible.replace("visible.mp4")
    bench.infrared.replace("infrared.mp4")
    shutil.copy("visible.mp4", "both.mp4")
    for command in found:
        guides.run(command, monkeypatch=monkeypatch, capsys=capsys)
    (code,) = guides.blocks(guide, "python")
    exec(code, {"detector": lambda image: [image.shape]})
    assert "(48, 64, 3)" in capsys.readouterr().out

"""``distilfuse video``: two videos, cameras, streams or folders into one video."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from distilfuse.cli.options import Backend, BorderOption, Model, Polarity, RigFile, Strength, Threads, whole_range
from distilfuse.cli.sentences import complain, describe, warn

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import ExitStack

    from distilfuse.cli.stopping import Stop
    from distilfuse.workflows.video.frames import FusedFrame
    from distilfuse.workflows.video.page import LivePage
    from distilfuse.workflows.video.pairs import Pairs
    from distilfuse.workflows.video.window import PreviewWindow
    from distilfuse.workflows.video.writing import VideoWriter

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""


def video(
    visible: Annotated[
        str,
        typer.Argument(
            metavar="VISIBLE",
            help="Video, folder of pictures, camera number, or URL (`rtsp://...`).",
            show_default=False,
        ),
    ],
    infrared: Annotated[
        str | None,
        typer.Argument(
            metavar="[INFRARED]",
            help="The same (white is hot). Leave it out if VISIBLE shows both.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Video to write: .mp4, .mkv, .mov, .webm, .avi.", show_default=False
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="VISIBLE shows both: left-right (the visible left), right-left, top-bottom or bottom-top.",
        ),
    ] = None,
    offset: Annotated[
        float, typer.Option(metavar="MS", help="How much later the infrared recording began, in milliseconds.")
    ] = 0.0,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="MS", help="How far apart in time a pair may be.", show_default="half of the longer frame interval"
        ),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(metavar="N", help="Pictures a second of folders.", show_default="25")
    ] = None,
    limits: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="LO,HI",
            callback=whole_range,
            help="Counts that are black and white, for infrared of 9 to 16 bits.",
            show_default="follows the scene slowly",
        ),
    ] = None,
    polarity: Polarity = "white",
    rig: RigFile = None,
    border: BorderOption = "crop",
    ir_strength: Strength = 0.5,
    steady: Annotated[
        bool, typer.Option("--steady/--no-steady", help="Hold the brightness over time, or fuse each frame alone.")
    ] = True,
    codec: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Any video encoder of FFmpeg.", show_default="H.264; VP9 in .webm"),
    ] = None,
    crf: Annotated[
        float | None, typer.Option(metavar="N", help="Quality, lower is better.", show_default="18 for H.264")
    ] = None,
    bit_rate: Annotated[int | None, typer.Option(metavar="N", help="Kilobits a second, instead of a quality.")] = None,
    bits: Annotated[
        int | None, typer.Option(metavar="8|10", help="Bits a channel.", show_default="as the visible")
    ] = None,
    pixel_format: Annotated[
        str | None, typer.Option(metavar="NAME", help="FFmpeg's name, such as yuv444p.", show_default="by the codec")
    ] = None,
    encoder_option: Annotated[
        list[str] | None,
        typer.Option("--encoder-option", metavar="KEY=VALUE", help="More for the encoder, such as preset=slow."),
    ] = None,
    audio: Annotated[
        str,
        typer.Option(
            metavar="WHOSE", help="Sound to keep: auto (the visible's, else the infrared's), visible, infrared, none."
        ),
    ] = "auto",
    preview: Annotated[bool, typer.Option("--preview", help="Show a window (needs opencv-python); q ends.")] = False,
    page: Annotated[
        str | None, typer.Option(metavar="PORT", help="Show a web page on this machine, 0 for a free port.")
    ] = None,
    model: Model = "nano-ivif",
    backend: Backend = "auto",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a video that exists.")] = False,
) -> None:
    """Fuse two videos, cameras, streams or folders of pictures into one video.

    The result has the visible's size, times, bit depth and sound. Each visible frame is fused with the infrared frame
    nearest in time; frame rates may differ. Where one side is shorter the result ends there, and what was left out is
    said. Two folders are paired by name.

    OUT may be left out with `--preview` or `--page`.

    Ctrl-C ends the recording: OUT is then complete up to that moment, and the exit status is 130.

    Exit status: 0 all fused, 1 the result could not be written, 2 wrong or damaged input, 130 ended by Ctrl-C.
    """
    from contextlib import ExitStack, closing
    from fractions import Fraction

    from distilfuse.cli.stopping import stop_on_signals
    from distilfuse.errors import InputError
    from distilfuse.fuser import Fuser
    from distilfuse.imaging.mixing import check_strength
    from distilfuse.workflows.alignment.rig import BORDERS, Rig
    from distilfuse.workflows.treatment import PolarityChoice
    from distilfuse.workflows.video.conversion import AUDIO, frame_depth, open_writer, refuse_inputs
    from distilfuse.workflows.video.frames import DEFAULT_RATE
    from distilfuse.workflows.video.fusing import fuse_pairs
    from distilfuse.workflows.video.sources import is_folder, open_pairs
    from distilfuse.workflows.video.writing import Encoding

    if output is None and not preview and page is None:
        raise InputError("There is nowhere to put the result: name a video with -o, or use --preview or --page.")
    if audio not in AUDIO:
        raise InputError(f"{audio!r} is no sound to keep: choose {', '.join(AUDIO)}.")
    if bits not in (None, 8, 10):
        raise InputError(f"A video is written with 8 or 10 bits a channel, not {bits}.")
    encoding = Encoding(
        codec=codec,
        crf=crf,
        bit_rate=None if bit_rate is None else bit_rate * 1000,
        bits=bits,
        pixel_format=pixel_format,
        options=_options(encoder_option or []),
    )
    counts = _range(limits)
    for name, value, choices in (("--polarity", polarity, get_args(PolarityChoice)), ("--border", border, BORDERS)):
        if value not in choices:
            raise InputError(f"{name} is {value!r}: choose from {', '.join(choices)}.")
    check_strength(ir_strength)
    placed = Rig.read(rig) if rig else None
    deep: bool | None = False
    if output is not None:
        refuse_inputs(output, visible, infrared)
        deep = frame_depth(output, encoding)
    with stop_on_signals() as stop, ExitStack() as stack:
        pairs = open_pairs(
            visible,
            infrared,
            split=split,  # type: ignore[arg-type]  # checked where it is used
            offset=offset,
            tolerance=tolerance,
            rate=DEFAULT_RATE if fps is None else Fraction(fps).limit_denominator(1_000_000),
            deep=deep,
        )
        stack.callback(pairs.close)
        writer = None
        if output is not None:
            writer, said = open_writer(output, pairs, encoding, offset=offset, audio=audio, overwrite=overwrite)
            stack.callback(writer.abandon)
            for sentence in said:
                warn(sentence)
        folders = [side for side in (visible, infrared) if side is not None and is_folder(side)]
        if fps is None and folders:
            warn(f"The pictures of {' and '.join(folders)} are taken at {DEFAULT_RATE} a second: set it with --fps.")
        viewers = _open_viewers(stack, preview, page)
        fuser = Fuser.from_pretrained(model, backend=backend, threads=threads)
        passing = fuse_pairs(
            fuser,
            pairs,
            limits=counts,
            polarity=polarity,  # type: ignore[arg-type]  # it is checked
            say=warn,
            rig=placed,
            border=border,  # type: ignore[arg-type]  # it is checked
            ir_strength=ir_strength,
            steady=steady,
            stopped=stop.asked,
        )
        frames = stack.enter_context(closing(passing))
        done, seconds = _pass_on(frames, pairs, writer, viewers, stop)
    if not stop.asked():
        for sentence in pairs.left_out():
            warn(sentence)
    written = writer is not None and writer.frames > 0
    where = f"{output}: " if written else ""
    typer.echo(f"{where}{done} frames fused in {seconds:.1f} s ({done / seconds:.1f} fps) by {describe(fuser)}")
    if stop.interrupted:
        kept = f"{output} holds the {writer.seconds:.1f} s until then" if writer and written else "no video was written"
        complain(f"Interrupted after {done} frames: {kept}.")
        raise typer.Exit(INTERRUPTED)


def _pass_on(
    frames: Generator[FusedFrame, None, None],
    pairs: Pairs,
    writer: VideoWriter | None,
    viewers: Sequence[LivePage | PreviewWindow],
    stop: Stop,
) -> tuple[int, float]:
    """Write and show all frames; how many there were, and the seconds that took."""
    from contextlib import closing

    from distilfuse.cli.frame_progress import frame_bar
    from distilfuse.workflows.video.conversion import write_frames

    passing = frames if writer is None else write_frames(frames, writer, live=pairs.visible.live)
    start, done = time.perf_counter(), 0
    with frame_bar(pairs.count()) as advance, closing(passing):
        for frame in passing:
            done += 1
            advance()
            for viewer in viewers:
                if not viewer.show(frame.image):
                    stop.ask()
    return done, time.perf_counter() - start


def _open_viewers(stack: ExitStack, preview: bool, page: str | None) -> list[LivePage | PreviewWindow]:
    from distilfuse.workflows.video.page import LivePage, parse_address
    from distilfuse.workflows.video.window import PreviewWindow

    viewers: list[LivePage | PreviewWindow] = []
    if preview:
        viewers.append(PreviewWindow())
    if page is not None:
        live = LivePage(*parse_address(page))
        typer.echo(f"Watch at {live.address}", err=True)
        viewers.append(live)
    for viewer in viewers:
        stack.callback(viewer.close)
    return viewers


def _range(text: str | None) -> tuple[float, float] | None:
    """``LO,HI`` as two numbers."""
    from distilfuse.errors import InputError
    from distilfuse.workflows.video.infrared import InfraredRange

    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--range {text} is not two numbers: give the counts of black and white, as in 7000,9000."
        ) from None
    InfraredRange((low, high))
    return low, high


def _options(texts: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` each."""
    from distilfuse.errors import InputError

    options = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise InputError(f"--encoder-option {text} is not KEY=VALUE: write it as in preset=slow.")
        options[key] = value
    return options

"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from distilfuse.errors import ConfigError

Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="A name from `distilfuse models`, or a record (.json) of your own.",
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        "-b",
        metavar="NAME",
        help="auto, onnxruntime, openvino, cuda, tensorrt, directml, coreml, torch or torch-compile (`:cuda`), "
        "torch-half (float16 on an NVIDIA card), openvino:bf16 on CPUs that have it. Another than the one named "
        "is never used; auto measures once what is fastest.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", "-t", metavar="N", help="CPU threads.", show_default="one a CPU"),
]

INFRARED_PANEL = "Infrared pictures"
RESULT_PANEL = "Results"


def whole_range(text: str | None) -> str | None:
    """Refuse one number for ``--range``, before the other is taken for an argument too many.

    Raises:
        ConfigError: of `--range 7000 9000` the 7000 came here.
    """
    if text is not None and re.fullmatch(r"[-+]?[\d.]+%?,?", text.strip()):
        raise ConfigError(
            f"--range {text} is not a thermal range but half of one: write black and white with a comma and no space, "
            "as in --range 7000,9000."
        )
    return text


Range = Annotated[
    str,
    typer.Option(
        "--range",
        metavar="LOW,HIGH",
        callback=whole_range,
        help="Values of the infrared picture that are black and white, such as 7000,9000 or 20,35; or LOW%,HIGH% of "
        "its pixels; type: full scale of the type. auto: type for 8 bits, 0.5%,99.5% for 16 bits and degrees.",
        rich_help_panel=INFRARED_PANEL,
    ),
]
Polarity = Annotated[
    str,
    typer.Option(
        metavar="white|black|auto",
        help="What is hot. auto guesses, once for all pictures of a run.",
        rich_help_panel=INFRARED_PANEL,
    ),
]
RigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="RIG.json",
        help="Move infrared pictures onto the visible ones as `distilfuse align` found it.",
        rich_help_panel=INFRARED_PANEL,
        show_default=False,
    ),
]
BorderOption = Annotated[
    str,
    typer.Option(
        metavar="crop|mask",
        help="With --rig: cut off what only the visible camera sees, or leave it as it is.",
        rich_help_panel=INFRARED_PANEL,
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        metavar="0..1",
        help="0: the visible picture, 0.5: what the model makes, 1: infrared intensities under visible colours.",
        rich_help_panel=RESULT_PANEL,
    ),
]
Color = Annotated[
    str,
    typer.Option(
        metavar="auto|gray|vis",
        help="As the visible picture; grey; or exactly the visible picture's chroma, whatever the model.",
        rich_help_panel=RESULT_PANEL,
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        metavar="8|16",
        help="Depth of a channel; by default that of the visible picture.",
        rich_help_panel=RESULT_PANEL,
        show_default=False,
    ),
]

"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

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
        "openvino:bf16 on CPUs that have it. Another than the one named is never used; auto measures once what is "
        "fastest.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", "-t", metavar="N", help="CPU threads.", show_default="one a CPU"),
]

"""``distilfuse demo``: fuse the sample pairs that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distilfuse.cli.options import Backend, Model, Threads
from distilfuse.cli.sentences import describe


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write, made if it is missing.")
    ] = Path("distilfuse-demo"),
    model: Model = "nano-ivif",
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Fuse the sample pairs that come with the package.

    Writes a picture `visible | infrared | fused` for each and prints time and scores. The samples are
    rendered, not filmed: look at the pictures, and judge a model by the scores in `distilfuse models`.
    """
    from rich.console import Console
    from rich.table import Table

    from distilfuse.fuser import Fuser
    from distilfuse.workflows.demo import METRICS, run_demo

    fuser = Fuser.from_pretrained(model, backend=backend, threads=threads)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("sample", "size", "time"):
        table.add_column(title, justify="left" if title == "sample" else "right")
    for metric in METRICS:
        table.add_column(metric, justify="right")
    for row in run_demo(fuser, output):
        scores = [f"{row.scores[metric]:.3f}" for metric in METRICS]
        table.add_row(row.name, row.size, f"{row.seconds * 1e3:.1f} ms", *scores)
    Console().print(table)
    typer.echo(
        f"Fused by {describe(fuser)}. "
        "Scores: protocol paper, higher is better.\n"
        f"Look at visible | infrared | fused in {output}."
    )

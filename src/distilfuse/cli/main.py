"""The ``distilfuse`` command: its sub-commands, and how errors end."""

from __future__ import annotations

import sys

import typer

from distilfuse import __version__
from distilfuse.cli.align import align
from distilfuse.cli.annotate import annotate
from distilfuse.cli.bench import bench
from distilfuse.cli.bulk import bulk
from distilfuse.cli.camera import camera
from distilfuse.cli.data import data
from distilfuse.cli.degrade import degrade
from distilfuse.cli.demo import demo
from distilfuse.cli.doctor import doctor
from distilfuse.cli.evaluate import evaluate
from distilfuse.cli.export import export
from distilfuse.cli.fuse import fuse
from distilfuse.cli.metrics import metrics
from distilfuse.cli.models import models
from distilfuse.cli.quantize import quantize
from distilfuse.cli.reproduce import reproduce
from distilfuse.cli.train import train
from distilfuse.cli.video import video
from distilfuse.cli.volume import volume
from distilfuse.errors import DistilfuseError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""

app = typer.Typer(
    name="distilfuse",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # reflows paragraphs, and leaves [brackets] alone
    pretty_exceptions_enable=False,  # a defect shows a plain traceback, fit for a report
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"distilfuse {__version__}")
        raise typer.Exit


@app.callback()
def distilfuse(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    """Fuse a visible and an infrared picture of one scene into one.

    For example: `distilfuse fuse visible.png infrared.png -o fused.png`
    """


app.command()(fuse)
app.command()(bulk)
app.command()(video)
app.command()(align)
app.command()(camera)
app.command()(volume)
app.command()(models)
app.command()(demo)
app.command()(degrade)
app.add_typer(data, name="data")
app.command()(doctor)
app.command()(evaluate)
app.command()(bench)
app.command()(reproduce)
app.add_typer(metrics, name="metrics")
app.command()(annotate)
app.command()(train)
app.command()(export)
app.command()(quantize)


def main() -> None:
    """Run the command line.

    A :class:`DistilfuseError` ends as one red sentence on stderr and its exit status, Ctrl-C as 130.
    """
    try:
        app()
    except DistilfuseError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

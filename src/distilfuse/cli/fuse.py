"""``distilfuse fuse``: two files or two folders."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.options import Backend, Model, Threads
from distilfuse.cli.sentences import complain, describe, listed, say_strays, warn

if TYPE_CHECKING:
    from distilfuse.fuser import Fuser
    from distilfuse.workflows.files import Outcome
    from distilfuse.workflows.folders import FolderPlan


def fuse(
    visible: Annotated[
        Path,
        typer.Argument(metavar="VISIBLE", help="Visible picture, or a folder of them.", show_default=False),
    ],
    infrared: Annotated[
        Path,
        typer.Argument(
            metavar="INFRARED",
            help="Infrared picture (white is hot), or a folder; aligned, same size.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="File or folder to write.", show_default=False),
    ],
    model: Model = "nano-ivif",
    backend: Backend = "auto",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
) -> None:
    """Fuse two pictures, or two folders of pictures, into one.

    The result has the size, the colours, the bit depth and the alpha of the visible picture.

    Two files: OUT is a file (.png, .tif, .bmp, .webp, .jpg) or a folder that exists.

    Two folders: OUT is a folder, made if it is missing. Files belong together if their names are equal up
    to the suffix and endings or beginnings such as `_vis` and `_ir`, `_W` and `_T`, `RGB-` and `IR-`; what
    finds no partner is listed. If a pair fails, it is named and the others go on.

    In a folder a result has the name of the visible picture. PNG, TIFF and BMP keep their suffix; JPEG and
    others become .png, so that nothing is compressed twice.

    Exit status: 0 all fused, 1 something failed or could not be written, 2 wrong input.
    """
    from distilfuse.errors import InputError

    if visible.is_dir() != infrared.is_dir() and visible.exists() and infrared.exists():
        folder, file = (visible, infrared) if visible.is_dir() else (infrared, visible)
        raise InputError(f"{folder} is a folder but {file} is a file: give two files or two folders.")
    if visible.is_dir():
        _fuse_two_folders(visible, infrared, output, model, backend, threads, overwrite)
    else:
        _fuse_two_files(visible, infrared, output, model, backend, threads, overwrite)


def _fuse_two_files(
    visible: Path,
    infrared: Path,
    output: Path,
    model: str,
    backend: str,
    threads: int | None,
    overwrite: bool,
) -> None:
    from distilfuse.fuser import Fuser
    from distilfuse.workflows.files import fuse_files, plan_files

    job = plan_files(visible, infrared, output, overwrite=overwrite)
    fuser = Fuser.from_pretrained(model, backend=backend, threads=threads)
    outcome = fuse_files(fuser, job, overwrite=overwrite)
    for warning in outcome.warnings:
        warn(warning)
    typer.echo(f"{job.output}: {outcome.size}, fused in {outcome.seconds * 1e3:.0f} ms by {describe(fuser)}")


def _fuse_two_folders(
    visible: Path,
    infrared: Path,
    output: Path,
    model: str,
    backend: str,
    threads: int | None,
    overwrite: bool,
) -> None:
    from distilfuse.fuser import Fuser
    from distilfuse.workflows.folders import plan_folders

    plan = plan_folders(visible, infrared, output, overwrite=overwrite)
    say_strays(plan.matching)
    fuser = Fuser.from_pretrained(model, backend=backend, threads=threads)
    start = time.perf_counter()
    outcomes = _run_with_progress(fuser, plan, overwrite)
    elapsed = time.perf_counter() - start
    fused = [outcome for outcome in outcomes if outcome.error is None]
    typer.echo(
        f"{output}: {len(fused)} of {len(outcomes)} pairs fused in {elapsed:.1f} s "
        f"({elapsed / len(outcomes):.3f} s a pair) by {describe(fuser)}"
    )
    failed = [outcome.job.name for outcome in outcomes if outcome.error is not None]
    if failed:
        complain(f"{len(failed)} of {len(outcomes)} pairs failed: {listed(failed)}")
    if failed or plan.matching.ambiguous:
        raise typer.Exit(1)


def _run_with_progress(fuser: Fuser, plan: FolderPlan, overwrite: bool) -> list[Outcome]:
    from contextlib import closing

    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.folders import fuse_folders

    outcomes: list[Outcome] = []
    with (
        progress_bar(len(plan.jobs), plan.jobs[0].name) as (console, advance),
        closing(fuse_folders(fuser, plan, overwrite=overwrite)) as passing,
    ):
        for outcome in passing:
            outcomes.append(outcome)
            done = len(outcomes)
            advance(done, plan.jobs[done].name if done < len(plan.jobs) else "")
            for warning in outcome.warnings:
                console.print(f"{outcome.job.name}: {warning}", style="yellow", markup=False, soft_wrap=True)
            if outcome.error is not None:
                console.print(f"{outcome.job.name} failed: {outcome.error}", style="red", markup=False, soft_wrap=True)
    return outcomes

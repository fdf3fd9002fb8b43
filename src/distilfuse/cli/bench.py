"""``distilfuse bench``: how fast models are here, beside the machine's peak and beside rivals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distilfuse.evaluation.speed import Measured, Peaks, Rival


def bench(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="A released model or a record (.json); repeat it for more.",
            show_default="all released",
        ),
    ] = None,
    backends: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            "-b",
            metavar="NAME",
            help="Repeat it for more.",
            show_default="all installed, but torch-compile",
        ),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", "-s", metavar="WxH", help="Repeat it for more.", show_default="640x480"),
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option("--threads", "-t", metavar="N", help="CPU threads; repeat it for more.", show_default="one a CPU"),
    ] = None,
    batches: Annotated[
        list[int] | None,
        typer.Option("--batch", metavar="N", help="Pairs in one call; repeat it for more.", show_default="1"),
    ] = None,
    rivals: Annotated[
        bool,
        typer.Option(
            "--rivals",
            help="Also time max(), Laplacian pyramids (OpenCV's too, where it is installed) and, with the extra train, "
            "the paper's student done naively and networks of IFCNN's and SeAFusion's size; at the first size only.",
        ),
    ] = False,
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", min=3, help="Timed turns of each case.")] = 15,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.json", help="Write all figures, and beside them a picture (PNG)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output.")] = False,
    against: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE.json", help="Exit status 1 if a case lost 15 % against earlier figures."),
    ] = None,
) -> None:
    """Measure how fast models fuse here.

    Cases take turns, so that a busy moment hits all of them. Times are of one call, uint8 arrays in and out. GFLOP/s,
    and their share of the machine's peak (a matrix product measured in the same run), are of the network alone. MB is
    the peak memory of a process that does nothing else; J what the processor used for a call, where the system tells.

    For example: `distilfuse bench --size 640x480 --size 1920x1080 --rivals -o bench.json`
    """
    from distilfuse.cli.progress import progress_bar
    from distilfuse.evaluation.speed import (
        as_json,
        check_report,
        common_cases,
        plan,
        read_report,
        run,
        slower_cases,
        write_report,
    )
    from distilfuse.zoo import list_models

    if out is not None:
        check_report(out, overwrite=overwrite)
    earlier = read_report(against)["cases"] if against else None
    others = _rivals() if rivals else {}
    chosen = models or list_models()
    cases = plan(
        models=chosen,
        backends=backends,
        sizes=sizes or ["640x480"],
        threads=threads,
        batches=batches or [1],
        rivals=others,
        baselines=rivals,
    )
    if earlier is not None:
        common_cases(earlier, [as_json(case) for case in cases])  # said now, not after minutes
    with progress_bar(rounds, "loading") as (console, advance):
        console.print(f"{len(cases)} cases, {rounds} rounds", highlight=False)
        report = run(cases, others, models=chosen, rounds=rounds, lenient=not backends, told=advance)
    for line in report.left_out:
        typer.echo(f"Left out: {line}", err=True)
    _show(report.measured, report.peaks)
    for name, (least, median) in report.cold.items():
        typer.echo(f"distilfuse fuse, one 640x480 pair, {name}, cold: {least:.2f} s at least, {median:.2f} s median")
    if out is not None:
        write_report(out, report)
        typer.echo(f"Written: {out}, {out.with_suffix('.png').name}", err=True)
    if earlier is None:
        return
    lost = slower_cases(earlier, report.cases())
    for what, times in lost:
        typer.secho(f"{what}: {times:.2f} times its earlier share", fg=typer.colors.RED, err=True)
    if lost:
        raise typer.Exit(1)
    typer.echo(f"No case lost more than 15 % against {against}.")


def _rivals() -> dict[str, Rival]:
    from functools import partial

    from distilfuse.evaluation.extras import installed
    from distilfuse.evaluation.speed import Rival
    from distilfuse.evaluation.speed.rivals import opencv_rivals

    found = opencv_rivals()
    if not found:
        typer.echo("OpenCV is left out, it is not installed: pip install opencv-python-headless", err=True)
    if not installed("torch"):
        typer.echo("Other networks are left out, PyTorch is not installed: pip install 'distilfuse[train]'", err=True)
        return found
    from distilfuse.nets.rivals import RIVALS, open_rival

    return found | {name: Rival(backend="torch", open=partial(open_rival, name)) for name in RIVALS}


def _show(measured: Sequence[Measured], peaks: Sequence[Peaks]) -> None:
    from rich.console import Console
    from rich.table import Table

    from distilfuse.evaluation.speed.report import COLUMNS, row

    table = Table(box=None, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("method", "backend") else "right", no_wrap=True)
    for result in measured:
        table.add_row(*row(result, peaks))
    console = Console()
    console.width = max(console.width, 120)  # a cut number is worse than a broken line
    console.print(table)
    for peak in peaks:
        typer.echo(
            f"This machine's peak, {peak.threads} threads: {peak.gflops:.0f} GFLOP/s in a matrix product, "
            f"{peak.copy_gbs:.1f} GB/s in a copy"
        )

"""``distilfuse fuse``: two files, two folders, or a list of pairs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.options import (
    INFRARED_PANEL,
    RESULT_PANEL,
    Backend,
    Bits,
    BorderOption,
    Color,
    Model,
    Polarity,
    Range,
    RigFile,
    Strength,
    Threads,
)
from distilfuse.cli.sentences import complain, describe, listed, say_strays, warn

if TYPE_CHECKING:
    from distilfuse.fuser import Fuser
    from distilfuse.workflows.files import Job, Outcome
    from distilfuse.workflows.folders import Earlier, FolderPlan
    from distilfuse.workflows.treatment import Treatment

_FOLDERS = "Folders"


def fuse(
    visible: Annotated[
        Path | None,
        typer.Argument(metavar="VISIBLE", help="Visible picture, or a folder of them.", show_default=False),
    ] = None,
    infrared: Annotated[
        Path | None,
        typer.Argument(
            metavar="INFRARED",
            help="Infrared picture (white is hot), or a folder; aligned and of the same size unless there is a --rig.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="File or folder to write.", show_default=False),
    ] = ...,  # type: ignore[assignment]  # Typer's way to say that it must be given
    model: Model = "nano-ivif",
    backend: Backend = "auto",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    thermal_range: Range = "auto",
    polarity: Polarity = "white",
    also: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A further infrared picture (or folder) to fold in; may be repeated.",
            rich_help_panel=INFRARED_PANEL,
        ),
    ] = None,
    rig: RigFile = None,
    border: BorderOption = "crop",
    ir_strength: Strength = 0.5,
    color: Color = "auto",
    bits: Bits = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE",
            help="Fused where it is white, visible where it is black; of the visible picture's size.",
            rich_help_panel=RESULT_PANEL,
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        list[str] | None,
        typer.Option(
            metavar="rgbt|thermal",
            help="Save NAME_rgbt beside each result, visible in R, G, B and thermal as fourth channel; or "
            "NAME_thermal, the infrared picture in colours. May be repeated.",
            rich_help_panel=RESULT_PANEL,
        ),
    ] = None,
    palette: Annotated[
        str, typer.Option(metavar="NAME", help="Colours of NAME_thermal.", rich_help_panel=RESULT_PANEL)
    ] = "grey",
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Sub-folders, too; results keep their place.", rich_help_panel=_FOLDERS),
    ] = False,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST.csv",
            help="Take pairs from a list with the columns visible, infrared and, if wanted, output and mask. Names are "
            "relative to VISIBLE and INFRARED, or to the list.",
            rich_help_panel=_FOLDERS,
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with an earlier run: what was made from the same files with the same settings stays.",
            rich_help_panel=_FOLDERS,
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Wait for further pictures and fuse them, until Ctrl-C.", rich_help_panel=_FOLDERS
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Write down every input, output and warning.",
            rich_help_panel=_FOLDERS,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Fuse two pictures, or two folders of pictures, into one.

    The result has the size, the colours, the bit depth and the alpha of the visible picture, and says of date, place
    and colour profile what that says.

    Two files: OUT is a file (.png, .tif, .bmp, .webp, .jpg) or a folder that exists.

    Two folders: OUT is a folder, made if it is missing. Files belong together if their names are equal up
    to the suffix and endings or beginnings such as `_vis` and `_ir`, `_W` and `_T`, `RGB-` and `IR-`; what
    finds no partner is listed. If a pair fails, it is named and the others go on.

    In a folder a result has the name of the visible picture. PNG, TIFF and BMP keep their suffix; JPEG and
    others become .png, so that nothing is compressed twice.

    Exit status: 0 all fused, 1 something failed or could not be written, 2 wrong input.
    """
    from distilfuse.errors import InputError

    treatment = _treatment(thermal_range, polarity, rig, border, ir_strength, color, bits, save, palette)
    opening = _Opening(model, backend, threads)
    if pairs is None and (visible is None or infrared is None):
        raise InputError("Give VISIBLE and INFRARED, two files or two folders, or a list of pairs with --pairs.")
    if pairs is None and visible and infrared:
        if visible.is_dir() != infrared.is_dir() and visible.exists() and infrared.exists():
            folder, file = (visible, infrared) if visible.is_dir() else (infrared, visible)
            raise InputError(f"{folder} is a folder but {file} is a file: give two files or two folders.")
        if not visible.is_dir():
            given = {"--recursive": recursive, "--resume": resume, "--watch": watch, "--report": report}
            for option in (name for name, value in given.items() if value):
                raise InputError(f"{option} is for folders but {visible} is a file: leave it out or give two folders.")
            _fuse_two_files(visible, infrared, output, opening, treatment, also or [], mask, overwrite)
            return
    if pairs is not None and (also or recursive):
        raise InputError("A list of pairs says itself what belongs together: leave --also and --recursive out.")
    if watch and pairs is not None:
        raise InputError("A list of pairs is complete: leave --watch out.")

    def plan(earlier: Earlier | None) -> FolderPlan:
        from distilfuse.workflows.folders import plan_folders, plan_list

        if pairs is not None:
            return plan_list(
                pairs, output, visible=visible, infrared=infrared, mask=mask, overwrite=overwrite, earlier=earlier
            )
        assert visible is not None
        assert infrared is not None
        return plan_folders(
            visible,
            infrared,
            output,
            recursive=recursive,
            more=also or [],
            mask=mask,
            overwrite=overwrite,
            earlier=earlier,
        )

    _fuse_folders(plan, output, opening, treatment, overwrite=overwrite, resume=resume, watching=watch, report=report)


@dataclass(frozen=True)
class _Opening:
    """How a Fuser is to be opened, once the inputs have been looked at."""

    model: str
    backend: str
    threads: int | None

    def open(self) -> Fuser:
        from distilfuse.fuser import Fuser

        return Fuser.from_pretrained(self.model, backend=self.backend, threads=self.threads)


def _treatment(
    thermal_range: str,
    polarity: str,
    rig: Path | None,
    border: str,
    ir_strength: float,
    color: str,
    bits: int | None,
    save: list[str] | None,
    palette: str,
) -> Treatment:
    from distilfuse.imaging.thermal_range import ThermalRange
    from distilfuse.workflows.alignment.rig import Rig
    from distilfuse.workflows.treatment import Treatment

    return Treatment(
        thermal_range=ThermalRange.parse(thermal_range),
        polarity=polarity,  # type: ignore[arg-type]  # it is checked
        rig=Rig.read(rig) if rig else None,
        border=border,  # type: ignore[arg-type]
        ir_strength=ir_strength,
        color=color,  # type: ignore[arg-type]
        bits=bits,
        save=tuple(save or ()),  # type: ignore[arg-type]
        palette=palette,
    )


def _settle(treatment: Treatment, fuser: Fuser, jobs: list[Job]) -> Treatment:
    from distilfuse.workflows.settling import settle_polarity, spread

    pairs = spread([(job.visible, job.infrared) for job in jobs])
    treatment, remark = settle_polarity(treatment, pairs, task=fuser.record.task)
    if remark:
        warn(remark)
    return treatment


def _fuse_two_files(
    visible: Path,
    infrared: Path,
    output: Path,
    opening: _Opening,
    treatment: Treatment,
    more: list[Path],
    mask: Path | None,
    overwrite: bool,
) -> None:
    from distilfuse.workflows.files import check_extras, fuse_files, plan_files

    job = plan_files(visible, infrared, output, more=more, mask=mask, overwrite=overwrite)
    check_extras([job], treatment, overwrite=overwrite)
    fuser = opening.open()
    outcome = fuse_files(fuser, job, treatment=treatment, overwrite=overwrite)
    for warning in outcome.warnings:
        warn(warning)
    typer.echo(f"{job.output}: {outcome.size}, fused in {outcome.seconds * 1e3:.0f} ms by {describe(fuser)}")


def _fuse_folders(
    plan: Callable[[Earlier | None], FolderPlan],
    output: Path,
    opening: _Opening,
    treatment: Treatment,
    *,
    overwrite: bool,
    resume: bool,
    watching: bool,
    report: Path | None,
) -> None:
    from distilfuse.workflows.files import check_extras
    from distilfuse.workflows.folders import Earlier
    from distilfuse.workflows.ledger import Ledger, digest_of
    from distilfuse.workflows.run_report import check_report_path, write_run_report
    from distilfuse.workflows.watching import watch

    if report is not None:
        check_report_path(report, overwrite=overwrite or resume)
    first = plan(None) if not (resume or watching) else None  # says what is wrong before a model is loaded
    fuser = opening.open()
    earlier = Earlier(Ledger(output), digest_of({"model": fuser.record.sha256, **treatment.to_dict()}))
    if first is None:
        first = plan(earlier) if not watching else None
    if first is not None:
        check_extras(first.jobs, treatment, overwrite=overwrite or resume)
        say_strays(first.matching)
        if first.skipped:
            typer.echo(f"{len(first.skipped)} of {len(first.skipped) + len(first.jobs)} are finished already", err=True)
    settled: Treatment | None = None
    outcomes: list[Outcome] = []
    start = time.perf_counter()
    done = first
    try:
        for part in [first] if first is not None else watch(lambda: plan(earlier)):
            done = part
            if settled is None and part.jobs:
                settled = _settle(treatment, fuser, list(part.jobs))
            if watching:
                typer.echo(f"{len(part.jobs)} new: {listed([job.name for job in part.jobs])}", err=True)
            _run_with_progress(fuser, part, settled or treatment, outcomes, overwrite=overwrite, earlier=earlier)
    except KeyboardInterrupt:
        if not watching:
            raise
    finally:
        elapsed = time.perf_counter() - start
        if report is not None and done is not None:
            write_run_report(report, done, outcomes, fuser=fuser, treatment=settled or treatment, seconds=elapsed)
    if not outcomes:
        typer.echo(f"{output}: nothing to do")
        return
    fused = [outcome for outcome in outcomes if outcome.error is None]
    pace = "" if watching else f" ({elapsed / len(outcomes):.3f} s a pair)"
    typer.echo(f"{output}: {len(fused)} of {len(outcomes)} pairs fused in {elapsed:.1f} s{pace} by {describe(fuser)}")
    failed = [outcome.job.name for outcome in outcomes if outcome.error is not None]
    if failed:
        complain(f"{len(failed)} of {len(outcomes)} pairs failed: {listed(failed)}")
    if failed or (done is not None and done.matching.ambiguous):
        raise typer.Exit(1)


def _run_with_progress(
    fuser: Fuser,
    plan: FolderPlan,
    treatment: Treatment,
    outcomes: list[Outcome],
    *,
    overwrite: bool,
    earlier: Earlier,
) -> None:
    """Fuse a plan's pairs and add to ``outcomes``, which holds what was reached if this is interrupted."""
    from contextlib import closing

    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.folders import fuse_folders

    if not plan.jobs:
        return
    with (
        progress_bar(len(plan.jobs), plan.jobs[0].name) as (console, advance),
        closing(fuse_folders(fuser, plan, treatment=treatment, overwrite=overwrite, earlier=earlier)) as passing,
    ):
        for done, outcome in enumerate(passing, start=1):
            outcomes.append(outcome)
            advance(done, plan.jobs[done].name if done < len(plan.jobs) else "")
            for warning in outcome.warnings:
                console.print(f"{outcome.job.name}: {warning}", style="yellow", markup=False, soft_wrap=True)
            if outcome.error is not None:
                console.print(f"{outcome.job.name} failed: {outcome.error}", style="red", markup=False, soft_wrap=True)

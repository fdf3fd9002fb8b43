"""``distilfuse fuse``: two files, two folders, or a list of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.folder_run import Opening, run_folders
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
from distilfuse.cli.sentences import describe, warn
from distilfuse.cli.treatments import make_treatment

if TYPE_CHECKING:
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

    treatment = make_treatment(
        thermal_range=thermal_range,
        polarity=polarity,
        rig=rig,
        border=border,
        ir_strength=ir_strength,
        color=color,
        bits=bits,
        save=save or [],
        palette=palette,
    )
    opening = Opening(model, backend, threads)
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

    run_folders(
        plan,
        output,
        opening,
        treatment,
        inputs=(visible, infrared),
        overwrite=overwrite,
        resume=resume,
        watching=watch,
        report=report,
    )


def _fuse_two_files(
    visible: Path,
    infrared: Path,
    output: Path,
    opening: Opening,
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

"""``distilfuse camera``: files as thermal cameras write them, with both pictures inside."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.options import Backend, Model, Threads, whole_range
from distilfuse.cli.sentences import complain, describe, listed, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distilfuse.fuser import Fuser
    from distilfuse.workflows.camera import CameraJob, CameraOutcome
    from distilfuse.workflows.camera_pair import Pairing


class Temperature(str, Enum):
    """The kinds of file for temperatures, as the command line has them."""

    tiff = "tiff"
    csv = "csv"
    none = "none"


def camera(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="FLIR radiometric JPEG, or folders of them.", show_default=False),
    ],
    output: Annotated[
        str,  # a path would lose the slash at its end
        typer.Option("--output", "-o", metavar="OUT", help="File or folder to write.", show_default=False),
    ],
    temperature: Annotated[
        Temperature,
        typer.Option(
            "--temperature",
            help="The temperatures as a file beside each result, NAME_temperature: float32 TIFF or CSV.",
        ),
    ] = Temperature.tiff,
    thermal_range: Annotated[
        str,
        typer.Option(
            "--range",
            metavar="LO,HI",
            callback=whole_range,
            help="Degrees Celsius of black and white, such as `15,40`, or percentiles such as `1%,99%`. A series that "
            "is compared needs degrees.",
            show_default="auto, 0.5%,99.5% of each picture",
        ),
    ] = "auto",
    align: Annotated[
        bool,
        typer.Option(
            "--align/--no-align",
            help="Cut the visible picture to what the thermal one shows, by the file's own offsets; or take both as "
            "they are.",
        ),
    ] = True,
    visible: Annotated[
        Path | None,
        typer.Option(
            "--visible",
            metavar="PICTURE",
            help="A picture of the same view, instead of the one inside (one file only).",
            show_default=False,
        ),
    ] = None,
    palette: Annotated[
        bool,
        typer.Option(
            "--palette",
            help="Fuse the picture that the camera shows, by the brightness of its palette, without temperatures: for "
            "DJI and other files whose temperatures cannot be read. Needs --visible.",
        ),
    ] = False,
    model: Model = "nano-ivif",
    backend: Backend = "auto",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
) -> None:
    """Fuse the two pictures that a thermal camera keeps in one file, and write the temperatures.

    Reads FLIR radiometric JPEG files by itself (no ExifTool): counts of the sensor, calibration, the visible
    picture, and where the two lie on each other. The result has the resolution of the visible picture, the view of
    the thermal one, and the date, place and camera of the file (EXIF).

    One file: OUT is a file (.jpg, .png), a folder that exists, or one to be made (with `/` at its end). Several files
    or a folder: OUT is a folder, made if it is missing. In a folder results are named NAME.jpg. If a file fails, it is
    named and the others go on.

    DJI's R-JPEG files are recognised; their temperatures take DJI's own Thermal SDK.

    Exit status: 0 all fused, 1 something failed or could not be written, 2 wrong input.
    """
    from distilfuse.fuser import Fuser
    from distilfuse.imaging.thermal_range import ThermalRange
    from distilfuse.workflows.camera import plan_camera
    from distilfuse.workflows.camera_pair import Pairing

    pairing = Pairing(align=align, visible=visible, palette=palette, thermal_range=ThermalRange.parse(thermal_range))
    jobs = plan_camera(
        files,
        Path(output),
        pairing=pairing,
        sidecar=temperature.value,
        folder=output.endswith(("/", os.sep)),
        overwrite=overwrite,
    )
    fuser = Fuser.from_pretrained(model, backend=backend, threads=threads)
    if len(files) == 1 and not files[0].is_dir():
        _fuse_file(fuser, jobs, pairing, overwrite)
    else:
        _fuse_several(fuser, jobs, pairing, overwrite)


def _fuse_file(fuser: Fuser, jobs: Sequence[CameraJob], pairing: Pairing, overwrite: bool) -> None:
    from distilfuse.workflows.camera import fuse_camera_files

    (outcome,) = fuse_camera_files(fuser, jobs, pairing=pairing, overwrite=overwrite)
    if outcome.error is not None:
        raise outcome.error
    for warning in outcome.warnings:
        warn(warning)
    shown = "" if outcome.limits is None else ", {:.1f} to {:.1f} C".format(*outcome.limits)
    typer.echo(
        f"{outcome.job.output}: {outcome.size}{shown}, fused in {outcome.seconds * 1e3:.0f} ms by {describe(fuser)}"
    )
    if outcome.job.sidecar is not None:
        typer.echo(f"{outcome.job.sidecar}: temperatures in degrees Celsius")


def _fuse_several(fuser: Fuser, jobs: Sequence[CameraJob], pairing: Pairing, overwrite: bool) -> None:
    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.camera import fuse_camera_files

    outcomes: list[CameraOutcome] = []
    with progress_bar(len(jobs), jobs[0].source.name) as (console, advance):
        for outcome in fuse_camera_files(fuser, jobs, pairing=pairing, overwrite=overwrite):
            outcomes.append(outcome)
            done = len(outcomes)
            advance(done, jobs[done].source.name if done < len(jobs) else "")
            for warning in outcome.warnings:
                console.print(warning, style="yellow", markup=False, soft_wrap=True)
            if outcome.error is not None:
                said = f"{outcome.job.source.name} failed: {outcome.error}"
                console.print(said, style="red", markup=False, soft_wrap=True)
    failed = [outcome.job.source.name for outcome in outcomes if outcome.error is not None]
    typer.echo(f"{jobs[0].output.parent}: {len(jobs) - len(failed)} of {len(jobs)} files fused by {describe(fuser)}")
    if failed:
        complain(f"{len(failed)} of {len(jobs)} files failed: {listed(failed)}")
        raise typer.Exit(1)

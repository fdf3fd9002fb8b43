"""``distilfuse volume``: PET, SPECT or CT with MRI, as volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distilfuse.cli.options import Backend, Model, Threads
from distilfuse.cli.sentences import describe, warn


def volume(
    functional: Annotated[
        Path,
        typer.Argument(
            metavar="PET",
            help="PET, SPECT or CT: a NIfTI file, the folder of a DICOM series, or one of its files.",
            show_default=False,
        ),
    ],
    anatomical: Annotated[
        Path,
        typer.Argument(
            metavar="MR", help="MRI, likewise, registered to it. The result lies on its grid.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="A .nii.gz or .nii file to write, or a folder for a DICOM series.",
            show_default=False,
        ),
    ],
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="DIR", help="Write the slices as pictures, too.", show_default=False),
    ] = None,
    mip: Annotated[
        bool,
        typer.Option("--mip", help="Write maximum-intensity projections from three sides, into DIR or beside OUT."),
    ] = False,
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            "-w",
            metavar="UNIT:LOW,HIGH",
            help="Which values of PET are black and full: `suv:0,6`, `hu:-100,300`, `raw:0,1200` or "
            "`percent:0.5,99.5`. One for the whole volume.",
            show_default="suv:0,6 for PET and hu:-100,300 for CT in DICOM, else percent:0.5,99.5",
        ),
    ] = None,
    mr_window: Annotated[
        str | None,
        typer.Option("--mr-window", metavar="UNIT:LOW,HIGH", help="The same for MR.", show_default="percent:0.5,99.5"),
    ] = None,
    palette: Annotated[
        str | None,
        typer.Option(
            "--palette",
            metavar="NAME",
            help="Colours of PET: hot (black, red, amber), ice (black, blue, cyan), grey.",
            show_default="grey for CT, else hot",
        ),
    ] = None,
    model: Model = "nano-medical",
    backend: Backend = "auto",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
) -> None:
    """Fuse two medical volumes, for research only.

    PET is brought to the grid of MR by the affines of both, which must be registered to each other, and fused slice
    by slice. In colour the result is an RGB volume, otherwise one of 8-bit grey. A NIfTI result keeps the header of MR;
    a DICOM result is a series of secondary captures in the study of MR.

    SUV is by body weight, from the tags of a DICOM series; the values of a NIfTI file are taken to be SUV or HU.

    Exit status: 0 all written, 1 something could not be written, 2 wrong input.
    """
    from distilfuse.cli.progress import progress_bar
    from distilfuse.fuser import Fuser
    from distilfuse.imaging.volumes import NOTICE
    from distilfuse.imaging.volumes.windows import parse_window
    from distilfuse.workflows.volume_plan import VolumePlan, check_plan
    from distilfuse.workflows.volumes import fuse_volumes, load_volumes, write_fused_volumes

    plan = VolumePlan(
        functional=functional,
        anatomical=anatomical,
        output=output,
        png=png,
        mip=mip,
        window=parse_window(window) if window else None,
        anatomical_window=parse_window(mr_window) if mr_window else None,
        palette=palette,
    )
    check_plan(plan, overwrite=overwrite)
    pair = load_volumes(plan)
    fuser = Fuser.from_pretrained(model, backend=backend, threads=threads)
    warn(NOTICE)
    for remark in pair.remarks:
        typer.echo(remark, err=True)
    with progress_bar(pair.steps, functional.name) as (_, advance):
        result = fuse_volumes(fuser, pair, lambda done: advance(done, functional.name))
    write_fused_volumes(plan, pair, result)
    grid = pair.anatomical.grid
    typer.echo(
        f"{output}: {'x'.join(map(str, grid.shape))} voxels of {'x'.join(f'{step:.3g}' for step in grid.spacing)} mm, "
        f"{'RGB' if result.fused.ndim == 4 else 'grey'}, fused in {result.seconds:.1f} s by {describe(fuser)}"
    )

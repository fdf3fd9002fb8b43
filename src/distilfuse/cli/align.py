"""``distilfuse align``: how two cameras that are fixed to one another see, once for all later pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.sentences import pair_word, say_strays

if TYPE_CHECKING:
    from distilfuse.workflows.alignment.files import AlignPlan
    from distilfuse.workflows.alignment.points import PointFit
    from distilfuse.workflows.alignment.rig import Rig


def align(
    visible: Annotated[
        Path,
        typer.Argument(metavar="VIS", help="Visible picture, or a folder of them.", show_default=False),
    ],
    infrared: Annotated[
        Path,
        typer.Argument(
            metavar="IR",
            help="Infrared picture, or a folder of them; of any size, from a camera fixed to the visible one.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="RIG", help="The rig to write, a .json file.", show_default=False),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME",
            help="similarity, affine or homography; auto takes the stiffest that parts of the pictures held out bear "
            "out.",
        ),
    ] = "auto",
    points: Annotated[
        Path | None,
        typer.Option(
            "--points",
            metavar="CSV",
            help="Points set by hand instead, a line x_vis,y_vis,x_ir,y_ir each: at least 2 for a similarity, 3 for an "
            "affine map, 4 for a homography.",
            show_default=False,
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview",
            metavar="DIR",
            help="Folder for NAME_checkerboard.png and NAME_overlay.png, to check the result by eye.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        int, typer.Option("--pairs", metavar="N", min=1, help="Pairs of two folders to look at, evenly chosen.")
    ] = 12,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
) -> None:
    """Align an infrared camera to the visible one beside it, once for all their pictures.

    Writes RIG with the transformation from infrared to visible pixels, the sizes, and how far to trust it.

    Two folders are better than two files: a rig is one, so all pairs speak for the same transformation. Files belong
    together as for `distilfuse fuse`.

    Found by the edges that both cameras see, coarse to fine: scale within 0.5 to 1.35 of fitting in, rotation up to
    about 8 degrees, any shift that leaves most of the picture. What it is not sure of it refuses, with the reason; then
    give more pairs, or points by hand.

    Exit status: 0 written, 1 could not be written, 2 wrong input or refused.
    """
    from distilfuse.errors import ConfigError
    from distilfuse.imaging.transforms import MODELS
    from distilfuse.workflows.alignment.files import align_points, plan_align, write_aligned

    if model not in ("auto", *MODELS):
        raise ConfigError(f"Unknown model {model!r}: choose from auto, {', '.join(MODELS)}.")
    plan = plan_align(visible, infrared, output, preview_folder=preview, most=pairs, overwrite=overwrite)
    say_strays(plan.matching)
    if points is None:
        rig = _align_with_progress(plan, model)
    else:
        rig, found = align_points(plan, points, model=model)
        _say_residuals(found)
    write_aligned(plan, rig, overwrite=overwrite)
    typer.echo(f"{output}: {_in_words(rig, len(plan.pairs))}")


def _align_with_progress(plan: AlignPlan, model: str) -> Rig:
    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.alignment.estimation import STEPS
    from distilfuse.workflows.alignment.files import align

    with progress_bar(len(plan.pairs) + STEPS, "reading") as (_, advance):

        def tell(done: int, total: int) -> None:
            advance(done, "reading" if done < len(plan.pairs) else "aligning")

        return align(plan, model=model, advance=tell)


def _say_residuals(found: PointFit) -> None:
    for number, residual in enumerate(found.residuals, start=1):
        typer.echo(f"point {number}: {residual:.2f} px")


def _in_words(rig: Rig, pairs: int) -> str:
    figures = rig.figures
    if rig.confidence is None:
        mean, largest = figures["residual_mean_px"], figures["residual_largest_px"]
        return (
            f"{rig.model} through {figures['points']:.0f} points, missed by {mean:.2f} px on average and "
            f"{largest:.2f} px at most"
        )
    return (
        f"{rig.model} from {pairs} {pair_word(pairs)}, confidence {rig.confidence:.2f} ({figures['agreement']:.0%} of "
        f"{figures['patches']:.0f} held-out patches agree, halves of the picture to {figures['halves_px']:.1f} px, "
        f"there and back to {figures['cycle_px']:.1f} px)"
    )

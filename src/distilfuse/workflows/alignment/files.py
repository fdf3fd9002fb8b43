"""Files to be aligned: two pictures or two folders in, a rig and previews out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError, OutputError
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.pairs import Matching, Pair, match_folders
from distilfuse.imaging.reading import read_image
from distilfuse.imaging.scaling import to_unit
from distilfuse.imaging.strips import planes_of
from distilfuse.imaging.writing import write_image
from distilfuse.workflows.alignment.estimation import FINEST, STEPS, estimate, trust
from distilfuse.workflows.alignment.points import PointFit, fit_points, read_points
from distilfuse.workflows.alignment.preview import preview
from distilfuse.workflows.alignment.rig import Rig
from distilfuse.workflows.alignment.views import Sizes, View
from distilfuse.workflows.folders import some

MOST_PAIRS = 12
"""Pairs of two folders that are looked at, by default."""
PREVIEWED = 3
"""Pairs of two folders that previews are made of."""


@dataclass(frozen=True)
class AlignPlan:
    """What will be aligned, and where to."""

    output: Path
    pairs: tuple[Pair, ...]
    """To be looked at together."""
    previews: tuple[tuple[Pair, Path, Path], ...] = ()
    """A pair, its checkerboard and its overlay."""
    matching: Matching | None = None
    """What became of each file; None for two files."""


def plan_align(
    visible: Path,
    infrared: Path,
    output: Path,
    *,
    preview_folder: Path | None = None,
    most: int = MOST_PAIRS,
    overwrite: bool = False,
) -> AlignPlan:
    """Pair the files and find out what can be found out before any work; nothing is written.

    Args:
        visible: a picture, or a folder of pictures of one rig.
        infrared: the same, matched by :func:`distilfuse.imaging.pairs.match_folders`.
        output: the rig, a ``.json`` file to write.
        preview_folder: where previews go, made later if it is missing.
        most: pairs of two folders to look at, spread evenly over all.
        overwrite: existing files may be replaced (never one of the inputs).

    Raises:
        InputError: a file or folder is missing or empty, a file is given with a folder, or no names match.
        OutputError: an output cannot be written, exists, or is an input.
        MissingDependencyError: OpenCV (extra ``align``) is not installed.
    """
    opencv()
    for path in (visible, infrared):
        if not path.exists():
            raise InputError(f"{path} does not exist: check the name.")
    if visible.is_dir() != infrared.is_dir():
        folder, file = (visible, infrared) if visible.is_dir() else (infrared, visible)
        raise InputError(f"{folder} is a folder but {file} is a file: give two files or two folders.")
    matching = match_folders(visible, infrared) if visible.is_dir() else None
    every = (Pair(visible.stem, visible, infrared),) if matching is None else matching.pairs
    if not every:
        raise InputError(f"Every name in {visible} and {infrared} is claimed by several files: keep one each.")
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    pairs = tuple(every[number] for number in chosen)
    previews: tuple[tuple[Pair, Path, Path], ...] = ()
    if preview_folder is not None:
        previews = tuple(
            (pair, preview_folder / f"{pair.name}_checkerboard.png", preview_folder / f"{pair.name}_overlay.png")
            for pair in pairs[:PREVIEWED]
        )
    _check_targets(output, preview_folder, [path for _, *paths in previews for path in paths], every, overwrite)
    return AlignPlan(output, pairs, previews, matching)


def _check_targets(
    output: Path, preview_folder: Path | None, previews: Sequence[Path], pairs: Sequence[Pair], overwrite: bool
) -> None:
    if output.suffix.lower() != ".json":
        raise OutputError(f"{output} does not end in .json, as a rig does: name it {output.name}.json.")
    if not output.parent.is_dir():
        raise OutputError(f"{output} cannot be written because {output.parent} is no folder: make it or name another.")
    if output.is_dir():
        raise OutputError(f"{output} cannot be written because a folder has that name.")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists: add --overwrite to replace it.")
    for folder in (preview_folder, *preview_folder.parents) if preview_folder else ():
        if folder.exists():
            if not folder.is_dir():
                raise OutputError(
                    f"{preview_folder} cannot be a folder because {folder} is a file: name another --preview."
                )
            break
    inputs = {path.resolve() for pair in pairs for path in (pair.visible, pair.infrared)}
    for path in previews:
        if path.resolve() in inputs:
            raise OutputError(f"{path} is one of the pictures to be aligned: name another --preview.")
    if not overwrite and (taken := [path.name for path in previews if path.exists()]):
        raise OutputError(
            f"{len(taken)} of {len(previews)} previews exist in {preview_folder} ({some(taken)}): add --overwrite to "
            "replace them, or name another folder."
        )


def align(
    plan: AlignPlan, *, model: str = "auto", advance: Callable[[int, int], None] = lambda done, total: None
) -> Rig:
    """Align the pairs of a plan with one another; nothing is written.

    Args:
        plan: from :func:`plan_align`.
        model: see :func:`distilfuse.workflows.alignment.estimation.estimate`.
        advance: told how many of how many steps are done.

    Raises:
        InputError: a picture that cannot be read, sizes that differ from pair to pair, pictures too small; or the
            result is not to be trusted: the message holds the confidence and the reason.
    """
    steps = len(plan.pairs) + STEPS
    views: list[View] = []
    sizes: Sizes = ((0, 0), (0, 0))
    for number, pair in enumerate(plan.pairs):
        whole = View(_read(pair.visible), _read(pair.infrared))
        if views and whole.sizes != sizes:
            raise InputError(
                f"{pair.visible} and {pair.infrared} have other sizes than {plan.pairs[0].visible} and "
                f"{plan.pairs[0].infrared}: a rig is of two cameras whose pictures keep their size."
            )
        sizes = whole.sizes
        views.append(whole.reduced(FINEST))
        advance(number + 1, steps)
    found = estimate(views, sizes=sizes, model=model, advance=lambda done: advance(len(views) + done, steps))
    trusted = trust(found)
    return Rig(
        matrix=trusted.matrix,
        visible_size=sizes[0],
        infrared_size=sizes[1],
        model=trusted.model,
        confidence=round(trusted.evidence.confidence, 4),
        figures=trusted.evidence.figures(len(views), max(sizes[0])),
    )


def align_points(plan: AlignPlan, points: Path, *, model: str = "auto") -> tuple[Rig, PointFit]:
    """A rig from points set by hand in the first pair of a plan; nothing is written.

    Raises:
        InputError: a picture or the points cannot be read, or determine no transformation.
    """
    pair = plan.pairs[0]
    visible_size, infrared_size = read_image(pair.visible).size, read_image(pair.infrared).size
    found = fit_points(*read_points(points, visible_size, infrared_size), model)
    figures = {
        "points": float(len(found.residuals)),
        "residual_mean_px": float(found.residuals.mean()),
        "residual_largest_px": float(found.residuals.max()),
    }
    return Rig(found.matrix, visible_size, infrared_size, found.model, None, figures), found


def write_aligned(plan: AlignPlan, rig: Rig, *, overwrite: bool = False) -> None:
    """Write the previews of a plan, then the rig.

    Raises:
        OutputError: one cannot be written; the rig is then not there.
        InputError: a rig that leaves no overlap.
    """
    rig.warper(rig.visible_size, rig.infrared_size)  # what cannot be used is not written
    for pair, *paths in plan.previews:
        try:
            paths[0].parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {paths[0].parent} cannot be made ({error.strerror}): name another --preview."
            ) from error
        pictures = preview(rig, _colour(pair.visible), _colour(pair.infrared))
        for path, picture in zip(paths, pictures, strict=True):
            write_image(path, picture, overwrite=overwrite)
    rig.write(plan.output)


def _colour(path: Path) -> NDArray[Any]:
    """``H x W`` or ``H x W x 3`` at full scale; floats in any range, such as degrees, are stretched to 0..1."""
    colour, _ = planes_of(read_image(path))
    if colour.dtype.kind != "f":
        return colour
    if not np.isfinite(colour).all():
        raise InputError(f"{path} holds NaN or infinite values: replace them first.")
    low, high = float(colour.min()), float(colour.max())
    return ((colour - low) / max(high - low, 1e-12)).astype(np.float32)


def _read(path: Path) -> NDArray[np.float32]:
    colour = _colour(path)
    return luminance(colour) if colour.ndim == 3 else to_unit(colour)

"""Two files in, one file out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.memory import give_back
from distilfuse.imaging.metadata import Metadata
from distilfuse.imaging.reading import read_picture
from distilfuse.imaging.strips import picture_of
from distilfuse.imaging.writing import LOSSLESS, check_target, write_image
from distilfuse.workflows.remarks import hearing, remarks
from distilfuse.workflows.settling import settle_polarity
from distilfuse.workflows.treatment import Treated, Treatment, fuse_treated


@dataclass(frozen=True)
class Job:
    """One pair to fuse, and where to."""

    name: str
    """For progress and messages."""
    visible: Path
    infrared: Path
    output: Path
    more: tuple[Path, ...] = ()
    """Further pictures to fold in, one after the other."""
    mask: Path | None = None
    """Fused where it is white, visible where it is black."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that are read."""
        return (self.visible, self.infrared, *self.more, *([self.mask] if self.mask else []))


@dataclass(frozen=True)
class Outcome:
    """What became of a job."""

    job: Job
    size: str = ""
    """``WIDTHxHEIGHT`` of the fused picture."""
    seconds: float = 0.0
    """In the Fuser, without reading and writing."""
    warnings: tuple[str, ...] = ()
    error: DistilfuseError | None = None


def output_name(visible: Path) -> str:
    """The visible picture's name; lossless suffixes stay, others become ``.png``: nothing is lost twice."""
    return visible.name if visible.suffix.lower() in LOSSLESS else f"{visible.stem}.png"


def plan_files(
    visible: Path,
    infrared: Path,
    output: Path,
    *,
    more: Sequence[Path] = (),
    mask: Path | None = None,
    overwrite: bool = False,
) -> Job:
    """Decide where the fused picture goes and find out what can be found out before any work.

    Args:
        visible: a picture file.
        infrared: a picture file.
        output: a file to write, or a folder that exists: the file in it is then named by :func:`output_name`.
        more: further pictures to fold in.
        mask: see :attr:`Job.mask`.
        overwrite: an existing file may be replaced (never one of the inputs).

    Raises:
        InputError: an input is missing.
        OutputError: the output cannot be written; see :func:`distilfuse.imaging.writing.check_target`.
    """
    inputs = (visible, infrared, *more, *([mask] if mask else []))
    for path in inputs:
        if not path.exists():
            raise InputError(f"{path} does not exist: check the name.")
    if output.is_dir():
        output = output / output_name(visible)
    elif not output.suffix:
        raise OutputError(f"{output} is neither a folder that exists nor a file name such as {output}.png.")
    refuse_inputs(output, inputs)
    check_target(output, overwrite=overwrite)
    return Job(visible.stem, visible, infrared, output, tuple(more), mask)


def refuse_inputs(output: Path, inputs: tuple[Path, ...]) -> None:
    """Refuse to write over a picture that is being read.

    Raises:
        OutputError: ``output`` is one of ``inputs``.
    """
    if any(output.resolve() == path.resolve() for path in inputs):
        raise OutputError(f"{output} is one of the pictures to be fused: name another output.")


@dataclass(frozen=True)
class LoadedPair:
    """The pictures of a job: arrays, which take less memory than Pillow's pictures."""

    visible: NDArray[Any]
    """``H x W`` or ``H x W x 3``."""
    alpha: NDArray[Any] | None
    infrared: tuple[NDArray[Any], ...]
    """One, and those to be folded in."""
    mask: NDArray[Any] | None
    metadata: Metadata
    """Of the visible picture."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FusedPicture:
    """What a job gives, not yet written."""

    treated: Treated
    metadata: Metadata
    warnings: tuple[str, ...]


def fuse_files(fuser: Fuser, job: Job, *, treatment: Treatment = Treatment(), overwrite: bool = False) -> Outcome:
    """Read, settle the polarity, fuse, write.

    Raises:
        InputError: a picture that cannot be read or fused.
        OutputError: the result cannot be written; nothing is left of it then.
    """
    with hearing():
        pair = read_pair(job, treatment)
        treatment, remark = settle_polarity(treatment, [(pair.visible, pair.infrared[0])], task=fuser.record.task)
        fused = fuse_pair(fuser, pair, treatment)
        del pair  # the writer needs its memory
        outcome = write_fused(job, fused, overwrite=overwrite)
    return replace(outcome, warnings=(remark, *outcome.warnings)) if remark else outcome


def read_pair(job: Job, treatment: Treatment = Treatment()) -> LoadedPair:
    """The first stage of a job, see :func:`fuse_files`."""
    with remarks() as said:
        picture = read_picture(job.visible)
        visible = picture.colour
        infrared = []
        for path in (job.infrared, *job.more):
            infrared.append(read_picture(path).colour)
            if treatment.rig is None and infrared[-1].shape[:2] != visible.shape[:2]:
                raise InputError(
                    f"{job.visible} is {_size(visible)} pixels but {path} is {_size(infrared[-1])}: resize one to the "
                    "other if they show the same, or align them with distilfuse align."
                )
        mask = read_picture(job.mask).colour if job.mask else None
        give_back(visible.size)
    return LoadedPair(visible, picture.alpha, tuple(infrared), mask, picture.metadata, tuple(said))


def fuse_pair(fuser: Fuser, pair: LoadedPair, treatment: Treatment = Treatment()) -> FusedPicture:
    """The second stage of a job, see :func:`fuse_files`."""
    with remarks() as said:
        treated = fuse_treated(fuser, pair.visible, pair.infrared, treatment, alpha=pair.alpha, mask=pair.mask)
    return FusedPicture(treated, pair.metadata, (*pair.warnings, *said))


def write_fused(
    job: Job, fused: FusedPicture, *, overwrite: bool = False, abandon: Callable[[], bool] = lambda: False
) -> Outcome:
    """The last stage of a job, see :func:`fuse_files` and :func:`distilfuse.imaging.writing.write_image`.

    The fused picture is written last: where it is there, all is.
    """
    treated = fused.treated
    with remarks() as said:
        for extra, (colour, fourth) in treated.extras.items():
            write_planes(extra_path(job.output, extra), colour, fourth, Metadata(), overwrite=True, abandon=abandon)
        write_planes(job.output, treated.colour, treated.alpha, fused.metadata, overwrite=overwrite, abandon=abandon)
        give_back(treated.colour.size)
    every = tuple(dict.fromkeys((*fused.warnings, *said)))
    return Outcome(job, _size(treated.colour), treated.seconds, every)


def check_extras(jobs: Sequence[Job], treatment: Treatment, *, overwrite: bool) -> None:
    """Find out before any work whether what is saved beside results would replace something.

    Raises:
        OutputError: a file of that name exists.
    """
    for job in jobs:
        for extra in treatment.save:
            path = extra_path(job.output, extra)
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists: add --overwrite (overwrite=True) to replace it.")


def extra_path(output: Path, extra: str) -> Path:
    """Where what is saved beside a fused picture goes: ``NAME_thermal.png``, in a format that holds four channels."""
    suffix = output.suffix if output.suffix.lower() in (".png", ".tif", ".tiff") else ".png"
    return output.with_name(f"{output.stem}_{extra}{suffix}")


def write_planes(
    path: Path,
    colour: NDArray[Any],
    alpha: NDArray[Any] | None,
    metadata: Metadata,
    *,
    overwrite: bool,
    abandon: Callable[[], bool] = lambda: False,
) -> None:
    """Write planes as :func:`distilfuse.imaging.writing.write_image` writes pictures.

    Args:
        path: see there.
        colour: ``H x W`` or ``H x W x 3``.
        alpha: ``H x W`` of the same type.
        metadata: what the file shall say besides.
        overwrite: see there.
        abandon: see there.

    Raises:
        Abandoned, OutputError: see there.
    """
    if colour.dtype == np.uint16 and (colour.ndim == 3 or alpha is not None):
        if colour.ndim == 2:
            colour = np.dstack([colour] * 3)
        write_image(path, colour if alpha is None else np.dstack([colour, alpha]), overwrite=overwrite, abandon=abandon)
        return
    image = picture_of(colour, alpha)
    metadata.put(image)
    write_image(path, image, overwrite=overwrite, abandon=abandon)


def _size(plane: NDArray[Any]) -> str:
    height, width = plane.shape[:2]
    return f"{width}x{height}"

"""Two files in, one file out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.memory import give_back
from distilfuse.imaging.reading import read_image
from distilfuse.imaging.strips import picture_of, planes_of
from distilfuse.imaging.writing import LOSSLESS, check_target, write_image
from distilfuse.workflows.remarks import hearing, remarks


@dataclass(frozen=True)
class Job:
    """One pair to fuse, and where to."""

    name: str
    """For progress and messages."""
    visible: Path
    infrared: Path
    output: Path


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


def plan_files(visible: Path, infrared: Path, output: Path, *, overwrite: bool = False) -> Job:
    """Decide where the fused picture goes and find out what can be found out before any work.

    Args:
        visible: a picture file.
        infrared: a picture file.
        output: a file to write, or a folder that exists: the file in it is then named by :func:`output_name`.
        overwrite: an existing file may be replaced (never one of the two inputs).

    Raises:
        InputError: an input is missing.
        OutputError: the output cannot be written; see :func:`distilfuse.imaging.writing.check_target`.
    """
    for path in (visible, infrared):
        if not path.exists():
            raise InputError(f"{path} does not exist: check the name.")
    if output.is_dir():
        output = output / output_name(visible)
    elif not output.suffix:
        raise OutputError(f"{output} is neither a folder that exists nor a file name such as {output}.png.")
    refuse_inputs(output, (visible, infrared))
    check_target(output, overwrite=overwrite)
    return Job(visible.stem, visible, infrared, output)


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
    infrared: NDArray[Any]
    profile: bytes | None
    """The colour profile (ICC) of the visible picture."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FusedPicture:
    """What a job gives, not yet written."""

    colour: NDArray[Any]
    alpha: NDArray[Any] | None
    profile: bytes | None
    seconds: float
    warnings: tuple[str, ...]


def fuse_files(fuser: Fuser, job: Job, *, overwrite: bool = False) -> Outcome:
    """Read, fuse, write.

    Raises:
        InputError: a picture that cannot be read or fused.
        OutputError: the result cannot be written; nothing is left of it then.
    """
    with hearing():
        pair = read_pair(job)
        fused = fuse_pair(fuser, pair)
        del pair  # the writer needs its memory
        return write_fused(job, fused, overwrite=overwrite)


def read_pair(job: Job) -> LoadedPair:
    """The first stage of a job, see :func:`fuse_files`."""
    with remarks() as said:
        image = read_image(job.visible)
        size, profile = image.size, image.info.get("icc_profile")
        visible, alpha = planes_of(image)
        del image  # before there is another: Pillow's pictures are the larger part of the memory
        image = read_image(job.infrared)
        if image.size != size:
            raise InputError(
                f"{job.visible} is {size[0]}x{size[1]} pixels but {job.infrared} is "
                f"{image.width}x{image.height}: resize or align one to the other first."
            )
        infrared, _ = planes_of(image)
        del image
        give_back(visible.size)
    return LoadedPair(visible, alpha, infrared, profile, tuple(said))


def fuse_pair(fuser: Fuser, pair: LoadedPair) -> FusedPicture:
    """The second stage of a job, see :func:`fuse_files`."""
    with remarks() as said:
        start = time.perf_counter()
        colour = fuser(pair.visible, pair.infrared)
        seconds = time.perf_counter() - start
    return FusedPicture(colour, pair.alpha, pair.profile, seconds, (*pair.warnings, *said))


def write_fused(
    job: Job, fused: FusedPicture, *, overwrite: bool = False, abandon: Callable[[], bool] = lambda: False
) -> Outcome:
    """The last stage of a job, see :func:`fuse_files` and :func:`distilfuse.imaging.writing.write_image`."""
    with remarks() as said:
        image = picture_of(fused.colour, fused.alpha)
        if fused.profile:
            image.info["icc_profile"] = fused.profile
        write_image(job.output, image, overwrite=overwrite, abandon=abandon)
        del image
        give_back(fused.colour.size)
    every = tuple(dict.fromkeys((*fused.warnings, *said)))
    height, width = fused.colour.shape[:2]
    return Outcome(job, f"{width}x{height}", fused.seconds, every)

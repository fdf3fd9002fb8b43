"""Two files in, one file out."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.reading import read_image
from distilfuse.imaging.writing import LOSSLESS, check_target, write_image


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


def fuse_files(fuser: Fuser, job: Job, *, overwrite: bool = False) -> Outcome:
    """Read, fuse, write.

    Raises:
        InputError: a picture that cannot be read or fused.
        OutputError: the result cannot be written; nothing is left of it then.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        visible, infrared = read_image(job.visible), read_image(job.infrared)
        if visible.size != infrared.size:
            raise InputError(
                f"{job.visible} is {visible.width}x{visible.height} pixels but {job.infrared} is "
                f"{infrared.width}x{infrared.height}: resize or align one to the other first."
            )
        start = time.perf_counter()
        fused = fuser(visible, infrared)
        seconds = time.perf_counter() - start
        write_image(job.output, fused, overwrite=overwrite)
    said = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    return Outcome(job, f"{fused.width}x{fused.height}", seconds, said)

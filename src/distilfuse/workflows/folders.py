"""Two folders in, one folder out: pairs by name, one failure does not stop the rest."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.pairs import Matching, match_folders
from distilfuse.imaging.reading import count_pixels
from distilfuse.workflows.files import (
    FusedPicture,
    Job,
    LoadedPair,
    Outcome,
    fuse_pair,
    output_name,
    read_pair,
    refuse_inputs,
    write_fused,
)
from distilfuse.workflows.pipeline import Stages, run_pipeline
from distilfuse.workflows.remarks import hearing

PIXELS_IN_FLIGHT = 1 << 27
"""Of visible and infrared pictures together, from before they are read until the result is written: about 10 bytes
each. Small pictures are bounded by the queues instead, and those of 64 megapixels and more go one after another."""

EXPECTED = (DistilfuseError, MemoryError)
"""What may fail for one pair and not stop the rest."""

_SHOWN = 3
"""Names given as examples in a message."""


@dataclass(frozen=True)
class FolderPlan:
    """What will be done with two folders."""

    output: Path
    jobs: tuple[Job, ...]
    matching: Matching


def plan_folders(visible: Path, infrared: Path, output: Path, *, overwrite: bool = False) -> FolderPlan:
    """Pair two folders and find out what can be found out before any work; nothing is written.

    Args:
        visible: a folder with pictures.
        infrared: a folder with pictures, matched by :func:`distilfuse.imaging.pairs.match_folders`.
        output: a folder, made later if it is missing.
        overwrite: existing files may be replaced (never one of the inputs).

    Raises:
        InputError: a folder is missing or empty, or no names match.
        OutputError: ``output`` is a file, lies under one, or holds results already.
    """
    matching = match_folders(visible, infrared)
    if not matching.pairs:
        names = ", ".join(path.name for path in matching.ambiguous[0])
        raise InputError(
            f"Every name in {visible} and {infrared} is claimed by several files (such as {names}): keep one each."
        )
    for folder in (output, *output.parents):
        if folder.exists():
            if not folder.is_dir():
                raise OutputError(f"{output} cannot be a folder because {folder} is a file: name another output.")
            break
    jobs = tuple(
        Job(pair.name, pair.visible, pair.infrared, output / output_name(pair.visible)) for pair in matching.pairs
    )
    for job in jobs:
        refuse_inputs(job.output, (job.visible, job.infrared))
    if not overwrite and (taken := [job.output.name for job in jobs if job.output.exists()]):
        raise OutputError(
            f"{len(taken)} of {len(jobs)} outputs exist in {output} ({some(taken)}): add --overwrite to "
            "replace them, or name another folder."
        )
    return FolderPlan(output, jobs, matching)


def fuse_folders(fuser: Fuser, plan: FolderPlan, *, overwrite: bool = False) -> Generator[Outcome, None, None]:
    """Fuse pair after pair, while the next are being read and the last being written.

    Close the iterator (:func:`contextlib.closing`) if it may be left early; see
    :func:`distilfuse.workflows.pipeline.run_pipeline`.

    Yields:
        An outcome for each pair, in the order of the plan, with its error where it failed.

    Raises:
        OutputError: the output folder cannot be made.
    """
    try:
        plan.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {plan.output} cannot be made ({error.strerror}): name another output."
        ) from error
    stages = folder_stages(fuser, overwrite=overwrite)
    passing = run_pipeline(plan.jobs, stages, room=PIXELS_IN_FLIGHT, expected=EXPECTED)
    with hearing(), closing(passing):
        for finished in passing:
            job, failure = finished.item, finished.error
            if isinstance(failure, MemoryError):
                failure = InputError(f"{job.visible} is too large for the free memory: scale it down.")
            if isinstance(failure, DistilfuseError):
                yield Outcome(job, error=failure)
            elif finished.result is not None:
                yield finished.result


def folder_stages(fuser: Fuser, *, overwrite: bool = False) -> Stages[Job, LoadedPair, FusedPicture, Outcome]:
    """What is done to each pair, for a pipeline within :func:`distilfuse.workflows.remarks.hearing`."""
    return Stages(
        read=read_pair,
        work=lambda job, pair: fuse_pair(fuser, pair),
        write=lambda job, fused, abandon: write_fused(job, fused, overwrite=overwrite, abandon=abandon),
        weigh=lambda job: count_pixels(job.visible) + count_pixels(job.infrared),
    )


def some(names: list[str]) -> str:
    """The first few names, for a message."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")

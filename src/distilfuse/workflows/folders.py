"""Two folders in, one folder out: pairs by name, one failure does not stop the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.pairs import Matching, match_folders
from distilfuse.workflows.files import Job, Outcome, fuse_files, output_name, refuse_inputs

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


def fuse_folders(fuser: Fuser, plan: FolderPlan, *, overwrite: bool = False) -> Iterator[Outcome]:
    """Fuse pair after pair; an outcome for each, with its error where it failed.

    Raises:
        OutputError: the output folder cannot be made.
    """
    try:
        plan.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {plan.output} cannot be made ({error.strerror}): name another output."
        ) from error
    for job in plan.jobs:
        try:
            yield fuse_files(fuser, job, overwrite=overwrite)
        except DistilfuseError as error:
            yield Outcome(job, error=error)
        except MemoryError:
            yield Outcome(job, error=InputError(f"{job.visible} is too large for the free memory: scale it down."))


def some(names: list[str]) -> str:
    """The first few names, for a message."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")

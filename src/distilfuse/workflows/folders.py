"""Two folders in, one folder out: pairs by name, one failure does not stop the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
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
from distilfuse.workflows.ledger import Ledger
from distilfuse.workflows.listing import read_list
from distilfuse.workflows.pipeline import Stages, run_pipeline
from distilfuse.workflows.remarks import hearing
from distilfuse.workflows.treatment import Treatment

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
    skipped: tuple[Job, ...] = ()
    """Finished by an earlier run."""


@dataclass(frozen=True)
class Earlier:
    """Results of earlier runs, and the settings that this one has."""

    ledger: Ledger
    settings: str


def plan_folders(
    visible: Path,
    infrared: Path,
    output: Path,
    *,
    recursive: bool = False,
    more: Sequence[Path] = (),
    mask: Path | None = None,
    overwrite: bool = False,
    earlier: Earlier | None = None,
) -> FolderPlan:
    """Pair two folders and find out what can be found out before any work; nothing is written.

    Args:
        visible: a folder with pictures.
        infrared: a folder with pictures, matched by :func:`distilfuse.imaging.pairs.match_folders`.
        output: a folder, made later if it is missing.
        recursive: pair the pictures of sub-folders, too; results lie in sub-folders of the same names.
        more: further folders, each with a partner for every pair, to be folded in.
        mask: one for all, see :attr:`distilfuse.workflows.files.Job.mask`.
        overwrite: existing files may be replaced (never one of the inputs).
        earlier: results that need not be made again.

    Raises:
        InputError: a folder is missing or empty, or no names match.
        OutputError: ``output`` is a file, lies under one, or holds results already.
    """
    matching = match_folders(visible, infrared, recursive=recursive, without=output)
    if not matching.pairs:
        names = ", ".join(path.name for path in matching.ambiguous[0])
        raise InputError(
            f"Every name in {visible} and {infrared} is claimed by several files (such as {names}): keep one each."
        )
    others = [_partners(visible, folder, matching, recursive, output) for folder in more]
    jobs = [
        Job(
            pair.name,
            pair.visible,
            pair.infrared,
            output / Path(pair.name).parent / output_name(pair.visible),
            tuple(partners[pair.visible] for partners in others),
            mask,
        )
        for pair in matching.pairs
    ]
    return _plan(output, jobs, matching, overwrite=overwrite, earlier=earlier)


def plan_list(
    path: Path,
    output: Path,
    *,
    visible: Path | None = None,
    infrared: Path | None = None,
    mask: Path | None = None,
    overwrite: bool = False,
    earlier: Earlier | None = None,
) -> FolderPlan:
    """As :func:`plan_folders` for the pairs of a list.

    Args:
        path: see :func:`distilfuse.workflows.listing.read_list`.
        output: a folder.
        visible: see there.
        infrared: see there.
        mask: where the list names none.
        overwrite: see :func:`plan_folders`.
        earlier: see :func:`plan_folders`.

    Raises:
        InputError: see :func:`distilfuse.workflows.listing.read_list`; or a file is missing.
        OutputError: see :func:`plan_folders`; or two pairs would have one output.
    """
    jobs = []
    for row in read_list(path, visible=visible, infrared=infrared):
        target = output / (row.output or output_name(row.visible))
        if not target.suffix:
            target = target.with_name(f"{target.name}.png")
        name = target.relative_to(output).with_suffix("").as_posix()
        jobs.append(Job(name, row.visible, row.infrared, target, (), row.mask or mask))
    if missing := [str(part) for job in jobs for part in job.inputs if not part.exists()]:
        files = "1 file" if len(missing) == 1 else f"{len(missing)} files"
        verb = "does" if len(missing) == 1 else "do"
        raise InputError(f"{files} of {path} {verb} not exist ({some(missing)}): check the names.")
    counts = Counter(job.output for job in jobs)
    if twice := [str(target) for target, count in counts.items() if count > 1]:
        raise OutputError(f"Several pairs of {path} have one output ({some(twice)}): name outputs in the list.")
    return _plan(output, jobs, Matching((), (), (), ()), overwrite=overwrite, earlier=earlier)


def _plan(
    output: Path, jobs: Sequence[Job], matching: Matching, *, overwrite: bool, earlier: Earlier | None
) -> FolderPlan:
    for folder in (output, *output.parents):
        if folder.exists():
            if not folder.is_dir():
                raise OutputError(f"{output} cannot be a folder because {folder} is a file: name another output.")
            break
    for job in jobs:
        refuse_inputs(job.output, job.inputs)
    if output.resolve() in {path.parent.resolve() for job in jobs for path in job.inputs}:
        raise OutputError(
            f"{output} holds pictures that are to be fused: the next run would take results for inputs, so name "
            "another output."
        )
    skipped = [job for job in jobs if earlier and earlier.ledger.is_finished(job.output, job.inputs, earlier.settings)]
    left = [job for job in jobs if job not in skipped]
    # What this run's ledger knows is its own to replace: made from inputs or settings that have changed.
    taken = [job.output.name for job in left if job.output.exists() and not (earlier and job.output in earlier.ledger)]
    if taken and not overwrite:
        raise OutputError(
            f"{len(taken)} of {len(jobs)} outputs exist in {output} ({some(taken)}): add --overwrite to "
            "replace them, or name another folder."
        )
    return FolderPlan(output, tuple(left), matching, tuple(skipped))


def _partners(visible: Path, folder: Path, matching: Matching, recursive: bool, output: Path) -> dict[Path, Path]:
    """Of each visible picture of a pair, the picture in another folder."""
    found = {
        pair.visible: pair.infrared
        for pair in match_folders(visible, folder, recursive=recursive, without=output).pairs
    }
    if lacking := [pair.name for pair in matching.pairs if pair.visible not in found]:
        raise InputError(f"{folder} has no partner for {len(lacking)} pairs ({some(lacking)}): add or remove them.")
    return found


def fuse_folders(
    fuser: Fuser,
    plan: FolderPlan,
    *,
    treatment: Treatment = Treatment(),
    overwrite: bool = False,
    earlier: Earlier | None = None,
) -> Generator[Outcome, None, None]:
    """Fuse pair after pair, while the next are being read and the last being written.

    Close the iterator (:func:`contextlib.closing`) if it may be left early; see
    :func:`distilfuse.workflows.pipeline.run_pipeline`.

    Args:
        fuser: of a model.
        plan: what to do.
        treatment: what else is done to each pair.
        overwrite: as for the plan.
        earlier: where results are recorded, if they are.

    Yields:
        An outcome for each pair, in the order of the plan, with its error where it failed.

    Raises:
        OutputError: the output folder cannot be made.
    """
    for folder in {plan.output, *(job.output.parent for job in plan.jobs)}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"The folder {folder} cannot be made ({error.strerror}): name another output.") from error
    stages = folder_stages(fuser, treatment=treatment, overwrite=overwrite, earlier=earlier)
    passing = run_pipeline(plan.jobs, stages, room=PIXELS_IN_FLIGHT, expected=EXPECTED)
    with hearing(), closing(passing):
        for passed in passing:
            job, failure = passed.item, passed.error
            if isinstance(failure, MemoryError):
                failure = InputError(f"{job.visible} is too large for the free memory: scale it down.")
            if isinstance(failure, DistilfuseError):
                yield Outcome(job, error=failure)
            elif passed.result is not None:
                yield passed.result


def folder_stages(
    fuser: Fuser,
    *,
    treatment: Treatment = Treatment(),
    overwrite: bool = False,
    earlier: Earlier | None = None,
) -> Stages[Job, LoadedPair, FusedPicture, Outcome]:
    """What is done to each pair, for a pipeline within :func:`distilfuse.workflows.remarks.hearing`."""

    def write(job: Job, fused: FusedPicture, abandon: Callable[[], bool]) -> Outcome:
        # What the ledger knows was looked at by the plan: made by an earlier run, from other inputs or settings.
        mine = earlier is not None and job.output in earlier.ledger
        outcome = write_fused(job, fused, overwrite=overwrite or mine, abandon=abandon)
        if earlier is not None:
            earlier.ledger.add(job.output, job.inputs, earlier.settings)
        return outcome

    return Stages(
        read=lambda job: read_pair(job, treatment),
        work=lambda job, pair: fuse_pair(fuser, pair, treatment),
        write=write,
        weigh=lambda job: sum(count_pixels(path) for path in job.inputs),
    )


def some(names: list[str]) -> str:
    """The first few names, for a message."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")

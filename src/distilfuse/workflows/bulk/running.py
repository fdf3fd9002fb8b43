"""A bulk run: what it is about to do is written down first, what it has done at its end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing

from distilfuse.errors import DistilfuseError
from distilfuse.workflows.bulk.planning import BulkPlan, Chunk, name_run, split
from distilfuse.workflows.bulk.records import Record
from distilfuse.workflows.bulk.worker import Worker

Runner = Callable[[Sequence[Chunk]], Generator[Record, None, None]]
"""Does chunks in any order, and yields a record for each of their pairs."""


def fuse_bulk(plan: BulkPlan, runner: Runner, *, workers: int = 1) -> Generator[Record, None, None]:
    """Do what a plan says.

    Close the iterator (:func:`contextlib.closing`) if it may be left early; the next run goes on from there.

    Args:
        plan: see :func:`distilfuse.workflows.bulk.planning.plan_bulk`.
        runner: :func:`on_this_machine`, or one for many machines.
        workers: that it has.

    Yields:
        A record for each pair, once, as soon as that is known.

    Raises:
        OutputError: what is done cannot be written down.
        DistilfuseError: a worker cannot start, or pairs got no result.
    """
    run = name_run()
    records = dict(plan.found.records)
    plan.journal.claim(run, [task.pair.output for task in plan.tasks], plan.found)
    plan.journal.gather(records.values(), ended=False)
    left = {task.pair.name for task in plan.tasks}
    with closing(runner(split(plan.tasks, run, workers))) as passing:
        for record in passing:
            records[record.name] = record
            if record.name in left:  # a worker that died may have said so already
                left.remove(record.name)
                yield record
    if left:
        raise DistilfuseError(
            f"{len(left)} of {len(plan.tasks)} pairs got no result (such as {min(left)}): run the same command again."
        )
    plan.journal.gather(records.values(), ended=True)


def finish(plan: BulkPlan) -> None:
    """Gather what earlier runs have left loose, where nothing is left to do.

    Raises:
        OutputError: the write failed.
    """
    if plan.found.loose:
        plan.journal.gather(plan.found.records.values(), ended=True)


def on_this_machine(worker: Worker) -> Runner:
    """One worker, in this process."""

    def run(chunks: Iterable[Chunk]) -> Generator[Record, None, None]:
        for chunk in chunks:
            yield from worker.run(chunk)

    return run

"""What a worker does: it loads a model once, and then fetches, fuses and stores pair after pair."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from distilfuse.errors import DistilfuseError, ModelError
from distilfuse.fuser import Fuser
from distilfuse.imaging.reading import count_pixels
from distilfuse.workflows.bulk.fetching import Fetched, fetch_ahead
from distilfuse.workflows.bulk.files import files_of
from distilfuse.workflows.bulk.journal import ChunkJournal, Journal
from distilfuse.workflows.bulk.planning import Chunk, Task
from distilfuse.workflows.bulk.records import Record, Source, content_digest
from distilfuse.workflows.files import FusedPicture, LoadedPair, fuse_pair, read_pair, write_fused
from distilfuse.workflows.folders import EXPECTED, PIXELS_IN_FLIGHT
from distilfuse.workflows.pipeline import Stages, run_pipeline
from distilfuse.workflows.remarks import hearing
from distilfuse.workflows.treatment import Treatment

_WRITERS = 4  # threads; with a store far away, each waits most of the time
_BLAMELESS = 2
"""Workers that may die of a chunk before its pairs are done one by one, to find the one that kills them."""


@dataclass(frozen=True)
class Work:
    """What is the same for all pairs."""

    model: str
    """See :meth:`distilfuse.fuser.Fuser.from_pretrained`."""
    sha256: str
    """Of the model, which has to be the same on every machine."""
    backend: str
    threads: int | None
    treatment: Treatment
    """With a polarity that is settled."""
    settings: str
    """A digest of the model and the treatment."""
    output: str
    """The output folder, in full."""


class Unrecorded(Exception):  # noqa: N818 - it carries the error
    """A pair cannot be written down, so that no more may be done."""

    def __init__(self, cause: DistilfuseError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Worker:
    """A model that is loaded, and what is done with it."""

    def __init__(self, work: Work) -> None:
        """Load the model.

        Raises:
            ModelError: it is another one than that of the run; else see :class:`distilfuse.fuser.Fuser`.
        """
        self.fuser = Fuser.from_pretrained(work.model, backend=work.backend, threads=work.threads)
        if self.fuser.record.sha256 != work.sha256:
            raise ModelError(
                f"{work.model} on {socket.gethostname()} is another model than where the run was started: install the "
                "same version of distilfuse on all machines."
            )
        self._work = work
        self._journal = Journal(work.output)
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def run(self, chunk: Chunk) -> Generator[Record, None, None]:
        """Do a chunk, but not what a worker before has done of it.

        Yields:
            A record for each pair, as soon as it is written down.

        Raises:
            InputError, OutputError: what was done cannot be read or written down.
        """
        journal = self._journal.chunk(chunk.name)
        before = journal.finished()
        if before is not None:
            yield from before
            return
        attempt, done, tried = journal.begin()
        yield from done.values()
        left = [(number, task) for number, task in enumerate(chunk.tasks) if number not in done]
        going = self._pass if attempt <= _BLAMELESS else lambda left, journal: self._go_alone(left, journal, tried)
        try:
            for number, record in going(left, journal):
                done[number] = record
                yield record
        except Unrecorded as error:
            raise error.cause from error
        journal.finish([done[number] for number in sorted(done)])

    def _go_alone(
        self, tasks: Sequence[tuple[int, Task]], journal: ChunkJournal, tried: set[int]
    ) -> Iterator[tuple[int, Record]]:
        """One pair after another, and none at which a worker died when it was done so."""
        for number, task in tasks:
            if number not in tried:
                journal.try_alone(number)
                yield from self._pass([(number, task)], journal)
                continue
            sources = (Source(task.pair.visible, None), Source(task.pair.infrared, None))
            said = "A worker died at this pair each time: is there memory for it? --retry-failed tries it again."
            record = self._failed(task, sources, said)
            _write_down(journal, number, record)
            yield number, record

    def _pass(self, tasks: Sequence[tuple[int, Task]], journal: ChunkJournal) -> Iterator[tuple[int, Record]]:
        """Fetch, read, fuse and store at the same time."""

        def read(item: Fetched) -> LoadedPair | None:
            if item.error is not None:
                raise item.error
            return None if item.kept else read_pair(item.job, self._work.treatment)

        def fuse(item: Fetched, pair: LoadedPair | None) -> FusedPicture | None:
            return None if pair is None else fuse_pair(self.fuser, pair, self._work.treatment)

        def write(item: Fetched, fused: FusedPicture | None, abandon: Callable[[], bool]) -> Record:
            record = self._kept(item) if fused is None else self._store(item, fused, abandon)
            _write_down(journal, item.number, record)
            return record

        stages = Stages(read, fuse, write, lambda item: sum(count_pixels(path) for path in item.job.inputs))
        with (
            hearing(),
            TemporaryDirectory(prefix="distilfuse-bulk-") as scratch,
            closing(fetch_ahead(tasks, Path(scratch))) as fetched,
            closing(
                run_pipeline(fetched, stages, room=PIXELS_IN_FLIGHT, expected=EXPECTED, writers=_WRITERS)
            ) as passing,
        ):
            for passed in passing:
                item, record = passed.item, passed.result
                if record is None:
                    said = str(passed.error)
                    if isinstance(passed.error, MemoryError):
                        said = f"{item.job.visible} is too large for the free memory: scale it down."
                    record = self._failed(item.task, item.sources, item.say(said))
                    _write_down(journal, item.number, record)
                shutil.rmtree(item.job.output.parent, ignore_errors=True)
                yield item.number, record

    def _store(self, item: Fetched, fused: FusedPicture, abandon: Callable[[], bool]) -> Record:
        outcome = write_fused(item.job, fused, abandon=abandon)
        content = item.job.output.read_bytes()
        files_of(item.task.pair.output).write(item.task.pair.output, content)
        return dataclasses.replace(
            self._record(item.task, item.sources),
            size=len(content),
            digest=content_digest(content),
            picture=outcome.size,
            seconds=round(outcome.seconds, 4),
            warnings=tuple(map(item.say, outcome.warnings)),
        )

    def _kept(self, item: Fetched) -> Record:
        assert item.kept is not None
        visible, infrared = item.sources
        return dataclasses.replace(
            item.kept, visible=visible, infrared=infrared, kept=True, finished=time.time(), worker=self._name
        )

    def _failed(self, task: Task, sources: tuple[Source, Source], said: str) -> Record:
        return dataclasses.replace(self._record(task, sources), state="failed", error=said)

    def _record(self, task: Task, sources: tuple[Source, Source]) -> Record:
        return Record(
            name=task.pair.name,
            state="fused",
            visible=sources[0],
            infrared=sources[1],
            settings=self._work.settings,
            output=task.pair.output,
            finished=time.time(),
            worker=self._name,
        )


def _write_down(journal: ChunkJournal, number: int, record: Record) -> None:
    try:
        journal.add(number, record)
    except DistilfuseError as error:
        raise Unrecorded(error) from error

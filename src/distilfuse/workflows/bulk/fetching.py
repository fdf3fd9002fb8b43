"""Pictures on their way from wherever they lie to a scratch folder, while others are being worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from distilfuse.errors import DistilfuseError, OutputError
from distilfuse.workflows.bulk.files import files_of
from distilfuse.workflows.bulk.places import name_of
from distilfuse.workflows.bulk.planning import Task
from distilfuse.workflows.bulk.records import Record, Source, content_digest
from distilfuse.workflows.files import Job

AHEAD = 6
"""Pairs that are being fetched, or lie in the scratch folder and wait."""


@dataclass(frozen=True)
class Fetched:
    """A pair in the scratch folder.

    There it is a pair of files, so that all is done to it that is done to files, and what is fused is exactly what was
    hashed.
    """

    number: int
    """In the chunk."""
    task: Task
    job: Job
    """To be done in the scratch folder, where each pair has a folder of its own."""
    sources: tuple[Source, Source]
    """Visible and infrared."""
    error: DistilfuseError | None = None
    """Why it is not there."""

    @property
    def kept(self) -> Record | None:
        """The earlier record, if the pictures hold what they held."""
        earlier = self.task.earlier
        if earlier is None:
            return None
        before = (earlier.visible.digest, earlier.infrared.digest)
        return earlier if before == tuple(source.digest for source in self.sources) else None

    def say(self, text: str) -> str:
        """A sentence on files of the scratch folder, with the names that users know."""
        pair = self.task.pair
        for path, place in (
            (self.job.visible, pair.visible),
            (self.job.infrared, pair.infrared),
            (self.job.output, pair.output),
        ):
            text = text.replace(str(path), place)
        return text


def fetch_ahead(tasks: Sequence[tuple[int, Task]], scratch: Path) -> Generator[Fetched, None, None]:
    """Fetch pairs, some before they are asked for.

    Args:
        tasks: with their numbers.
        scratch: a folder that exists.

    Yields:
        Each pair, in order; one that cannot be fetched with its error.
    """
    coming: deque[Future[Fetched]] = deque()
    with ThreadPoolExecutor(AHEAD, "fetch") as pool:
        try:
            for number, task in tasks:
                coming.append(pool.submit(_fetch, number, task, scratch / str(number)))
                if len(coming) == AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _fetch(number: int, task: Task, folder: Path) -> Fetched:
    pair = task.pair
    visible, infrared = (_beside(folder, *part) for part in (("visible", pair.visible), ("infrared", pair.infrared)))
    job = Job(pair.name, visible, infrared, _beside(folder, "output", pair.output))
    sources = [Source(pair.visible, None), Source(pair.infrared, None)]
    try:
        folder.mkdir()
        for index, path in enumerate((visible, infrared)):
            sources[index] = _copy(sources[index].place, path)
    except DistilfuseError as error:
        return Fetched(number, task, job, (sources[0], sources[1]), error)
    except OSError as error:
        failure = OutputError(
            f"The scratch folder {folder} cannot be written ({error.strerror}): set TMPDIR to one with more space."
        )
        return Fetched(number, task, job, (sources[0], sources[1]), failure)
    return Fetched(number, task, job, (sources[0], sources[1]))


def _copy(place: str, path: Path) -> Source:
    files = files_of(place)
    # Looked at before it is read: if it changes in between, the next run sees another stamp and looks at the content.
    stamp = files.stamp(place)
    content = files.read(place)
    path.write_bytes(content)
    return Source(place, stamp, content_digest(content))


def _beside(folder: Path, name: str, place: str) -> Path:
    return folder / f"{name}{PurePosixPath(name_of(place)).suffix}"

"""What a bulk run has to do, and what earlier runs have done already."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from distilfuse.errors import OutputError
from distilfuse.workflows.bulk.files import at_once, files_of, stamps_of
from distilfuse.workflows.bulk.journal import Found, Journal
from distilfuse.workflows.bulk.manifest import BulkPair, read_manifest
from distilfuse.workflows.bulk.places import scheme, server_of
from distilfuse.workflows.bulk.records import Record
from distilfuse.workflows.folders import some

LARGEST_CHUNK = 64
"""Pairs that a worker is given at once: few enough to share out evenly, enough that handing them out costs little."""
_CHUNKS_A_WORKER = 8


@dataclass(frozen=True, slots=True)
class Task:
    """A pair to do."""

    pair: BulkPair
    earlier: Record | None = None
    """Of a result that is still there, but whose pictures have been touched: it stays if they hold what they held."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Pairs that one worker does in one go."""

    name: str
    tasks: tuple[Task, ...]

    def to_json(self) -> str:
        """As text, to be sent to a worker."""
        tasks = [[asdict(task.pair), task.earlier.to_line() if task.earlier else None] for task in self.tasks]
        return json.dumps({"name": self.name, "tasks": tasks})

    @classmethod
    def from_json(cls, text: str) -> Chunk:
        """Of :meth:`to_json`."""
        values = json.loads(text)
        tasks = (
            Task(BulkPair(**pair), Record.from_line(earlier) if earlier else None) for pair, earlier in values["tasks"]
        )
        return cls(values["name"], tuple(tasks))


class BulkPlan(NamedTuple):
    """What will be done, and what need not be."""

    output: str
    """The output folder, in full."""
    journal: Journal
    tasks: tuple[Task, ...]
    finished: tuple[BulkPair, ...]
    """Fused by an earlier run, from the same pictures in the same way; the results are there."""
    failed: tuple[Record, ...]
    """Failed in an earlier run, and nothing has changed since."""
    found: Found


def look_at(manifest: str, output: str) -> list[BulkPair]:
    """Read a manifest, and find out whether all that it names can be reached.

    Args:
        manifest: see :func:`distilfuse.workflows.bulk.manifest.read_manifest`.
        output: a folder in full, made later if it is missing.

    Raises:
        InputError: see there; an unknown scheme; or a server that does not answer.
        MissingDependencyError: the library of a scheme is not installed.
        OutputError: the output is no folder.
    """
    _check_folder(output)
    pairs = read_manifest(manifest, output)
    _reach(pairs)
    return pairs


def plan_bulk(
    pairs: Sequence[BulkPair], output: str, settings: str, *, retry_failed: bool = False, overwrite: bool = False
) -> BulkPlan:
    """Find out what earlier runs have done; nothing is written.

    Args:
        pairs: see :func:`look_at`.
        output: likewise.
        settings: a digest of the model and of what is done to pictures.
        retry_failed: do again what failed in an earlier run.
        overwrite: outputs that no bulk run has made may be replaced.

    Raises:
        InputError: a place cannot be reached.
        OutputError: outputs exist that no bulk run has made.
    """
    journal = Journal(output)
    found = journal.read()
    known = {pair.name: record for pair in pairs if (record := _record_of(pair, found, settings)) is not None}
    there = stamps_of(pair.output for pair in pairs)
    sources = stamps_of({place for pair in pairs if pair.name in known for place in (pair.visible, pair.infrared)})
    tasks: list[Task] = []
    finished: list[BulkPair] = []
    failed: list[Record] = []
    for pair in pairs:
        record = known.get(pair.name)
        if record is None:
            tasks.append(Task(pair))
            continue
        same = all(sources.get(source.place) == source.stamp for source in (record.visible, record.infrared))
        if record.state == "failed":
            if same and not retry_failed:
                failed.append(record)
            else:
                tasks.append(Task(pair))
            continue
        stamp = there.get(pair.output)
        intact = stamp is not None and stamp.size == record.size
        if intact and same:
            finished.append(pair)
        else:
            tasks.append(Task(pair, record if intact else None))
    ours = found.claimed
    taken = [task.pair for task in tasks if task.pair.output in there and task.pair.name not in found.records]
    if not overwrite and (strange := [pair.name for pair in taken if pair.output not in ours]):
        raise OutputError(
            f"{len(strange)} of {len(pairs)} outputs exist in {output} and no bulk run has made them "
            f"({some(strange)}): add --overwrite to replace them, or name another folder."
        )
    return BulkPlan(output, journal, tuple(tasks), tuple(finished), tuple(failed), found)


def name_run() -> str:
    """A name that no other run has."""
    return secrets.token_hex(4)


def split(tasks: Sequence[Task], run: str, workers: int) -> list[Chunk]:
    """Share tasks out, in their order.

    Args:
        tasks: of a plan.
        run: its name.
        workers: that will do them.
    """
    size = max(1, min(LARGEST_CHUNK, len(tasks) // (workers * _CHUNKS_A_WORKER)))
    starts = range(0, len(tasks), size)
    return [Chunk(f"{run}-{start // size:06d}", tuple(tasks[start : start + size])) for start in starts]


def _record_of(pair: BulkPair, found: Found, settings: str) -> Record | None:
    """What is known of a pair, if it was of the same pictures and done in the same way."""
    record = found.records.get(pair.name)
    if record is None or record.settings != settings:
        return None
    return record if (record.visible.place, record.infrared.place) == (pair.visible, pair.infrared) else None


def _check_folder(output: str) -> None:
    files_of(output)
    if scheme(output):
        return
    for folder in (Path(output), *Path(output).parents):
        if folder.exists():
            if not folder.is_dir():
                raise OutputError(f"{output} cannot be a folder because {folder} is a file: name another output.")
            break


def _reach(pairs: Iterable[BulkPair]) -> None:
    """Ask each server for one file, so that one that does not answer is not found out pair by pair."""
    firsts: dict[str, str] = {}
    for pair in pairs:
        for place in (pair.visible, pair.infrared, pair.output):
            firsts.setdefault(server_of(place), place)
    at_once(lambda place: files_of(place).stamp(place), firsts.values())

"""What a bulk run has done, kept beside the results so that no kill loses it.

In the folder ``_distilfuse`` of the output::

    done.jsonl              one record a pair: the manifest of done work
    parts/CHUNK/7.json      a pair of a chunk at work
    parts/CHUNK/attempt-1   a worker began with the chunk (a second one: because the first died)
    shards/CHUNK.jsonl      a chunk that is done: its parts, in one file
    claims/RUN.json         the outputs that a run is about to make

Object stores cannot append to an object, and no two workers should write to one: so each pair is a small file, written
whole, whose name nobody else uses. Workers gather them by the chunk, and the run gathers the chunks into ``done.jsonl``
when it ends, or the next run does when it begins. A pair is in several of them for a moment; the newest record counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from distilfuse.workflows.bulk.files import at_once, files_of
from distilfuse.workflows.bulk.records import Record

FOLDER = "_distilfuse"
"""Its name in the output folder."""


@dataclass
class Found:
    """What earlier runs have left."""

    records: dict[str, Record] = field(default_factory=dict)
    """By the name of the pair."""
    claims: dict[str, set[str]] = field(default_factory=dict)
    """By file, the outputs that a run which did not end was about to make: those that are there are ours."""
    loose: bool = False
    """Whether there is more than ``done.jsonl``."""

    @property
    def claimed(self) -> set[str]:
        """All outputs of :attr:`claims`."""
        return {output for outputs in self.claims.values() for output in outputs}


class Journal:
    """Of one output folder, which one run at a time may use."""

    def __init__(self, output: str) -> None:
        """Nothing is read or written yet.

        Args:
            output: the output folder, in full.
        """
        self.folder = f"{output.rstrip('/')}/{FOLDER}"
        self._files = files_of(output)

    def read(self) -> Found:
        """Read what earlier runs have left.

        Raises:
            InputError: the place cannot be reached.
        """
        found = Found()
        names = [name for name in self._files.find(self.folder) if name.endswith((".json", ".jsonl"))]
        for name, content in zip(names, at_once(self._files.read, names), strict=True):
            found.loose |= name != f"{self.folder}/done.jsonl"
            if name.startswith(f"{self.folder}/claims/"):
                found.claims[name] = _claimed(content)
                continue
            for record in _records(content):
                known = found.records.get(record.name)
                if known is None or known.finished <= record.finished:
                    found.records[record.name] = record
        return found

    def claim(self, run: str, outputs: Sequence[str], found: Found) -> None:
        """Say which outputs a run is about to make; it takes over what ``found`` holds.

        Raises:
            OutputError: the write failed.
        """
        claimed = sorted({*outputs, *found.claimed})
        self._files.write(f"{self.folder}/claims/{run}.json", json.dumps(claimed).encode())
        at_once(self._files.remove, found.claims)

    def gather(self, records: Iterable[Record], *, ended: bool) -> None:
        """Write ``done.jsonl`` and remove what it makes superfluous.

        Args:
            records: all that there are.
            ended: whether there is no run any more, so that its claim is void.

        Raises:
            OutputError: the write failed; the loose files are all there then.
        """
        content = "".join(f"{record.to_line()}\n" for record in records).encode()
        self._files.write(f"{self.folder}/done.jsonl", content)
        loose = ("parts", "shards", "claims") if ended else ("parts", "shards")
        at_once(self._files.remove, [f"{self.folder}/{name}" for name in loose])

    def chunk(self, name: str) -> ChunkJournal:
        """Of one chunk, for the worker that does it."""
        return ChunkJournal(self.folder, name)


class ChunkJournal:
    """Of the pairs that a worker does in one go, by their numbers in the chunk; several threads may add to it."""

    def __init__(self, folder: str, name: str) -> None:
        self._files = files_of(folder)
        self._parts = f"{folder}/parts/{name}"
        self._shard = f"{folder}/shards/{name}.jsonl"

    def finished(self) -> list[Record] | None:
        """All records, if a worker did the chunk to its end; else None.

        Raises:
            InputError: the place cannot be reached.
        """
        if self._files.stamp(self._shard) is None:
            return None
        return list(_records(self._files.read(self._shard)))

    def begin(self) -> tuple[int, dict[int, Record], set[int]]:
        """Note that a worker begins.

        Returns:
            How many workers have begun this chunk, this one included; the records of those that died; and the pairs
            that they had begun with care (see :meth:`try_alone`).

        Raises:
            InputError: the place cannot be reached.
            OutputError: the write failed.
        """
        names = {name.rpartition("/")[2] for name in self._files.find(self._parts)}
        done = {}
        for name in (name for name in names if name.endswith(".json")):
            records = list(_records(self._files.read(f"{self._parts}/{name}")))
            done.update({int(name.removesuffix(".json")): record for record in records})
        tried = {int(name.removeprefix("alone-")) for name in names if name.startswith("alone-")}
        attempt = sum(name.startswith("attempt-") for name in names) + 1
        self._files.write(f"{self._parts}/attempt-{attempt}", b"")
        return attempt, done, tried

    def try_alone(self, number: int) -> None:
        """Note that a pair is begun while no other is at work, so that it is to blame if the worker dies.

        Raises:
            OutputError: the write failed.
        """
        self._files.write(f"{self._parts}/alone-{number}", b"")

    def add(self, number: int, record: Record) -> None:
        """Record what became of a pair.

        Raises:
            OutputError: the write failed.
        """
        self._files.write(f"{self._parts}/{number}.json", record.to_line().encode())

    def finish(self, records: Sequence[Record]) -> None:
        """Turn the parts into a shard.

        Raises:
            OutputError: the write failed; the parts are all there then.
        """
        self._files.write(self._shard, "".join(f"{record.to_line()}\n" for record in records).encode())
        self._files.remove(self._parts)


def _records(content: bytes) -> Iterator[Record]:
    for line in filter(None, content.decode("utf-8", "replace").split("\n")):
        try:
            yield Record.from_line(line)
        except ValueError:  # nothing that we wrote; the pair is done again
            continue


def _claimed(content: bytes) -> set[str]:
    try:
        names = json.loads(content)
    except ValueError:  # nothing that we wrote
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()

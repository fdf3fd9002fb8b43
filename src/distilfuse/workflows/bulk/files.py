"""Reading and writing whole files in any place, each failure in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

from distilfuse.workflows.bulk.places import scheme

AT_ONCE = 16
"""Requests in flight where many files are asked about: it is waiting, not work."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Stamp(NamedTuple):
    """What tells whether a file is still the one that it was, without reading it."""

    size: int
    """Bytes."""
    version: str
    """ETag, hash or time of change, whichever the place has."""


class Files(Protocol):
    """The files of one scheme. Several threads may use it at once."""

    def read(self, place: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: there is no such file, or it cannot be reached.
        """
        ...

    def write(self, place: str, content: bytes) -> None:
        """Write a file, whole or not at all; folders are made, a file that exists is replaced.

        Raises:
            OutputError: the write failed; nothing is left of it.
        """
        ...

    def stamp(self, place: str) -> Stamp | None:
        """Of one file; None where there is none, or where its server says no size.

        Raises:
            InputError: the place cannot be reached.
        """
        ...

    def stamps(self, places: Iterable[str]) -> dict[str, Stamp]:
        """Of many files, in few requests; those that do not exist are left out.

        Raises:
            InputError: a place cannot be reached.
        """
        ...

    def find(self, folder: str) -> list[str]:
        """All files below a folder; none where it does not exist.

        Raises:
            InputError: the place cannot be reached.
        """
        ...

    def remove(self, place: str) -> None:
        """Remove a file, or a folder with all in it; nothing happens where there is none.

        Raises:
            OutputError: it cannot be removed.
        """
        ...


def files_of(place: str) -> Files:
    """The files of a place's scheme.

    Raises:
        InputError: an unknown scheme.
        MissingDependencyError: the library of the scheme is not installed; the message holds the install line.
    """
    return _files(scheme(place))


@lru_cache(maxsize=16)
def _files(name: str) -> Files:
    if not name:
        from distilfuse.workflows.bulk.local_files import LocalFiles

        return LocalFiles()
    from distilfuse.workflows.bulk.remote_files import RemoteFiles

    return RemoteFiles(name)


def stamps_of(places: Iterable[str]) -> dict[str, Stamp]:
    """As :meth:`Files.stamps`, for places of any schemes."""
    kinds: dict[str, list[str]] = {}
    for place in places:
        kinds.setdefault(scheme(place), []).append(place)
    found: dict[str, Stamp] = {}
    for kind in kinds.values():
        found |= files_of(kind[0]).stamps(kind)
    return found


def at_once(function: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Apply a function that waits for others to many items, in threads; in the order of the items."""
    with ThreadPoolExecutor(AT_ONCE, "ask") as pool:
        return list(pool.map(function, items))

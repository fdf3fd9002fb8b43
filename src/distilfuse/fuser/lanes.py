"""Pairs side by side, one on each core: more of them a second than one after the other on all cores.

Threads that share a small network wait for each other at the end of every layer, and for numpy before and behind it:
two of them fuse half as many pairs again, a second, when each has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import local
from typing import TypeVar

from distilfuse.fuser.model import LoadedModel

Item = TypeVar("Item")
Result = TypeVar("Result")


class Lanes:
    """A model for each of several threads, each on one core."""

    def __init__(self, load: Callable[[], LoadedModel], number: int) -> None:
        """Load it ``number`` times.

        Args:
            load: gives the model with one thread.
            number: of threads.

        Raises:
            DistilfuseError: it cannot be loaded.
        """
        models: SimpleQueue[LoadedModel] = SimpleQueue()
        for _ in range(number):
            models.put(load())
        self._mine = local()
        # None of its arguments may lead to these lanes: a thread holds them, and would never see its pool given up.
        self._pool = ThreadPoolExecutor(number, "fuse", initializer=_take, initargs=(self._mine, models))

    def run(self, work: Callable[[LoadedModel, Item], Result], items: Iterable[Item]) -> list[Result]:
        """``work`` on every item.

        Returns:
            The results in the order of the items; if any failed, the exception of the first is raised.
        """
        mine = self._mine
        return list(self._pool.map(lambda item: work(mine.model, item), items))


def _take(mine: local, models: SimpleQueue[LoadedModel]) -> None:
    mine.model = models.get()

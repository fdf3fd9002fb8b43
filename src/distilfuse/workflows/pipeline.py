"""Read, work, write: three stages at once, results in order, and no more in flight than there is room for.

Reading and writing have threads of their own; the work is done by the caller's thread, which also decides everything:
what is let in, what is waited for. So nothing but the futures is shared, and Ctrl-C arrives where it can be heeded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Generic, TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")
Made = TypeVar("Made")
Result = TypeVar("Result")

READERS = 2
WRITERS = 2
"""Threads. On two cores one of each is as fast; a second helps where files are far away or the work is on a GPU."""
AHEAD = 3
BEHIND = 3
"""Items that are being read or wait for the work, and that wait for a writer or are being written."""

_PATIENCE = 0.2  # seconds; on Windows a wait without an end does not notice Ctrl-C


@dataclass(frozen=True)
class Stages(Generic[Item, Loaded, Made, Result]):
    """What is done to an item."""

    read: Callable[[Item], Loaded]
    work: Callable[[Item, Loaded], Made]
    """Called from one thread only, the caller's."""
    write: Callable[[Item, Made, Callable[[], bool]], Result]
    """Its last argument says whether to give up, because the pipeline is being stopped."""
    weigh: Callable[[Item], int] = lambda item: 0
    """The memory that an item takes, in any unit. Called from the caller's thread, shortly before reading."""


@dataclass(frozen=True)
class Finished(Generic[Item, Result]):
    """What became of an item: a result or an error."""

    item: Item
    result: Result | None = None
    error: Exception | None = None


class _Passage(Generic[Item, Result]):
    """An item on its way."""

    def __init__(self, item: Item, weight: int) -> None:
        self.item = item
        self.weight = weight
        self.writing: Future[Result] | None = None
        self.error: Exception | None = None


def run_pipeline(
    items: Iterable[Item],
    stages: Stages[Item, Loaded, Made, Result],
    *,
    room: int,
    expected: tuple[type[Exception], ...],
    readers: int = READERS,
    writers: int = WRITERS,
    ahead: int = AHEAD,
    behind: int = BEHIND,
) -> Generator[Finished[Item, Result], None, None]:
    """Pass items through the stages.

    Close the iterator (:func:`contextlib.closing`) if it may be left early: then, as after any exception, nothing
    more is begun, writers are told to give up, and no thread is left when it returns.

    Args:
        items: taken one by one as there is room.
        stages: what is done to each.
        room: the weight that may be in flight; an item that is heavier alone goes alone.
        expected: exceptions that are an item's own affair and become its error; any other ends everything.
        readers: threads that read.
        writers: threads that write.
        ahead: items read or being read before the work.
        behind: items written or waiting to be after the work.

    Yields:
        What became of each item, in the order of ``items``.
    """
    stopped = Event()
    reading = ThreadPoolExecutor(readers, "read")
    writing = ThreadPoolExecutor(writers, "write")
    coming: deque[tuple[_Passage[Item, Result], Future[Loaded]]] = deque()
    leaving: deque[_Passage[Item, Result]] = deque()
    source = (_Passage[Item, Result](item, stages.weigh(item)) for item in items)
    following = next(source, None)
    load = 0
    try:
        while following or coming or leaving:
            while following and len(coming) < ahead:
                if load + following.weight > room and (coming or leaving):
                    break
                load += following.weight
                coming.append((following, reading.submit(stages.read, following.item)))
                following = next(source, None)
            # Wait for the oldest only where there is nothing else to do or no room for what would be done.
            if leaving and (not coming or len(leaving) >= behind or _is_settled(leaving[0])):
                passage = leaving.popleft()
                finished = _finish(passage, expected)
                load -= passage.weight
                del passage
                yield finished
                continue
            passage, future = coming.popleft()
            try:
                made = stages.work(passage.item, _result(future))
                passage.writing = writing.submit(stages.write, passage.item, made, stopped.is_set)
                del made
            except expected as error:
                passage.error = _without_frames(error)
            leaving.append(passage)
            del future, passage
    except BaseException:
        stopped.set()
        raise
    finally:
        reading.shutdown(wait=False, cancel_futures=True)
        writing.shutdown(wait=True, cancel_futures=True)
        reading.shutdown(wait=True)


def _finish(passage: _Passage[Item, Result], expected: tuple[type[Exception], ...]) -> Finished[Item, Result]:
    """Wait until an item has been written."""
    if passage.writing is None:
        return Finished(passage.item, error=passage.error)
    try:
        return Finished(passage.item, _result(passage.writing))
    except expected as error:
        return Finished(passage.item, error=_without_frames(error))


def _is_settled(passage: _Passage[Item, Result]) -> bool:
    return passage.writing is None or passage.writing.done()


def _result(future: Future[Result]) -> Result:
    """As ``future.result()``, and Ctrl-C is noticed on every system."""
    while not future.done():
        wait([future], _PATIENCE)
    return future.result()


def _without_frames(error: Exception) -> Exception:
    """The error, cut loose from the variables of the functions that it came through: whole pictures, among others."""
    cut: BaseException | None = error
    while cut is not None:
        cut.__traceback__ = None
        cut = cut.__cause__ or cut.__context__
    return error

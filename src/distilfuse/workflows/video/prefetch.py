"""Frames decoded ahead, in a thread: while one pair is being fused the next is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")

_PATIENCE = 0.2  # seconds; on Windows a wait without an end does not notice Ctrl-C
_FAREWELL = 2.0  # seconds that a thread gets to end; one that waits for a dead camera must not hold up the rest


class Prefetch(Generic[Item]):
    """An iterator over ``items``, taken from them by a thread of its own, a few ahead.

    The thread also closes ``items`` in the end. Errors come out where the item would have.
    """

    def __init__(
        self,
        items: Iterator[Item],
        *,
        ahead: int,
        newest: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begin.

        Args:
            items: taken from in the thread only.
            ahead: items that may wait.
            newest: where there is no room, the oldest waiting item is lost: what is live goes on. Else the thread
                waits.
            stopped: asked while nothing comes: whether to end.
        """
        self._items = items
        self._waiting: deque[Item] = deque()
        self._ahead = ahead
        self._newest = newest
        self._stopped = stopped
        self._changed = Condition()
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._fill, name="decode", daemon=True)
        self._thread.start()

    def __iter__(self) -> Prefetch[Item]:
        return self

    def __next__(self) -> Item:
        with self._changed:
            while not (self._waiting or self._ended or self._closed):
                if self._stopped():
                    raise StopIteration
                self._changed.wait(_PATIENCE)
            if self._closed:
                raise StopIteration
            if self._waiting:
                item = self._waiting.popleft()
                self._changed.notify_all()
                return item
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            raise StopIteration

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def close(self) -> None:
        """End the thread; whoever waits for an item gets none."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(_FAREWELL)

    def _fill(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    if self._newest:
                        while len(self._waiting) >= self._ahead:
                            self._waiting.popleft()
                    while len(self._waiting) >= self._ahead and not self._closed:
                        self._changed.wait()
                    if self._closed:
                        break
                    self._waiting.append(item)
                    self._changed.notify_all()
        except BaseException as error:  # it is raised in the thread that asks
            self._error = error
        finally:
            if (close := getattr(self._items, "close", None)) is not None:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

"""Ctrl-C and SIGTERM as a wish to end well: what was done is kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether somebody wants to end. The first signal is noted, the second one interrupts as always."""

    def __init__(self) -> None:
        self._asked = False
        self.interrupted = False
        """Whether it was a signal."""

    def asked(self) -> bool:
        """Whether to end."""
        return self._asked

    def ask(self) -> None:
        """End, as planned."""
        self._asked = True

    def hear(self, number: int, frame: FrameType | None) -> None:
        """A signal handler."""
        if self.interrupted:
            raise KeyboardInterrupt
        self._asked = self.interrupted = True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """While this stands, SIGINT (Ctrl-C) and SIGTERM are wishes to end. For the main thread."""
    stop = Stop()
    before = {number: signal.signal(number, stop.hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

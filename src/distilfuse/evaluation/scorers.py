"""Scoring in processes of its own.

Metrics are long chains of small numpy calls, between which threads wait for one another: two processes score twice as
fast as one, two threads hardly faster.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from distilfuse.errors import DistilfuseError
from distilfuse.metrics import score

Score = Callable[..., dict[str, float]]
"""Takes what :func:`distilfuse.metrics.score` takes and returns the same."""


@contextmanager
def score_processes(number: int) -> Iterator[Score]:
    """A stand-in for :func:`distilfuse.metrics.score` that may be called from several threads and computes elsewhere.

    Processes are spawned, not forked: the caller may hold threads of a model's backend. As with any spawning, a script
    that gets here must be importable (``if __name__ == "__main__":``).

    Args:
        number: of processes.
    """
    with ProcessPoolExecutor(
        number, mp_context=multiprocessing.get_context("spawn"), initializer=_leave_interrupts_to_the_parent
    ) as pool:

        def elsewhere(*pictures: Any, **options: Any) -> dict[str, float]:
            try:
                return pool.submit(score, *pictures, **options).result()
            except BrokenProcessPool as error:
                raise DistilfuseError(
                    "A process that scores was ended from outside, perhaps for want of memory: try fewer --jobs."
                ) from error

        try:
            yield elsewhere
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""Pixel-wise work on a picture, shared among threads by bands of rows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

_WORTHWHILE = 1 << 16
"""Pixels of a band below which a thread costs more than it saves (about 50 microseconds)."""


def share_rows(work: Callable[[slice], None], height: int, width: int, *, threads: int) -> None:
    """Call ``work`` with bands of rows that cover a picture once, several at a time.

    numpy lets go of Python's lock while it computes, so the threads do run at once. They are made anew for each call:
    kept ones would be missing in a process that was forked, and waited for without end.

    Args:
        work: given the rows of a band; writes to arrays that it was made with. What it raises is raised here.
        height: of the picture, in rows.
        width: likewise, in pixels.
        threads: at most, the calling one among them.
    """
    count = max(1, min(threads, height, height * width // _WORTHWHILE))
    first, *others = (slice(*edges) for edges in pairwise(height * k // count for k in range(count + 1)))
    if not others:
        work(first)
        return
    with ThreadPoolExecutor(len(others)) as pool:
        pending = [pool.submit(work, rows) for rows in others]
        work(first)
    for each in pending:
        each.result()

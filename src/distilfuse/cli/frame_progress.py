"""A progress bar for frames: done of total, frames a second, time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_OVER = 30
"""Frames over which the rate is measured."""


@contextmanager
def frame_bar(total: int | None) -> Iterator[Callable[[], None]]:
    """A bar on stderr, shown on a terminal only.

    Args:
        total: frames to expect; None where nobody knows: there is no time left to tell then.

    Yields:
        What to call after each frame.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    ending = (TextColumn("ETA"), TimeRemainingColumn()) if total is not None else (TimeElapsedColumn(),)
    columns = (BarColumn(), TextColumn("{task.fields[count]}"), TextColumn("{task.fields[pace]}"), *ending)
    of = "" if total is None else f"/{total}"
    stamps = deque([time.perf_counter()], maxlen=_OVER + 1)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, count=f"0{of}", pace="")
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            stamps.append(time.perf_counter())
            pace = f"{(len(stamps) - 1) / max(1e-9, stamps[-1] - stamps[0]):.1f} fps"
            progress.update(task, completed=done, count=f"{done}{of}", pace=pace)

        yield advance

"""One progress bar for long work: done of total, seconds a step, time left, and what is at hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress_bar(total: int, first: str) -> Iterator[tuple[Console, Callable[[int, str], None]]]:
    """A bar on stderr, shown on a terminal only.

    Args:
        total: number of steps.
        first: name of the first.

    Yields:
        The console to print to while the bar stands, and what to call after a step with how many are done and the
        name of the next.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
    )
    start = time.perf_counter()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, pace="", name=first)

        def advance(done: int, following: str) -> None:
            pace = f"{(time.perf_counter() - start) / done:.3f} s/it"
            progress.update(task, completed=done, pace=pace, name=following)

        yield console, advance

"""Folders that pictures keep arriving in: plans of what is new and whole, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from distilfuse.errors import InputError
from distilfuse.workflows.files import Job
from distilfuse.workflows.folders import FolderPlan

INTERVAL = 1.0
"""Seconds between looks. A file that kept its size and time from one look to the next counts as whole."""


def watch(
    plan: Callable[[], FolderPlan],
    *,
    interval: float = INTERVAL,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[FolderPlan]:
    """Look for pairs that have not been handed out yet, for ever.

    Args:
        plan: looks once; what was finished by an earlier run is not among its jobs. That there is nothing yet
            (:class:`~distilfuse.errors.InputError`) is not an error here.
        interval: seconds between looks.
        sleep: waits that long.

    Yields:
        A plan with some new jobs, whose files were the same in two looks in a row. A pair of which a file changes later
        is handed out again.
    """
    before: dict[Path, tuple[int, int]] = {}
    handed: dict[Path, tuple[tuple[int, int] | None, ...]] = {}
    while True:
        try:
            found = plan()
        except InputError:
            found = None
        jobs = found.jobs if found else ()
        now = {path: stamp for job in jobs for path in job.inputs if (stamp := _stamp(path))}
        ready: list[Job] = []
        for job in jobs:
            state = tuple(now.get(path) for path in job.inputs)
            steady = None not in state and state == tuple(before.get(path) for path in job.inputs)
            if steady and handed.get(job.output) != state:
                handed[job.output] = state
                ready.append(job)
        before = now
        if found and ready:
            yield replace(found, jobs=tuple(ready))
        else:
            sleep(interval)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns

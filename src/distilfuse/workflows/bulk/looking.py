"""A look at some pairs of a manifest, for what is decided once for all of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from distilfuse.errors import DistilfuseError
from distilfuse.imaging.reading import read_picture
from distilfuse.workflows.bulk.fetching import fetch_ahead
from distilfuse.workflows.bulk.manifest import BulkPair
from distilfuse.workflows.bulk.planning import Task
from distilfuse.workflows.remarks import hearing, remarks
from distilfuse.workflows.settling import LOOKED_AT, Pictures


def spread_over(pairs: Sequence[BulkPair]) -> Generator[Pictures, None, None]:
    """As :func:`distilfuse.workflows.settling.spread`, for pictures in any place.

    Args:
        pairs: the whole manifest, also what is finished, so that a run that goes on decides as the first one did.
    """
    tasks = [(number, Task(pair)) for number, pair in enumerate(pairs[:: max(1, len(pairs) // LOOKED_AT)])]
    with (
        hearing(),
        remarks(),  # they are said when the pair is fused
        TemporaryDirectory(prefix="distilfuse-bulk-") as scratch,
        closing(fetch_ahead(tasks, Path(scratch))) as fetched,
    ):
        for item in fetched:
            if item.error is not None:
                continue
            try:
                pictures = read_picture(item.job.visible).colour, read_picture(item.job.infrared).colour
            except DistilfuseError:  # that is said, too
                continue
            yield pictures

"""A bulk run on a Ray cluster, by Ray Data: each worker is an actor that loads the model once."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from traceback import clear_frames
from typing import Any

from distilfuse import errors
from distilfuse.errors import DistilfuseError, MissingDependencyError, install_line
from distilfuse.workflows.bulk.planning import Chunk
from distilfuse.workflows.bulk.records import Record
from distilfuse.workflows.bulk.running import Runner
from distilfuse.workflows.bulk.worker import Work, Worker

LOCAL = "local"
"""The address that starts a cluster on this machine, for this run only."""

_STORE = 100 << 20  # bytes of shared memory; only records pass through it, never pictures


class RayWorker:
    """A :class:`distilfuse.workflows.bulk.worker.Worker` for ``map_batches``.

    No error of ours leaves it as an exception: Ray would wrap it, print it, and perhaps try again.
    """

    def __init__(self, work: Work) -> None:
        self._fault: DistilfuseError | None = None
        try:
            self._worker = Worker(work)
        except DistilfuseError as error:
            self._fault = error

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, list[str]]]:
        """Do the chunks of a batch; a line of JSON for each pair, or one that says why there can be none."""
        try:
            if self._fault is not None:
                raise self._fault
            for text in batch["chunk"]:
                for record in self._worker.run(Chunk.from_json(str(text))):
                    yield {"line": [record.to_line()]}
        except DistilfuseError as error:
            yield {"line": [json.dumps({"kind": type(error).__name__, "fault": str(error)})]}


def ray_data() -> Any:
    """The module ``ray`` with ``ray.data``.

    Raises:
        MissingDependencyError: it is not installed; the message holds the install line.
    """
    # A library tells nobody that it is used; who wants Ray to, says so in the environment.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependencyError(
            f"A cluster needs Ray Data, which is not installed: {install_line('bulk')}"
        ) from error
    return ray


@contextmanager
def cluster(address: str, *, cpus: int) -> Iterator[int]:
    """Join a cluster; leave it, and end it if it was started here, when the block ends.

    Args:
        address: :data:`LOCAL`; ``auto``, the cluster that this machine is part of; ``HOST:PORT``; ``ray://HOST:PORT``.
        cpus: of a cluster that is started here.

    Yields:
        How many CPUs the cluster has.

    Raises:
        MissingDependencyError: Ray is not installed.
        DistilfuseError: no cluster answers, or none could be started.
    """
    ray = ray_data()
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        quiet |= {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": _STORE}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # on what Ray will do one day
            ray.init(address=address, **quiet)
    except Exception as error:  # ConnectionError, ValueError, RuntimeError, ...
        if address == LOCAL:
            raise DistilfuseError(
                f"No Ray cluster could be started here ({_reason(error)}): is the machine too busy, or full?"
            ) from error
        raise DistilfuseError(
            f"No Ray cluster answers at {address} ({_reason(error)}): start one with ray start, or say --ray local."
        ) from error
    try:
        yield int(ray.cluster_resources().get("CPU", 0))
    finally:
        ray.shutdown()


def on_cluster(work: Work, workers: int) -> Runner:
    """Actors on the cluster that was joined.

    Args:
        work: with a number of threads, each of which takes a CPU of the cluster.
        workers: actors; more than fit wait until there is room.
    """

    def run(chunks: Sequence[Chunk]) -> Generator[Record, None, None]:
        if not chunks:
            return
        ray = ray_data()
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        rows = ray.data.from_items([{"chunk": chunk.to_json()} for chunk in chunks], override_num_blocks=len(chunks))
        made = rows.map_batches(
            RayWorker,
            fn_constructor_args=(work,),
            batch_size=1,
            # Two: one at work, one waiting, so that a worker is never idle, and few are with one that dies.
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            num_cpus=work.threads,
            num_gpus=1 if _needs_gpu(work.backend) else None,
        )
        # A worker that dies is replaced, without an end, and its chunk is given out again: so are actors of Ray Data by
        # default. The chunk's journal says what is left of it, and which pair kills its workers.
        try:
            for batch in made.iter_batches(batch_size=None, prefetch_batches=0, batch_format="numpy"):
                for line in batch["line"]:
                    yield _record(str(line))
        except (ray.exceptions.RayError, ray.data.exceptions.SystemException) as error:
            raise DistilfuseError(
                f"The Ray cluster gave up ({_reason(error)}): what is done is kept, so run the same command again."
            ) from error
        except KeyboardInterrupt as error:
            # Ray Data ends what it has begun when its iterator is collected. The frames that Ctrl-C came through hold
            # on to it until the cluster is gone, and then Ray would start another one, to ask it what is left to end.
            clear_frames(error.__traceback__)
            raise

    return run


def _record(line: str) -> Record:
    """Of a line of a worker.

    Raises:
        DistilfuseError: what the worker says instead, of the class that it had there.
    """
    values = json.loads(line)
    if "fault" in values:
        raise getattr(errors, values["kind"], DistilfuseError)(values["fault"])
    return Record.from_line(line)


def _needs_gpu(backend: str) -> bool:
    """Whether Ray has to lend an actor a GPU: it hides them from those that did not ask."""
    return backend in ("cuda", "tensorrt") or backend.endswith(":cuda")


def _reason(error: BaseException) -> str:
    """The last line that says something: what comes before is where in Ray it happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")

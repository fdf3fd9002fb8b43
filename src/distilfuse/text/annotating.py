"""Many pairs, one annotator, one file: what is done stays done."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from distilfuse.errors import DistilfuseError, InputError
from distilfuse.evaluation.sources import grey_bytes, read_picture
from distilfuse.imaging.pairs import Pair
from distilfuse.text.annotators.annotator import HOPELESS, Annotator, AnnotatorError, Bytes
from distilfuse.text.events import PairCaption
from distilfuse.text.store import CaptionStore

GIVE_UP = 5
"""Failures of the annotator in a row, from the first pair on, that end a run: a dead server is not asked 1000 times."""


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """What became of a pair: a caption, or an error."""

    pair: str
    """``SET/STEM``."""
    caption: PairCaption | None = None
    error: DistilfuseError | None = None
    remarks: tuple[str, ...] = ()
    """What was noticed on the pictures."""


@dataclass(frozen=True)
class _Unreadable:
    """The pictures, not the annotator, are why a pair fails."""

    error: DistilfuseError


_Result = tuple[str, PairCaption | _Unreadable | Exception, tuple[str, ...]]
"""Name of the pair, what came of it, remarks on its pictures."""

_READING = threading.Lock()
"""Pictures are read one after the other: warnings can be kept quiet for the whole process only."""


def pair_name(dataset: str, pair: Pair) -> str:
    """``SET/STEM``; the stem alone where the set has no name."""
    return f"{dataset}/{pair.name}" if dataset else pair.name


def annotate_pairs(
    pairs: Sequence[Pair], annotator: Annotator, store: CaptionStore, *, dataset: str
) -> Iterator[Annotated]:
    """Annotate the pairs that the store does not have, and add each as soon as it is done.

    Up to ``annotator.concurrency`` pairs are under way at a time; they come in the order in which they are finished.
    When the iterator is left early (Ctrl-C), nothing of what was yielded is lost, and nobody waits for the rest.

    Args:
        pairs: files.
        annotator: see :class:`distilfuse.text.annotators.Annotator`.
        store: of this annotator and prompt, opened.
        dataset: name of the set, put before each name.

    Raises:
        AnnotatorError: the annotator cannot work at all, or has failed :data:`GIVE_UP` times in a row from the start.
        MissingDependencyError: it needs a package that is not installed.
        ModelError: its weights cannot be had.
        OutputError: the store cannot be written.
    """
    waiting = [pair for pair in pairs if pair_name(dataset, pair) not in store.captions]
    failed = 0
    anything = False
    for name, result, remarks in _results(waiting, annotator, dataset):
        if isinstance(result, PairCaption):
            store.add(result)
            anything = True
            yield Annotated(pair=name, caption=result, remarks=remarks)
            continue
        if isinstance(result, _Unreadable):
            yield Annotated(pair=name, error=result.error, remarks=remarks)
            continue
        if not isinstance(result, DistilfuseError) or isinstance(result, HOPELESS):
            raise result
        failed += 1
        yield Annotated(pair=name, error=result, remarks=remarks)
        if failed >= GIVE_UP and not anything:
            raise AnnotatorError(
                f"{annotator.name} failed on each of the first {failed} pairs; the last time: {result}"
            )


def _results(pairs: Sequence[Pair], annotator: Annotator, dataset: str) -> Iterator[_Result]:
    if annotator.concurrency == 1:
        for pair in pairs:
            yield _annotate(pair, annotator, dataset)
        return
    waiting: queue.SimpleQueue[Pair] = queue.SimpleQueue()
    done: queue.SimpleQueue[_Result] = queue.SimpleQueue()
    left = threading.Event()
    for pair in pairs:
        waiting.put(pair)

    def work() -> None:
        while not left.is_set():
            try:
                pair = waiting.get_nowait()
            except queue.Empty:
                return
            done.put(_annotate(pair, annotator, dataset))

    # Daemons, not an executor's threads: those keep a process that is being ended until the last reply has come.
    for _ in range(min(annotator.concurrency, len(pairs))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in pairs:
            yield done.get()
    finally:
        left.set()


def _annotate(pair: Pair, annotator: Annotator, dataset: str) -> _Result:
    name = pair_name(dataset, pair)
    remarks: list[str] = []
    try:
        visible, infrared = _read(pair, remarks)
    except DistilfuseError as error:
        return name, _Unreadable(error), tuple(remarks)
    except MemoryError:
        large = InputError(f"{pair.visible} is too large for the free memory: scale it down.")
        return name, _Unreadable(large), tuple(remarks)
    try:
        return name, annotator.annotate(visible, infrared, name), tuple(remarks)
    except Exception as error:  # a defect too has to reach the thread that waits for this pair
        return name, error, tuple(remarks)


def _read(pair: Pair, remarks: list[str]) -> tuple[Bytes, Bytes]:
    with _READING, warnings.catch_warnings():  # what is to be said of a picture is in its remarks
        warnings.simplefilter("ignore")
        visible, first = read_picture(pair.visible)
        infrared, second = read_picture(pair.infrared, infrared=True)
    remarks += [f"{remark.file}: {remark.what}" for remark in (*first, *second)]
    if visible.shape[:2] != infrared.shape[:2]:
        (high, wide), (tall, broad) = visible.shape[:2], infrared.shape[:2]
        raise InputError(
            f"{pair.visible} is {wide}x{high} pixels but {pair.infrared} is {broad}x{tall}: "
            "resize or align one to the other."
        )
    coloured = visible if visible.ndim == 3 else np.dstack([visible] * 3)
    return coloured, grey_bytes(infrared)

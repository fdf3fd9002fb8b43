"""Pairs, methods and degradations in, rows of scores out: in parallel, in order, whatever the pictures are like.

What cannot be scored becomes a row with a sentence instead of a value. Threads read, degrade and fuse (decoders and
models let go of the interpreter, and a model is loaded once); metrics can be computed in processes beside them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import DistilfuseError, InputError
from distilfuse.evaluation.degradations import degrade, generator
from distilfuse.evaluation.methods import FusedFolder, Method, Told
from distilfuse.evaluation.scorers import Score, score_processes
from distilfuse.evaluation.scores import Row, ScoreTable, degraded_set
from distilfuse.evaluation.sources import Remark, grey_bytes, has_colour, is_constant, read_picture
from distilfuse.imaging.pairs import Pair
from distilfuse.metrics import find_protocol, score
from distilfuse.metrics.scoring import smallest_side

Bytes = NDArray[np.uint8]

_AHEAD = 2
"""Steps that wait beside those that run: enough that no worker idles, few enough that memory stays small."""
_WORTH_PROCESSES = 24
"""Fused pictures from which on it is worth starting processes, half a second or so each."""


@dataclass(frozen=True)
class Condition:
    """The pictures as they are, or degraded in one way before they are fused."""

    kind: str | None = None
    """None for the pictures as they are."""
    severity: float = 0.0


CLEAN = Condition()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be scored."""

    dataset: str
    """The set's name in the table."""
    pairs: tuple[Pair, ...]
    methods: tuple[Method, ...]
    """Names differ from one another."""
    protocol: str
    """A name of :data:`distilfuse.metrics.PROTOCOLS`."""
    metrics: tuple[str, ...]
    conditions: tuple[Condition, ...] = (CLEAN,)
    seed: int = 0
    """Of the degradations."""
    watch: Callable[[str, str, str, Bytes], None] | None = None
    """Shown the pictures of each step before they are scored: method (``visible`` and ``infrared`` for what the methods
    are given), set, pair and picture. Called from several threads; it may not raise."""

    def set_name(self, condition: Condition) -> str:
        """The set's name under that condition."""
        if condition.kind is None:
            return self.dataset
        return degraded_set(self.dataset, condition.kind, condition.severity)

    def scored(self, condition: Condition) -> tuple[Method, ...]:
        """The methods that can be scored under it: a folder's pictures were fused from clean ones."""
        if condition.kind is None:
            return self.methods
        return tuple(method for method in self.methods if not isinstance(method, FusedFolder))

    def steps(self) -> tuple[Step, ...]:
        """All work, condition by condition."""
        return tuple(
            Step(pair, condition) for condition in self.conditions if self.scored(condition) for pair in self.pairs
        )


@dataclass(frozen=True)
class Step:
    """One pair under one condition: the unit of work."""

    pair: Pair
    condition: Condition


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    step: Step
    rows: tuple[Row, ...]
    """One for each method."""
    remarks: tuple[Remark, ...] = field(default=())


def run(plan: Plan, *, jobs: int, processes: bool = False) -> Iterator[Outcome]:
    """Score step after step; outcomes come in the order of :meth:`Plan.steps`.

    Args:
        plan: what to score.
        jobs: pairs worked on at once, at least 1. Never more than these and a few finished ones are in memory.
        processes: compute metrics in ``jobs`` spawned processes, see :mod:`distilfuse.evaluation.scorers`; not done for
            one job or a handful of pairs, where starting them would take longer.
    """
    if processes and jobs > 1 and len(plan.steps()) * len(plan.methods) >= _WORTH_PROCESSES:
        with score_processes(jobs) as elsewhere:
            yield from _run(plan, jobs, elsewhere)
    else:
        yield from _run(plan, jobs, score)


def _run(plan: Plan, jobs: int, compute: Score) -> Iterator[Outcome]:
    waiting: deque[Future[Outcome]] = deque()
    workers = ThreadPoolExecutor(jobs, thread_name_prefix="score")
    try:
        for step in plan.steps():
            waiting.append(workers.submit(score_step, plan, step, compute))
            if len(waiting) > jobs + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        workers.shutdown(cancel_futures=True)  # after Ctrl-C only what runs already is waited for


def score_step(plan: Plan, step: Step, compute: Score = score) -> Outcome:
    """Read a pair, degrade it where the condition says so, fuse and score it by every method."""
    dataset = plan.set_name(step.condition)
    methods = plan.scored(step.condition)
    remarks: list[Remark] = []
    try:
        sources = _read_pair(step.pair, remarks)
        inputs = _inputs(plan, step, *sources)
    except DistilfuseError as error:
        return Outcome(step, tuple(_failed(plan, dataset, step, method, str(error)) for method in methods))
    except MemoryError:
        return Outcome(step, tuple(_failed(plan, dataset, step, method, _too_large(step)) for method in methods))
    if plan.watch:
        for source, picture in zip(("visible", "infrared"), inputs, strict=True):
            plan.watch(source, dataset, step.pair.name, picture)
    rows = []
    for method in methods:
        try:
            fused = _fused(plan, method, step, inputs, remarks)
            if plan.watch:
                plan.watch(method.name, dataset, step.pair.name, fused)
            values = compute(*sources, fused, metrics=plan.metrics, protocol=plan.protocol)
            problem = _undefined(plan, step, sources, fused, values)
            rows.append(Row(method.name, dataset, step.pair.name, values, problem))
        except DistilfuseError as error:
            rows.append(_failed(plan, dataset, step, method, str(error)))
        except MemoryError:
            rows.append(_failed(plan, dataset, step, method, _too_large(step)))
    return Outcome(step, tuple(rows), tuple(remarks))


def fused_picture(plan: Plan, method: str, dataset: str, name: str) -> Bytes | None:
    """The fused picture behind a row, read or made again; None where the plan has no such row or it failed.

    Args:
        plan: what was scored.
        method: the row's method.
        dataset: the row's set, degraded or not.
        name: the row's pair.

    Returns:
        ``H x W`` or ``H x W x 3`` uint8.
    """
    found = [(step, m) for step in plan.steps() for m in plan.scored(step.condition)
             if (m.name, plan.set_name(step.condition), step.pair.name) == (method, dataset, name)]  # fmt: skip
    if not found:
        return None
    step, chosen = found[0]
    try:
        inputs = _inputs(plan, step, *_read_pair(step.pair, []))
        return _fused(plan, chosen, step, inputs, [])
    except (DistilfuseError, MemoryError):
        return None


def collect(plan: Plan, outcomes: Iterable[Outcome]) -> tuple[ScoreTable, list[Remark]]:
    """The table, sorted by set, method and pair, and all that was noticed."""
    done = list(outcomes)
    order = {method.name: k for k, method in enumerate(plan.methods)}
    sets = {plan.set_name(condition): k for k, condition in enumerate(plan.conditions)}
    rows = sorted(
        (row for outcome in done for row in outcome.rows), key=lambda row: (sets[row.dataset], order[row.method])
    )  # stable: pairs stay in the plan's order
    remarks = [remark for outcome in done for remark in outcome.remarks]
    return ScoreTable(find_protocol(plan.protocol).label, plan.metrics, tuple(rows)), remarks


def _read_pair(pair: Pair, remarks: list[Remark]) -> tuple[Bytes, Bytes]:
    visible, said = read_picture(pair.visible)
    infrared, more = read_picture(pair.infrared, infrared=True)
    remarks += said + more
    if visible.shape[:2] != infrared.shape[:2]:
        raise InputError(
            f"{pair.visible} is {_size(visible)} pixels but {pair.infrared} is {_size(infrared)}: "
            "resize or align one to the other."
        )
    return visible, infrared


def _inputs(plan: Plan, step: Step, visible: Bytes, infrared: Bytes) -> tuple[Bytes, Bytes]:
    """What the methods get: the pair with grey infrared, degraded where the condition says so."""
    heat = grey_bytes(infrared)
    condition = step.condition
    if condition.kind is None:
        return visible, heat
    degraded = degrade(
        visible / np.float32(255),
        heat / np.float32(255),
        kind=condition.kind,
        severity=condition.severity,
        rng=generator(plan.seed, f"{plan.dataset}/{step.pair.name}", condition.kind),
    )
    first, second = (np.round(image * 255).astype(np.uint8) for image in degraded)
    return first, second


def _fused(plan: Plan, method: Method, step: Step, inputs: tuple[Bytes, Bytes], remarks: list[Remark]) -> Bytes:
    size, pair, condition = inputs[0].shape[:2], step.pair, step.condition
    if not isinstance(method, FusedFolder):
        if isinstance(method, Told):
            applied = () if condition.kind is None else ((condition.kind, condition.severity),)
            fused = method.fuse(*inputs, f"{plan.dataset}/{pair.name}", applied)
        else:
            fused = method.fuse(*inputs)
        if fused.shape[:2] != size:
            raise InputError(f"{method.name} made {_size(fused)} pixels of {pair.name}, which is {_size(inputs[0])}.")
        return fused
    if claims := method.ambiguous.get(pair.name):
        raise InputError(f"Several files claim to be {pair.name}: {', '.join(map(str, claims))}: keep one.")
    if pair.name not in method.pictures:
        raise InputError(f"{method.folder} holds no fused picture of {pair.name}: fuse this pair too.")
    path = method.pictures[pair.name]
    fused, said = read_picture(path)
    if fused.shape[:2] != size:
        raise InputError(f"{path} is {_size(fused)} pixels but its sources are {_size(inputs[0])}: do not resize it.")
    remarks += said
    if not has_colour(fused) and has_colour(inputs[0]):
        remarks.append(Remark("fused in grey beside a visible picture in colour", str(path)))
    return fused


def _failed(plan: Plan, dataset: str, step: Step, method: Method, problem: str) -> Row:
    return Row(method.name, dataset, step.pair.name, dict.fromkeys(plan.metrics, math.nan), problem)


def _too_large(step: Step) -> str:
    return f"{step.pair.visible} is too large for the free memory: scale it down."


def _undefined(
    plan: Plan, step: Step, sources: tuple[Bytes, Bytes], fused: Bytes, values: dict[str, float]
) -> str | None:
    missing = [metric for metric, value in values.items() if math.isnan(value)]
    if not missing:
        return None
    pair = step.pair
    named: Sequence[tuple[str, Bytes]] = (
        (str(pair.visible), sources[0]),
        (str(pair.infrared), sources[1]),
        ("the fused picture", fused),
    )
    flat = [name for name, picture in named if is_constant(picture)]
    reasons = [f"{_size(fused)} pixels"]
    sides = {metric: smallest_side(metric, protocol=plan.protocol) for metric in missing}
    reasons += [f"{metric} needs {side} a side" for metric, side in sides.items() if min(fused.shape[:2]) < side]
    if flat:
        reasons.append(f"constant: {', '.join(flat)}")
    copied = [name for name, source in named[:2] if np.array_equal(source, fused)]
    reasons += [f"the fused picture is a copy of {name}" for name in copied]
    return f"{', '.join(missing)} not defined on {pair.visible} ({'; '.join(reasons)})."


def _size(picture: Bytes) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"

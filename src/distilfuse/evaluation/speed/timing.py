"""Timing many cases fairly: in turns, so that a busy moment of the machine hits all of them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from distilfuse.evaluation.speed.cases import Case, Runner, as_json
from distilfuse.evaluation.speed.machine import joules

_SLOW = 5.0
"""Seconds: what takes longer is measured once, and the warm-up is that once."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came out for a case. Times are of one call, a whole batch, in milliseconds."""

    case: Case
    device: str
    rounds: int
    least: float
    median: float
    spread: float
    """Half the distance between the quartiles, over the median."""
    network_least: float | None
    network_median: float | None
    """Of the network alone."""
    flop: float | None
    loading: float
    """Seconds."""
    peak_mb: float | None = None
    joules: float | None = None
    """A call, where the system tells."""
    quality: dict[str, float] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        """Pairs a second, by the median."""
        return 1000 * self.case.batch / self.median

    @property
    def gflops(self) -> float | None:
        """Of the network alone, by its median; thousand millions a second."""
        return None if self.flop is None or self.network_median is None else self.flop / self.network_median / 1e6


def measure(
    runners: Sequence[Runner], *, rounds: int, told: Callable[[int, str], None] = lambda done, following: None
) -> list[Measured]:
    """Time cases in turns.

    Args:
        runners: what to time.
        rounds: timed calls of each, after two that are not; a case of more than five seconds is called once.
        told: called after a round with how many are done and what comes next.
    """
    whole: list[list[float]] = [[] for _ in runners]
    alone: list[list[float]] = [[] for _ in runners]
    energy: list[list[float]] = [[] for _ in runners]
    slow: set[int] = set()
    for k, runner in enumerate(runners):
        first = _seconds(runner.run)
        if first > _SLOW:
            slow.add(k)
            whole[k].append(first)
        else:
            runner.run()
        if runner.network and k not in slow:
            runner.network()
    for done in range(rounds):
        for k, runner in enumerate(runners):
            if k in slow:
                continue
            before = joules()
            runner.run()  # the turn of the one before left other things in the caches
            whole[k].append(_seconds(runner.run))
            after = joules()
            if before is not None and after is not None and after > before:
                energy[k].append((after - before) / 2)
            if runner.network:
                alone[k].append(_seconds(runner.network))
        told(done + 1, "")
    return [
        Measured(
            case=runner.case,
            device=runner.device,
            rounds=len(times),
            least=1e3 * min(times),
            median=1e3 * statistics.median(times),
            spread=_spread(times),
            network_least=1e3 * min(nets) if nets else None,
            network_median=1e3 * statistics.median(nets) if nets else None,
            flop=runner.flop,
            loading=runner.loading,
            joules=statistics.median(used) if used else None,
            quality=dict(runner.quality),
        )
        for runner, times, nets, used in zip(runners, whole, alone, energy, strict=True)
    ]


def peak_memory(case: Case) -> float | None:
    """Megabytes of a process that fuses two pairs of the case; None on systems that do not tell."""
    if sys.platform == "win32":
        return None
    command = [sys.executable, "-m", "distilfuse.evaluation.speed.child", json.dumps({"memory": as_json(case)})]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)["peak_mb"])


def cold_start(command: Sequence[str], *, rounds: int = 5) -> tuple[float, float]:
    """Least and median seconds of a whole process."""
    times = [_seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(rounds)]
    return min(times), statistics.median(times)


def _spread(times: Sequence[float]) -> float:
    if len(times) < 4:
        return 0.0
    lower, middle, upper = statistics.quantiles(times, n=4)
    return (upper - lower) / 2 / middle


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start

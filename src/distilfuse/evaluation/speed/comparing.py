"""Has anything become slower? Ratios between the cases of one run against those of an earlier one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from distilfuse.errors import ConfigError

_KEY = ("method", "backend", "width", "height", "threads", "batch")


Key = tuple[Any, ...]
"""What a case is known by."""


def common_cases(earlier: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Key]:
    """Cases that two runs have in common, measured or still to be measured.

    Raises:
        ConfigError: fewer than three, of which no shares can be made.
    """
    known = {_key(case) for case in now}
    common = [_key(case) for case in earlier if _key(case) in known]
    if len(common) < 3:
        raise ConfigError(
            "The two runs have fewer than three cases in common, of which no shares can be made: measure the same "
            "models, backends and sizes, at least three together (--rivals adds some)."
        )
    return common


def slower_cases(
    earlier: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], *, tolerance: float = 0.15
) -> list[tuple[str, float]]:
    """Cases that lost more than ``tolerance`` against the others.

    Machines differ and are busy at times, so a case is measured by its share: its time over the geometric mean of all
    cases that both runs have. Both the least and the median time must have lost, which a disturbed round does not do.

    Args:
        earlier: ``cases`` of the report to hold against.
        now: those of this run.
        tolerance: part of its earlier share that a case may lose.

    Returns:
        A case in words, and how many times its earlier share it takes now; worst first.

    Raises:
        ConfigError: see :func:`common_cases`.
    """
    common = common_cases(earlier, now)
    before, after = ({_key(case): case for case in cases} for cases in (earlier, now))
    growth = {}
    for what in ("least_ms", "median_ms"):
        shares = [_shares([cases[key][what] for key in common]) for cases in (before, after)]
        growth[what] = {key: new / old for key, old, new in zip(common, *shares, strict=True)}
    lost = [(min(growth[what][key] for what in growth), key) for key in common]
    return [
        (f"{key[0]} on {key[1]}, {key[2]}x{key[3]}, {key[4]} threads, batch {key[5]}", times)
        for times, key in sorted(lost, reverse=True)
        if times > 1 + tolerance
    ]


def _key(case: Mapping[str, Any]) -> Key:
    return tuple(case[name] for name in _KEY)


def _shares(times: Sequence[float]) -> list[float]:
    mean = math.exp(sum(map(math.log, times)) / len(times))
    return [value / mean for value in times]

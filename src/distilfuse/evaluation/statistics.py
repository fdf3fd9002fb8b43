"""What a score table says: means with intervals, ranks, and whether a difference is more than chance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.evaluation.advice import suspicious
from distilfuse.evaluation.extras import need
from distilfuse.evaluation.scores import Row, ScoreTable, parse_degraded_set
from distilfuse.metrics import METRICS

Array = NDArray[np.float64]

RESAMPLES = 10_000
SIGNIFICANT = 0.05
"""A corrected p below it counts as a difference."""

_BLOCK = 1_000
"""Resamples drawn at a time: a thousand pairs then take 8 MB."""


@dataclass(frozen=True)
class Cell:
    """One method in one metric on one set."""

    n: int
    """Pairs in the mean: those on which every compared method has a finite value."""
    missing: int
    """Pairs of the set on which this method has no finite value."""
    mean: float
    """NaN where ``n`` is 0."""
    low: float
    """95 % interval of the mean (bootstrap); NaN for fewer than two pairs."""
    high: float
    rank: float
    """Mean over the pairs of the method's rank on each, 1 is best, ties share their mean rank; NaN where ``n`` is 0."""
    place: int
    """By mean: 1 for the best, 2 for the second, equal means share a place; 0 where there is no mean."""
    p: float | None
    """Wilcoxon signed-rank against the best method, two-sided, Holm-corrected over the methods of this set and
    metric; None for the best itself and where there is no mean."""


@dataclass(frozen=True)
class LeftOut:
    """A pair that one method has no finite value for, so that no method's mean holds it."""

    name: str
    method: str
    metrics: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Summary:
    """The statistics of a table."""

    protocol: str
    """The protocol's label: ``paper@1``."""
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    methods: Mapping[str, tuple[str, ...]]
    """Set to the methods that have rows in it (folders of pictures have none in degraded sets)."""
    pairs: Mapping[str, int]
    """Set to how many pairs its rows name."""
    cells: Mapping[tuple[str, str, str], Cell]
    """(set, method, metric) to statistics."""
    left_out: Mapping[str, tuple[LeftOut, ...]]
    """Set to what is missing from the means of at least one metric, and why."""
    warnings: tuple[str, ...]
    """Numbers that should not be read as quality, one sentence each; see :mod:`distilfuse.evaluation.advice`."""
    seed: int
    """Of the bootstrap."""


def summarise(table: ScoreTable, *, seed: int = 0) -> Summary:
    """Compare the methods of a table, set by set and metric by metric.

    Only pairs on which every method has a finite value enter a mean, so that all means are over the same pictures.
    A method without a single finite value in a metric is not compared in it; the others are.

    Args:
        table: any number of sets and methods.
        seed: of the bootstrap. The resamples depend on it, the set's name and the number of pairs only: a method's
            interval stays the same whatever other methods are beside it on the same pairs.

    Raises:
        MissingDependencyError: SciPy (extra ``evaluate``) is not installed.
    """
    need("evaluate", "scipy")
    methods, pairs, left_out = {}, {}, {}
    cells: dict[tuple[str, str, str], Cell] = {}
    warnings: list[str] = []
    for dataset in table.datasets:
        rows = [row for row in table.rows if row.dataset == dataset]
        methods[dataset] = tuple(dict.fromkeys(row.method for row in rows))
        names = sorted({row.name for row in rows})
        pairs[dataset] = len(names)
        values = _as_cube(rows, methods[dataset], names, table.metrics)
        for k, metric in enumerate(table.metrics):
            column = _compare(
                values[:, :, k], higher_is_better=METRICS[metric].higher_is_better, seed=seed, key=dataset
            )
            for method, cell in zip(methods[dataset], column, strict=True):
                cells[dataset, method, metric] = cell
        left_out[dataset] = tuple(_find_left_out(rows, values, methods[dataset], names, table.metrics))
        if parse_degraded_set(dataset) is None:  # on noisy inputs every method's entropy is partly noise
            means = {m: {k: cells[dataset, m, k].mean for k in table.metrics} for m in methods[dataset]}
            warnings += [f"{dataset}: {sentence}" for sentence in suspicious(means)]
    return Summary(
        table.protocol, table.metrics, table.datasets, methods, pairs, cells, left_out, tuple(warnings), seed
    )


def bootstrap_interval(values: Array, *, rng: np.random.Generator, level: float = 0.95) -> tuple[Array, Array]:
    """Percentile bootstrap interval of the mean of each row (Efron, 1979), the same resamples for every row.

    Args:
        values: ``methods x pairs``.
        rng: what draws the resamples, :data:`RESAMPLES` of them.
        level: coverage.

    Returns:
        Lower and upper ends, one for each row; NaN for fewer than two pairs.
    """
    rows, n = values.shape
    if n < 2:
        return np.full(rows, np.nan), np.full(rows, np.nan)
    means = np.empty((RESAMPLES, rows))
    for start in range(0, RESAMPLES, _BLOCK):
        drawn = rng.integers(0, n, size=(_BLOCK, n))
        # How often each pair was drawn: means of all rows are then one product instead of a gather for each.
        drawn += np.arange(_BLOCK)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=_BLOCK * n).reshape(_BLOCK, n)
        means[start : start + _BLOCK] = counts @ values.T / n
    tail = (1 - level) / 2
    low, high = np.quantile(means, (tail, 1 - tail), axis=0)
    return low, high


def holm(p_values: Iterable[float]) -> list[float]:
    """Holm's step-down correction (Holm, 1979), in the order given.

    The k-th smallest of m is multiplied by m - k + 1; no p ends below a smaller one, none above 1.
    """
    given = list(p_values)
    corrected = [0.0] * len(given)
    largest = 0.0
    for k, index in enumerate(sorted(range(len(given)), key=given.__getitem__)):
        largest = max(largest, min(1.0, given[index] * (len(given) - k)))
        corrected[index] = largest
    return corrected


def mean_ranks(values: Array, *, higher_is_better: bool) -> Array:
    """Mean over the pairs of each method's rank, 1 is best, ties share their mean rank.

    Args:
        values: ``methods x pairs``, finite.
        higher_is_better: else the smallest value has rank 1.

    Returns:
        One for each method; NaN where there are no pairs.
    """
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    cost = -values if higher_is_better else values
    smaller = (cost[None] < cost[:, None]).sum(axis=1)
    equal = (cost[None] == cost[:, None]).sum(axis=1)  # itself included
    ranks: Array = (smaller + (equal + 1) / 2).mean(axis=1)
    return ranks


def by_mean(means: Array, *, higher_is_better: bool) -> NDArray[np.intp]:
    """The place of each mean: 1 for the best, 2 for the next one, equal means share a place; all finite."""
    cost = -means if higher_is_better else means
    places: NDArray[np.intp] = np.searchsorted(np.unique(cost), cost) + 1
    return places


def _as_cube(rows: Iterable[Row], methods: tuple[str, ...], names: list[str], metrics: tuple[str, ...]) -> Array:
    """``methods x pairs x metrics``; NaN where there is no row or no finite value."""
    cube = np.full((len(methods), len(names), len(metrics)), np.nan)
    place = {name: k for k, name in enumerate(names)}
    for row in rows:
        cube[methods.index(row.method), place[row.name]] = [row.values[metric] for metric in metrics]
    cube[~np.isfinite(cube)] = np.nan
    return cube


def _compare(values: Array, *, higher_is_better: bool, seed: int, key: str) -> list[Cell]:
    """A cell for each method, from ``methods x pairs`` with NaN where there is no value."""
    there = np.isfinite(values)
    compared = np.flatnonzero(there.any(axis=1))
    complete = there[compared].all(axis=0) if compared.size else np.zeros(values.shape[1], bool)
    missing = (~there).sum(axis=1).tolist()
    cells = [Cell(0, count, np.nan, np.nan, np.nan, np.nan, 0, None) for count in missing]
    kept = np.ascontiguousarray(values[compared][:, complete])
    n = kept.shape[1]
    if not n:
        return cells
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    low, high = bootstrap_interval(kept, rng=np.random.default_rng(int.from_bytes(digest[:8], "little")))
    # Row by row: one sum over the whole array may group its additions by the number of rows.
    means = np.array([row.mean() for row in kept])
    ranks = mean_ranks(kept, higher_is_better=higher_is_better)
    places = by_mean(means, higher_is_better=higher_is_better)
    others = np.flatnonzero(places > 1)
    best = kept[int(places.argmin())]
    corrected = dict(zip(others.tolist(), holm(_wilcoxon(kept[k], best) for k in others), strict=True))
    for k, index in enumerate(compared.tolist()):
        cells[index] = Cell(
            n,
            missing[index],
            float(means[k]),
            float(low[k]),
            float(high[k]),
            float(ranks[k]),
            int(places[k]),
            corrected.get(k),
        )
    return cells


def _wilcoxon(values: Array, best: Array) -> float:
    """Two-sided p that two methods differ on paired pictures (Wilcoxon, 1945); pairs without a difference drop out."""
    from scipy.stats import wilcoxon

    difference = values - best
    difference = difference[difference != 0]
    if not difference.size:
        return 1.0
    return float(wilcoxon(difference).pvalue)


def _find_left_out(
    rows: list[Row], values: Array, methods: tuple[str, ...], names: list[str], metrics: tuple[str, ...]
) -> Iterable[LeftOut]:
    by_key = {(row.method, row.name): row for row in rows}
    for m, method in enumerate(methods):
        for p, name in enumerate(names):
            absent = tuple(metric for k, metric in enumerate(metrics) if np.isnan(values[m, p, k]))
            if absent:
                row = by_key.get((method, name))
                yield LeftOut(name, method, absent, _reason(row))


def _reason(row: Row | None) -> str:
    if row is None:
        return "There is no row for it."
    return row.problem or "The value is infinite."

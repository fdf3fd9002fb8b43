"""What stands on the page: tables and problems for the template, numbers for the charts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from distilfuse.evaluation.scores import ScoreTable, parse_degraded_set
from distilfuse.evaluation.statistics import SIGNIFICANT, Cell, Summary
from distilfuse.evaluation.tables import NO_VALUE, count, decimals
from distilfuse.metrics import METRICS

_DIGITS = 6
"""Significant figures of the values behind dots: finer than any screen, half the size of a full float."""


def quality_metric(metrics: Sequence[str]) -> str:
    """The metric that decides which pairs are bad: Qabf, else the first that looks at the sources, else the first."""
    if "Qabf" in metrics:
        return "Qabf"
    return next((name for name in metrics if METRICS[name].inputs != "fused"), metrics[0])


def extent(summary: Summary) -> list[str]:
    """How much was scored: "1 data set", "5 pairs", "3 degradations"; a pair counts once, however it is degraded."""
    pairs: dict[str, int] = {}
    kinds = set()
    for dataset, number in summary.pairs.items():
        degraded = parse_degraded_set(dataset)
        base = degraded.base if degraded else dataset
        pairs[base] = max(number, pairs.get(base, 0))
        if degraded:
            kinds.add(degraded[1:])
    counts = {"data set": len(pairs), "pair": sum(pairs.values()), "degradation": len(kinds)}
    return [f"{n} {thing}{'s' if n != 1 else ''}" for thing, n in counts.items() if n]


def tables(summary: Summary) -> list[dict[str, Any]]:
    """One table a set, cells as text as in ``table.md``; values for sorting beside them."""
    return [_table(summary, dataset) for dataset in summary.datasets]


def problem_lines(table: ScoreTable, summary: Summary) -> list[dict[str, Any]]:
    """What has no value and why, and what rows say besides; methods that share a pair's reason share a line."""
    lines: dict[tuple[str, str, str, str], list[str]] = {}
    listed = set()
    for dataset in summary.datasets:
        for left_out in summary.left_out[dataset]:
            listed.add((left_out.method, dataset, left_out.name))
            every = left_out.metrics == summary.metrics
            metrics = "any metric" if every else ", ".join(left_out.metrics)
            lines.setdefault((dataset, left_out.name, metrics, left_out.reason), []).append(left_out.method)
    for row in table.rows:
        if row.problem and (row.method, row.dataset, row.name) not in listed:
            lines.setdefault((row.dataset, row.name, NO_VALUE, row.problem), []).append(row.method)
    return [
        {"dataset": dataset, "name": name, "metrics": metrics, "reason": reason, "methods": methods}
        for (dataset, name, metrics, reason), methods in lines.items()
    ]


def chart_data(table: ScoreTable, summary: Summary, *, quality: str) -> dict[str, Any]:
    """The numbers that the page's scripts draw, pictures apart; ``template/data.js`` describes them."""
    values = {(row.method, row.dataset, row.name): row.values for row in table.rows}
    problems = problem_lines(table, summary)
    sets = []
    for dataset in table.datasets:
        names = list(dict.fromkeys(row.name for row in table.rows if row.dataset == dataset))
        nothing = dict.fromkeys(table.metrics, math.nan)
        place = {name: k for k, name in enumerate(names)}
        said: dict[int, list[str]] = {}
        for line in problems:
            if line["dataset"] == dataset:
                said.setdefault(place[line["name"]], []).append(f"{', '.join(line['methods'])}: {line['reason']}")
        sets.append(
            {
                "name": dataset,
                "sources": source_labels(dataset),
                "methods": [k for k, method in enumerate(table.methods) if method in summary.methods[dataset]],
                "pairs": names,
                "problems": said,
                "values": [
                    [
                        [_number(values.get((method, dataset, name), nothing)[metric]) for name in names]
                        for metric in table.metrics
                    ]
                    if method in summary.methods[dataset]
                    else None
                    for method in table.methods
                ],
            }
        )
    return {
        "protocol": table.protocol,
        "quality": table.metrics.index(quality),
        "metrics": [
            {
                "name": name,
                "title": METRICS[name].title,
                "arrow": METRICS[name].arrow,
                "higher": METRICS[name].higher_is_better,
                "unit": METRICS[name].unit,
                "decimals": decimals(cell.mean for (_, _, metric), cell in summary.cells.items() if metric == name),
            }
            for name in table.metrics
        ],
        "methods": list(table.methods),
        "sets": sets,
    }


def source_labels(dataset: str) -> list[str]:
    """What to call the two sources of a set: the modalities of a medical one (``ct-mri``), else visible, infrared.

    What is shown beside results from degraded inputs are the clean sources that they are scored against.
    """
    found = re.search(r"\b(ct|pet|spect)-mri$", dataset.partition("/")[0], re.IGNORECASE)
    labels = [found[1].upper(), "MRI"] if found else ["visible", "infrared"]
    return [f"{label} (clean)" for label in labels] if parse_degraded_set(dataset) else labels


def embeddable_json(data: Mapping[str, Any]) -> str:
    """JSON in ASCII that can stand in a script element: no ``<``, so neither ``</script>`` nor ``<!--``."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":  # outside of strings JSON has none of them
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _table(summary: Summary, dataset: str) -> dict[str, Any]:
    columns = []
    for metric in summary.metrics:
        cells = [summary.cells[dataset, method, metric] for method in summary.methods[dataset]]
        digits = decimals(cell.mean for cell in cells)
        columns.append({"card": METRICS[metric], "cells": [_cell(cell, digits) for cell in cells]})
    return {
        "name": dataset,
        "degraded": parse_degraded_set(dataset) is not None,
        "count": count(summary, dataset),
        "methods": summary.methods[dataset],
        "columns": columns,
    }


def _cell(cell: Cell, digits: int) -> dict[str, Any]:
    def text(value: float) -> str:
        return f"{value:.{digits}f}".replace("-", "−")

    missing = f"{cell.missing} pair{'' if cell.missing == 1 else 's'} without a value"
    if not cell.place:
        return {
            "value": "",
            "mean": NO_VALUE,
            "place": 0,
            "like_best": False,
            "interval": "",
            "details": "",
            "hover": missing,
        }
    p = "best" if cell.p is None else "p < 0.001" if cell.p < 0.001 else f"p = {cell.p:.3f}"
    interval = f"{text(cell.low)} – {text(cell.high)}" if math.isfinite(cell.low) else ""
    hover = [
        f"{text(cell.mean)} over {cell.n} pair{'' if cell.n == 1 else 's'}",
        *([f"95 % interval {interval}"] if interval else []),
        f"mean rank {cell.rank:.2f}",
        "the best" if cell.p is None else f"{p} against the best",
        *([missing] if cell.missing else []),
    ]
    return {
        "value": repr(cell.mean),
        "mean": text(cell.mean),
        "place": cell.place,
        "like_best": cell.p is not None and cell.p >= SIGNIFICANT,
        "interval": interval,
        "details": f"rank {cell.rank:.2f} ({p})",
        "hover": "; ".join(hover),
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)

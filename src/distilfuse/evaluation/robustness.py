"""How much a method loses when its inputs degrade: tables of scores against the clean sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from distilfuse.evaluation import tables
from distilfuse.evaluation.scores import Degraded, parse_degraded_set
from distilfuse.evaluation.statistics import Cell, Summary, by_mean
from distilfuse.metrics import METRICS

CLEAN_LABEL = "none"
MEAN_LABEL = "mean of degraded"


@dataclass(frozen=True)
class Block:
    """The methods on a set in one condition, with marks among these methods only."""

    label: str
    """:data:`CLEAN_LABEL`, ``KIND@SEVERITY`` or :data:`MEAN_LABEL`."""
    cells: dict[str, list[Cell]]
    """Method to a cell a metric."""


def degraded_bases(summary: Summary) -> dict[str, list[Degraded]]:
    """Set to its degraded versions, in order."""
    found: dict[str, list[Degraded]] = {}
    for dataset in summary.datasets:
        if degraded := parse_degraded_set(dataset):
            found.setdefault(degraded.base, []).append(degraded)
    return found


def blocks(summary: Summary, base: str) -> list[Block]:
    """The clean set if it is there, each degraded one, and the mean of these, over the methods of degraded sets."""
    sets = [dataset for dataset in summary.datasets if (d := parse_degraded_set(dataset)) and d.base == base]
    methods = list(dict.fromkeys(method for dataset in sets for method in summary.methods[dataset]))
    found = []
    for dataset in ([base] if base in summary.datasets else []) + sets:
        label = dataset.removeprefix(f"{base}/") if dataset != base else CLEAN_LABEL
        cells = {
            method: [summary.cells[dataset, method, metric] for metric in summary.metrics]
            for method in methods
            if method in summary.methods[dataset]
        }
        found.append(_marked(summary, Block(label, cells)))
    if len(sets) > 1:
        degraded = [block for block in found if block.label != CLEAN_LABEL]
        complete = [method for method in methods if all(method in block.cells for block in degraded)]
        average = {
            method: [_average(column) for column in zip(*(block.cells[method] for block in degraded), strict=True)]
            for method in complete
        }
        found.append(_marked(summary, Block(MEAN_LABEL, average)))
    return found


def markdown(summary: Summary, notes: Sequence[str] = ()) -> str:
    """A robustness table for every set that was degraded."""
    style = tables.MARKDOWN
    sections = [f"# Robustness, protocol {summary.protocol}", *(style.escape(note) for note in notes)]
    for base in degraded_bases(summary):
        found = blocks(summary, base)
        sections += [
            f"## {style.escape(base)}",
            _caption(summary, base, style),
            tables.markdown_grid(["input", "method", *tables.headings(summary, style)], _rows(found, style), words=2),
        ]
        if absent := _left_out(summary, base):
            sections.append("\n".join(f"- {style.escape(line)}" for line in absent))
    return "\n\n".join(sections) + "\n"


def latex(summary: Summary, notes: Sequence[str] = ()) -> str:
    """The same in LaTeX with booktabs rules."""
    style = tables.LATEX
    documents = []
    for k, base in enumerate(degraded_bases(summary), start=1):
        found = blocks(summary, base)
        starts = np.cumsum([len(block.cells) for block in found])[:-1].tolist()
        documents.append(
            tables.latex_table(
                ["Input", "Method", *tables.headings(summary, style)],
                _rows(found, style),
                f"Robustness on {style.escape(base)}: {_caption(summary, base, style)}",
                f"tab:robustness-{k}",
                [*notes, *_left_out(summary, base)],
                left=2,
                rules=starts,
            )
        )
    return "\n".join(documents)


def _rows(found: Sequence[Block], style: tables.Style) -> list[list[str]]:
    texts = iter(tables.mean_texts([cells for block in found for cells in block.cells.values()], style))
    return [
        [style.escape(block.label) if k == 0 else "", style.escape(method), *next(texts)]
        for block in found
        for k, method in enumerate(block.cells)
    ]


def _caption(summary: Summary, base: str, style: tables.Style) -> str:
    sets = [dataset for dataset in summary.datasets if (d := parse_degraded_set(dataset)) and d.base == base]
    counts = list(dict.fromkeys(tables.count(summary, dataset) for dataset in sets))
    words = tables.legend(style, counts[0] if len(counts) == 1 else "n as stated below", summary.protocol)
    return f"degraded inputs are fused, the result is scored against the clean sources; {words}"


def _left_out(summary: Summary, base: str) -> list[str]:
    return [
        f"{dataset}: {line}"
        for dataset in summary.datasets
        if (degraded := parse_degraded_set(dataset)) and degraded.base == base
        for line in tables.left_out(summary, dataset)
    ]


def _marked(summary: Summary, block: Block) -> Block:
    """The block with places among its own methods; in the clean set folders of pictures may have the better ones."""
    cells = {method: list(row) for method, row in block.cells.items()}
    for k, metric in enumerate(summary.metrics):
        compared = [method for method in cells if np.isfinite(cells[method][k].mean)]
        means = np.array([cells[method][k].mean for method in compared])
        places = by_mean(means, higher_is_better=METRICS[metric].higher_is_better)
        for method, place in zip(compared, places.tolist(), strict=True):
            cell = cells[method][k]
            # The p of a clean set may be that against a folder's pictures.
            cells[method][k] = replace(cell, place=place, p=None if block.label == CLEAN_LABEL else cell.p)
    return Block(block.label, cells)


def _average(cells: Sequence[Cell]) -> Cell:
    """The mean of means, without interval or test: the conditions are no sample of anything."""
    mean = float(np.mean([cell.mean for cell in cells]))
    rank = float(np.mean([cell.rank for cell in cells]))
    n, missing = sum(cell.n for cell in cells), sum(cell.missing for cell in cells)
    return Cell(n, missing, mean, np.nan, np.nan, rank, 0, None)

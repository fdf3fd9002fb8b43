"""A picture of robustness: every metric over the severity of every degradation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from distilfuse.evaluation.extras import need
from distilfuse.evaluation.robustness import CLEAN_LABEL, MEAN_LABEL, Block, blocks, degraded_bases
from distilfuse.evaluation.statistics import Summary
from distilfuse.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can tell apart; black is left for text.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#999999")
_MARKERS = "osD^vP*X"
_DPI = 140
_ACROSS = 4
"""Panels of bars side by side."""


def robustness_picture(summary: Summary, base: str) -> bytes:
    """A PNG of the means: curves over the severity where a kind has several of them, else bars.

    Severity 0 is the clean set, where the summary has it. Bands and whiskers are the 95 % intervals.

    Args:
        summary: of a table with degraded sets.
        base: the set that was degraded.

    Raises:
        MissingDependencyError: Matplotlib (extra ``evaluate``) is not installed.
    """
    need("evaluate", "matplotlib")
    kinds = [entry.kind for entry in degraded_bases(summary)[base]]
    found = [block for block in blocks(summary, base) if block.label != MEAN_LABEL]
    methods = list(dict.fromkeys(method for block in found for method in block.cells))
    several = len(set(kinds)) < len(kinds)
    figure = _curves(summary, found, methods, list(dict.fromkeys(kinds))) if several else _bars(summary, found, methods)
    figure.suptitle(f"{base}, protocol {summary.protocol}, scored against the clean sources", fontsize=10)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6), fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()


def _curves(summary: Summary, found: Sequence[Block], methods: Sequence[str], kinds: Sequence[str]) -> Figure:
    """A row a kind, a column a metric."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _grid(len(kinds), len(summary.metrics), size=(2.6, 1.9))
    for metric, column_of in zip(summary.metrics, zip(*axes, strict=True), strict=True):
        _entitle(column_of[0], metric)
        for panel in column_of[1:]:
            panel.sharey(column_of[0])  # one scale a metric, so that rows can be compared
    for row, kind in enumerate(kinds):
        axes[row][0].set_ylabel(kind, fontsize=8)
        for column, panel in enumerate(axes[row]):
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            for number, method in enumerate(methods):
                points = []
                for block in found:
                    name, _, severity = block.label.partition("@")
                    if method in block.cells and name in (kind, CLEAN_LABEL):
                        cell = block.cells[method][column]
                        points.append((float(severity or 0), cell.mean, cell.low, cell.high))
                if not points:
                    continue
                x, mean, low, high = np.array(sorted(points)).T
                look = _look(number, method)
                panel.plot(x, mean, marker=_MARKERS[number % len(_MARKERS)], markersize=3, linewidth=1.2, **look)
                panel.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
    for panel in axes[-1]:
        panel.set_xlabel("severity (0: clean)", fontsize=8)
    return figure


def _bars(summary: Summary, found: Sequence[Block], methods: Sequence[str]) -> Figure:
    """A panel a metric, a group of bars an input."""
    across = min(len(summary.metrics), _ACROSS)
    rows = -(-len(summary.metrics) // across)
    figure, axes = _grid(rows, across, size=(max(3.2, 0.35 * len(found) + 1), 3.2))
    panels = [panel for row in axes for panel in row]
    for panel in panels[len(summary.metrics) :]:
        panel.remove()
    width = 0.8 / len(methods)
    for column, (metric, panel) in enumerate(zip(summary.metrics, panels, strict=False)):
        _entitle(panel, metric)
        for number, method in enumerate(methods):
            shown = [(k, block.cells[method][column]) for k, block in enumerate(found) if method in block.cells]
            x = np.array([k for k, _ in shown]) + (number - (len(methods) - 1) / 2) * width
            means = np.array([cell.mean for _, cell in shown])
            below = means - np.array([cell.low for _, cell in shown])
            above = np.array([cell.high for _, cell in shown]) - means
            reach = np.maximum(np.nan_to_num([below, above]), 0)
            panel.bar(x, means, width, yerr=reach, error_kw={"linewidth": 0.7}, **_look(number, method))
        panel.set_xticks(range(len(found)), [block.label for block in found], rotation=60, ha="right")
    return figure


def _grid(rows: int, columns: int, *, size: tuple[float, float]) -> tuple[Figure, list[list[Axes]]]:
    """Panels of ``size`` inches in rows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * columns + 0.4, size[1] * rows + 1), layout="constrained")
    FigureCanvasAgg(figure)
    axes: list[list[Axes]] = figure.subplots(rows, columns, squeeze=False).tolist()
    for panel in (panel for row in axes for panel in row):
        panel.tick_params(labelsize=7)
        panel.grid(axis="y", alpha=0.3)
        panel.set_axisbelow(True)
    return figure, axes


def _entitle(panel: Axes, metric: str) -> None:
    panel.set_title(f"{metric} {METRICS[metric].arrow}", fontsize=10)


def _look(number: int, method: str) -> dict[str, Any]:
    # Matplotlib hides labels that begin with an underscore, and reads mathematics between dollars.
    label = method.replace("$", r"\$")
    return {"color": _COLOURS[number % len(_COLOURS)], "label": f" {label}" if label.startswith("_") else label}

"""Tables of means for people: Markdown and LaTeX, with the protocol, the number of pairs and what was left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from distilfuse.evaluation.scores import parse_degraded_set
from distilfuse.evaluation.statistics import SIGNIFICANT, Cell, Summary
from distilfuse.metrics import METRICS

NO_VALUE = "–"

_LISTED = 20
"""Pairs named one by one before the rest is only counted; scores.json names all."""


@dataclass(frozen=True)
class Style:
    """How a document writes text and marks numbers."""

    escape: Callable[[str], str]
    best: str
    """With ``{}`` for the text."""
    second: str
    interval: str
    """With ``{}`` for either end."""
    dagger: str
    up: str
    down: str


def _escape_markdown(text: str) -> str:
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|#~" else c for c in line)


_LATEX_NAMES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "≥": r"$\geq$",
    NO_VALUE: "--",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def _escape_latex(text: str) -> str:
    return "".join(_LATEX_NAMES.get(c, c) for c in " ".join(text.split()))


MARKDOWN = Style(_escape_markdown, "**{}**", "<u>{}</u>", " [{}, {}]", "†", "↑", "↓")
LATEX = Style(
    _escape_latex,
    r"\textbf{{{}}}",
    r"\underline{{{}}}",
    r" {{\scriptsize [{}, {}]}}",
    r"$^{\dagger}$",
    r"$\uparrow$",
    r"$\downarrow$",
)


def markdown(summary: Summary, notes: Sequence[str] = ()) -> str:
    """For every clean set the means and the ranks, what was left out; at the end what to beware of, and notes."""
    sections = [f"# Scores, protocol {summary.protocol}"]
    for dataset in clean_sets(summary):
        methods = [MARKDOWN.escape(method) for method in summary.methods[dataset]]
        cells = _cells(summary, dataset)
        ranks = [[_rank_and_p(cell) for cell in row] for row in cells]
        sections += [
            f"## {MARKDOWN.escape(dataset)}",
            caption(summary, dataset, MARKDOWN),
            markdown_grid(["method", *headings(summary, MARKDOWN)], _named(methods, mean_texts(cells, MARKDOWN))),
            "Mean rank over the pairs (1 is best), and p of the difference from the best mean:",
            markdown_grid(["method", *headings(summary, MARKDOWN)], _named(methods, ranks)),
            *_paragraph(left_out(summary, dataset)),
        ]
    if summary.warnings:
        sections += ["## Beware", *_paragraph(summary.warnings)]
    if notes:
        sections += ["## Notes", *_paragraph(notes)]
    return "\n\n".join(sections) + "\n"


def latex(summary: Summary) -> str:
    """For every clean set a ``table`` of means in the booktabs style, what was left out below it."""
    documents = []
    for k, dataset in enumerate(clean_sets(summary), start=1):
        methods = [LATEX.escape(method) for method in summary.methods[dataset]]
        head = ["Method", *headings(summary, LATEX)]
        rows = _named(methods, mean_texts(_cells(summary, dataset), LATEX))
        words = f"Scores on {LATEX.escape(dataset)}: {caption(summary, dataset, LATEX)}"
        documents.append(latex_table(head, rows, words, f"tab:scores-{k}", left_out(summary, dataset)))
    return "\n".join(documents)


def clean_sets(summary: Summary) -> tuple[str, ...]:
    """The sets that are not degraded."""
    return tuple(dataset for dataset in summary.datasets if parse_degraded_set(dataset) is None)


def headings(summary: Summary, style: Style) -> list[str]:
    """Metric names with their arrows."""
    return [
        f"{style.escape(metric)} {style.up if METRICS[metric].higher_is_better else style.down}"
        for metric in summary.metrics
    ]


def caption(summary: Summary, dataset: str, style: Style) -> str:
    """Protocol, number of pairs, and what the marks mean."""
    return legend(style, count(summary, dataset), summary.protocol)


def legend(style: Style, pairs: str, protocol: str) -> str:
    """The same from the number of pairs in words, see :func:`count`, and the protocol's label."""
    best, second = style.best.format("bold"), style.second.format("underlined")
    dagger = f"not significantly different from the best (paired Wilcoxon, Holm-corrected, p ≥ {SIGNIFICANT:g})"
    return (
        f"{style.escape(f'protocol {protocol}, {pairs}; means with 95 % bootstrap intervals')}; "
        f"best {best}, second {second}, {style.dagger} {style.escape(dagger)}."
    )


def count(summary: Summary, dataset: str) -> str:
    """``n = 50 pairs``; ``n = 48 of 50 pairs``; ``n = 50 pairs, but VIF 48`` where metrics differ."""
    total = summary.pairs[dataset]
    pairs = f"{total} pair{'s' if total != 1 else ''}"
    found = {
        metric: max(summary.cells[dataset, method, metric].n for method in summary.methods[dataset])
        for metric in summary.metrics
    }
    if len(set(found.values())) == 1:
        n = next(iter(found.values()))
        return f"n = {pairs}" if n == total else f"n = {n} of {pairs}"
    fewer = ", ".join(f"{metric} {n}" for metric, n in found.items() if n < total)
    return f"n = {pairs}, but {fewer}"


def mean_texts(cells: Sequence[Sequence[Cell]], style: Style) -> list[list[str]]:
    """Means with intervals and marks, row for row; each column has the decimals that its largest mean asks for."""
    columns = list(zip(*cells, strict=True))
    places = [decimals(cell.mean for cell in column) for column in columns]
    return [[_mean(cell, digits, style) for cell, digits in zip(row, places, strict=True)] for row in cells]


def decimals(means: Iterable[float]) -> int:
    """Three below 10, two below 100, one above."""
    largest = max((abs(mean) for mean in means if math.isfinite(mean)), default=0.0)
    return 3 if largest < 10 else 2 if largest < 100 else 1


def left_out(summary: Summary, dataset: str) -> list[str]:
    """A sentence for each pair that a mean lacks, and for each method that has no value in a metric."""
    total, methods = summary.pairs[dataset], summary.methods[dataset]
    absent = {
        method: [m for m in summary.metrics if summary.cells[dataset, method, m].missing == total] for method in methods
    }
    entries = summary.left_out[dataset]
    lines = []
    for method in methods:
        if absent[method]:
            reason = next(entry.reason for entry in entries if entry.method == method)
            lines.append(f"{method} has no value in {', '.join(absent[method])} and is not compared there: {reason}")
    found: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for entry in entries:
        metrics = tuple(metric for metric in entry.metrics if metric not in absent[entry.method])
        if metrics:
            found.setdefault((entry.name, metrics, entry.reason), []).append(entry.method)
    pairs = []
    for (name, metrics, reason), by in found.items():
        where = "any mean" if len(metrics) == len(summary.metrics) else f"the mean of {', '.join(metrics)}"
        pairs.append(f"{name} is not in {where} ({', '.join(by)}): {reason}")
    if len(pairs) > _LISTED:
        pairs[_LISTED:] = [f"{len(pairs) - _LISTED} more are listed in scores.json."]
    return lines + pairs


def markdown_grid(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A Markdown table; all but the first ``words`` columns are set to the right."""
    rule = ["---" if k < words else "---:" for k in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def latex_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    words: str,
    label: str,
    below: Sequence[str],
    *,
    left: int = 1,
    rules: Sequence[int] = (),
) -> str:
    r"""A LaTeX ``table`` with booktabs rules.

    Args:
        head: column titles, escaped.
        rows: cells, escaped.
        words: the caption, escaped.
        label: for ``\ref``.
        below: sentences under the table, not escaped yet.
        left: columns set to the left.
        rules: numbers of the rows that have a rule above.
    """
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{words}}}",
        f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{'l' * left}{'r' * (len(head) - left)}}}",
        "\\toprule",
        f"{' & '.join(head)} \\\\",
        "\\midrule",
    ]
    for k, row in enumerate(rows):
        lines += (["\\midrule"] if k in rules else []) + [f"{' & '.join(row)} \\\\"]
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += [f"\\par {{\\footnotesize {LATEX.escape(sentence)}}}" for sentence in below]
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _cells(summary: Summary, dataset: str) -> list[list[Cell]]:
    return [
        [summary.cells[dataset, method, metric] for metric in summary.metrics] for method in summary.methods[dataset]
    ]


def _named(names: Iterable[str], rows: Iterable[Sequence[str]]) -> list[list[str]]:
    return [[name, *row] for name, row in zip(names, rows, strict=True)]


def _mean(cell: Cell, digits: int, style: Style) -> str:
    if not cell.place:
        return style.escape(NO_VALUE)
    text = f"{cell.mean:.{digits}f}"
    if cell.place <= 2:
        text = (style.best if cell.place == 1 else style.second).format(text)
    if cell.p is not None and cell.p >= SIGNIFICANT:
        text += style.dagger
    if math.isfinite(cell.low):
        text += style.interval.format(f"{cell.low:.{digits}f}", f"{cell.high:.{digits}f}")
    return text


def _rank_and_p(cell: Cell) -> str:
    if not cell.place:
        return NO_VALUE
    p = "best" if cell.p is None else "p < 0.001" if cell.p < 0.001 else f"p = {cell.p:.3f}"
    return f"{cell.rank:.2f} ({p})"


def _paragraph(lines: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {MARKDOWN.escape(line)}" for line in lines)] if lines else []

"""A reproduced table for people (rows of text, Markdown) and for programs (JSON)."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distilfuse import __version__
from distilfuse.errors import OutputError
from distilfuse.evaluation.published import PublishedSet, PublishedTable, published_source
from distilfuse.evaluation.reproduce.comparison import Cell, Line, Reproduction, SetReport
from distilfuse.evaluation.scores import write_csv
from distilfuse.evaluation.tables import MARKDOWN, markdown_grid
from distilfuse.imaging.writing import write_bytes
from distilfuse.metrics import METRICS


def heading(table: PublishedTable) -> tuple[str, ...]:
    """Heads of the columns."""
    metrics = (f"{metric} {METRICS[metric].arrow}" for metric in table.metrics)
    return ("method", "from", "pairs", *metrics, "difference to")


def published_rows(table: PublishedTable, entry: PublishedSet) -> list[tuple[str, ...]]:
    """The paper's rows of a set, under :func:`heading`."""
    pairs = "?" if entry.pairs is None else str(entry.pairs)
    return [
        (row.method, "paper", pairs, *(f"{row.values[entry.name, metric]:.3f}" for metric in table.metrics), "")
        for row in table.rows
    ]


def our_rows(table: PublishedTable, report: SetReport) -> list[tuple[str, ...]]:
    """The rows of a set that were run or given, with differences in brackets, under :func:`heading`."""
    return [
        (
            line.method,
            line.origin,
            str(line.pairs),
            *(_figure(line.cells[metric]) for metric in table.metrics),
            line.compared_with,
        )
        for line in report.lines
    ]


def caption(report: SetReport) -> str:
    """One sentence: the set, and how many of the paper's pairs were scored."""
    entry = report.published
    head = f"{entry.title}, {entry.about}: "
    if not report.scored:
        why = "there is no model or result to be scored" if report.found else report.reason
        return f"{head}nothing was scored; {why}."
    if report.reason:
        return f"{head}{report.scored} pairs scored; {report.reason}."
    theirs = "as in the paper" if entry.pairs is not None else "the paper does not say how many it has"
    return f"{head}{report.scored} pairs scored, {theirs}."


def remarks(report: SetReport) -> list[str]:
    """What to know of a set's rows, one sentence each: notes, then what is missing."""
    said = [f"{line.method}: {note}" for line in report.lines for note in line.notes]
    said += [f"{absent.method}: {absent.reason}." for absent in report.absent if absent.recipe]
    if others := [absent.method for absent in report.absent if not absent.recipe]:
        said.append(
            f"As published only: {', '.join(others)}. To see them beside, bring fused pictures "
            f"(--fused 'METHOD:{report.published.name}=DIR') or scores (--scores FILE)."
        )
    return said


def doubts(table: PublishedTable) -> list[str]:
    """What is doubtful about the published table, one sentence each."""
    return [f"{doubt.where}: {doubt.what}" for doubt in table.doubts]


def markdown(reproduction: Reproduction) -> str:
    """The table as a document."""
    table, escape = reproduction.table, MARKDOWN.escape
    sections = [
        f"# {table.name}, protocol {reproduction.protocol}",
        escape(f"{table.title}. Published: {published_source()}. In brackets: ours minus published."),
    ]
    head = [escape(cell) for cell in heading(table)]
    for report in reproduction.sets:
        rows = published_rows(table, report.published) + our_rows(table, report)
        sections += [
            f"## {escape(report.published.title)}",
            escape(caption(report)),
            markdown_grid(head, [[escape(cell) for cell in row] for row in rows], words=2),
            _bullets(remarks(report)),
        ]
    sections += [_bullets(reproduction.notes), "## Beware", _bullets(doubts(table))]
    return "\n\n".join(section for section in sections if section) + "\n"


def as_json(reproduction: Reproduction) -> dict[str, Any]:
    """The table as JSON has it: every cell with ours, published, difference and number of pairs."""
    table = reproduction.table
    return {
        "format": "distilfuse reproduction",
        "format_version": 1,
        "distilfuse": __version__,
        "table": table.name,
        "title": table.title,
        "source": published_source(),
        "protocol": reproduction.protocol,
        "metrics": list(table.metrics),
        "incomparable": dict(table.incomparable),
        "sets": [
            {
                "set": report.published.name,
                "pairs_published": report.published.pairs,
                "pairs_found": report.found,
                "pairs_scored": report.scored,
                "reason": report.reason,
                "published": [
                    {
                        "method": row.method,
                        "parameters": row.parameters,
                        "values": {metric: row.values[report.published.name, metric] for metric in table.metrics},
                    }
                    for row in table.rows
                ],
                "rows": [_line_as_json(line) for line in report.lines],
                "absent": [dataclasses.asdict(absent) for absent in report.absent],
            }
            for report in reproduction.sets
        ],
        "notes": list(reproduction.notes),
        "doubts": [{"where": doubt.where, "what": doubt.what} for doubt in table.doubts],
    }


def check_results(folder: Path, table: PublishedTable, *, overwrite: bool) -> None:
    """Find out before any work whether the files could be written.

    Raises:
        OutputError: the folder is a file, or holds results of this table already (unless ``overwrite``).
    """
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise OutputError(f"{folder} cannot be a folder because {place} is a file: name another output.")
            break
    taken = [path.name for path in _files(folder, table) if path.exists()]
    if taken and not overwrite:
        raise OutputError(f"{folder} holds {', '.join(taken)} already: add --overwrite or name another folder.")


def write_results(folder: Path, reproduction: Reproduction) -> list[Path]:
    """Write ``TABLE.md``, ``TABLE.json`` and the scores behind them, ``TABLE-scores.csv``, each whole or not at all.

    Args:
        folder: made if it is missing.
        reproduction: what to write.

    Returns:
        The files; without scores where nothing was scored.

    Raises:
        OutputError: the folder cannot be made, or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}): name another output.") from error
    text, data, scores = _files(folder, reproduction.table)
    write_bytes(text, markdown(reproduction).encode(errors="replace"))
    content = json.dumps(as_json(reproduction), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(data, f"{content}\n".encode(errors="replace"))
    if not reproduction.scores.rows:
        scores.unlink(missing_ok=True)  # those of an earlier run would belong to another table
        return [text, data]
    write_csv(scores, reproduction.scores)
    return [text, data, scores]


def _files(folder: Path, table: PublishedTable) -> tuple[Path, Path, Path]:
    return folder / f"{table.name}.md", folder / f"{table.name}.json", folder / f"{table.name}-scores.csv"


def _line_as_json(line: Line) -> dict[str, Any]:
    return {
        "method": line.method,
        "origin": line.origin,
        "compared_with": line.compared_with,
        "stands_for_it": line.stands_for_it,
        "pairs": line.pairs,
        "values": {
            metric: {
                "ours": None if math.isnan(cell.ours) else cell.ours,
                "pairs": cell.pairs,
                "published": cell.published,
                "difference": cell.difference,
            }
            for metric, cell in line.cells.items()
        },
        "notes": list(line.notes),
        "sha256": line.sha256,
    }


def _figure(cell: Cell) -> str:
    if math.isnan(cell.ours):
        return "-"
    return f"{cell.ours:.3f}" + (f" ({cell.difference:+.3f})" if cell.difference is not None else "")


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {MARKDOWN.escape(line)}" for line in lines)

"""``distilfuse models``: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distilfuse.zoo import ModelRecord


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print the full records as JSON.")] = False,
) -> None:
    """List the models: task, size, input, scores, licence.

    Scores are means over test sets, in the protocol `paper`; higher is better.
    """
    import dataclasses
    import json

    from distilfuse.zoo import find_record, list_models

    records = [find_record(name) for name in list_models()]
    if as_json:
        typer.echo(
            json.dumps([dataclasses.asdict(record) for record in records], indent=2, ensure_ascii=False)
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "task", "parameters", "size", "input", "scores", "licence"):
        table.add_column(title, justify="right" if title in ("parameters", "size") else "left")
    for record in records:
        table.add_row(
            record.name,
            record.task,
            f"{record.parameters:,}",
            _in_bytes(record.size),
            f"{record.visible_input} + infrared",
            _scores(record),
            record.licence,
        )
    console = Console()
    console.print(table)
    for record in records:
        console.print(f"\n{record.name}: {record.summary} {record.data_terms}", markup=False, highlight=False)


def _scores(record: ModelRecord) -> str:
    return "\n".join(
        f"{name}: " + " ".join(f"{metric} {value:.3f}" for metric, value in values.items())
        for name, values in record.scores.items()
    )


def _in_bytes(size: int) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"

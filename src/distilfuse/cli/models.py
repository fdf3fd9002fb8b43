"""``distilfuse models``: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

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
        typer.echo(json.dumps([dataclasses.asdict(record) for record in records], indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    for record in records:
        facts = (
            f"{record.task}, {record.parameters:,} parameters, {_in_bytes(record.size)}, "
            f"takes {record.visible_input} + infrared, {record.licence}"
        )
        console.print(f"[bold]{record.name}[/bold]: {facts}", highlight=False)
        console.print(f"{record.summary}\n{record.data_terms}", markup=False, highlight=False)
        console.print(_scores(record))


def _scores(record: ModelRecord) -> Table:
    from rich.table import Table

    metrics = list(dict.fromkeys(metric for values in record.scores.values() for metric in values))
    table = Table("test set", *metrics, box=None, header_style="bold")
    for name, values in record.scores.items():
        table.add_row(name, *(f"{values[metric]:.3f}" if metric in values else "-" for metric in metrics))
    return table


def _in_bytes(size: int) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"

"""``distilfuse data``: published sets of picture pairs, what they are, whether yours is whole, and how to get them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distilfuse.datasets.checking import CheckPlan, Problem
    from distilfuse.datasets.record import DatasetRecord

_LISTED = 20
"""Files listed one by one of each kind of problem before the rest is only counted."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in `distilfuse data list`.", show_default=False)]
Split = Annotated[
    str | None,
    typer.Option(
        "--split", metavar="SPLIT", help="train, validation, test, or a part of the archive.", show_default="all"
    ),
]

data = typer.Typer(
    no_args_is_help=True,
    help="Published sets of picture pairs: list, describe, check, download.",
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@data.command("list")
def list_sets() -> None:
    """List the data sets known by name."""
    from rich.console import Console
    from rich.table import Table

    from distilfuse.datasets.catalogue import DATASETS

    table = Table(box=None, header_style="bold")
    for title in ("name", "what", "pairs", "listed here"):
        table.add_column(title, no_wrap=title == "name")
    for record in DATASETS.values():
        numbers = ", ".join(f"{split} {number}" for split, number in record.pairs.items())
        table.add_row(record.name, record.title, numbers or "-", _listed_pairs(record) or "-")
    Console().print(table)


@data.command()
def info(name: Name) -> None:
    """Say what a data set is, where to get it, on what terms, and what this project uses it for."""
    from distilfuse.datasets.catalogue import find_dataset

    record = find_dataset(name)
    facts = {
        "A": record.a,
        "B": record.b,
        "pairs": ", ".join(f"{split} {number}" for split, number in record.pairs.items()),
        "pictures": record.size,
        "page": record.page,
        "get it": record.get,
        "terms": record.terms,
        "cite": record.reference,
        "used for": record.use,
        "lists": _listed_pairs(record),
        "download": f"distilfuse data download {record.name} DIR" if record.remote else "by hand only",
        "layouts": "; ".join(_layout_words(record)),
    }
    typer.secho(f"{record.name}: {record.title}", bold=True)
    for word, fact in facts.items():
        if fact:
            typer.echo(f"  {word:9} {fact}")


@data.command()
def check(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The set's folder, or one that holds it.")],
    split: Split = None,
) -> None:
    """Check a data set: missing, extra, corrupted and altered files, and sizes that differ within a pair.

    The layout is found out: that of the original archive as unpacked, or two folders such as vi and ir. Files are
    compared with the SHA-256 of the lists that this project trained and measured with.

    Exit status: 0 all well, 1 something is wrong, 2 wrong input.
    """
    from distilfuse.datasets.catalogue import find_dataset
    from distilfuse.datasets.checking import PROBLEMS, plan_check

    record = find_dataset(name)
    plan = plan_check(record, folder, split)
    typer.echo(f"{record.name}: {plan.found}")
    problems = [*plan.problems, *_look_with_progress(plan)]
    for kind, words in PROBLEMS.items():
        members = [problem for problem in problems if problem.kind == kind]
        if not members:
            continue
        typer.secho(f"{len(members)} {kind} ({words}):", fg=typer.colors.RED)
        for problem in members[:_LISTED]:
            typer.echo(f"  {problem.what}{f': {problem.detail}' if problem.detail else ''}")
        if len(members) > _LISTED:
            typer.echo(f"  and {len(members) - _LISTED} more")
    if plan.unlisted:
        typer.echo(f"{plan.unlisted} pairs are beyond our list, which names a part of the set: they were only read.")
    listed = sum(item.listed is not None for item in plan.items)
    pairs = f"{len(plan.items)} pairs looked at, {listed} of them with listed checksums"
    if problems:
        typer.secho(f"{pairs}: {len(problems)} problems.", fg=typer.colors.RED)
        raise typer.Exit(1)
    typer.secho(f"{pairs}: all well.", fg=typer.colors.GREEN)


@data.command()
def download(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The set is put into DIR/SET.")],
    split: Split = None,
) -> None:
    """Download the listed pairs of a data set from its public repository, and verify each file.

    Only where files have a direct public address; for the others it says how to get them by hand. A download that
    was broken off goes on where it stopped. Mind the terms of the set: they are printed first.

    Exit status: 0 all there, 1 something could not be fetched, 2 wrong input.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from distilfuse.datasets import download as downloading
    from distilfuse.datasets.catalogue import find_dataset

    record = find_dataset(name)
    files = downloading.plan_download(record, folder, split)
    typer.echo(f"{record.title}. {record.terms} Cite: {record.reference}.")
    console = Console(stderr=True)
    current = TextColumn("{task.fields[name]}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("ETA"), TimeRemainingColumn(), current)
    states = {"fetched": 0, "there": 0, "failed": 0}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(files), name="")
        for outcome in downloading.download(files):
            states[outcome.state] += 1
            progress.update(task, advance=1, name=outcome.file.target.name)
            if outcome.error is not None:
                console.print(str(outcome.error), style="red", markup=False, soft_wrap=True)
    typer.echo(
        f"{folder / record.listed}: {states['fetched']} files fetched, {states['there']} were there, "
        f"{states['failed']} failed."
    )
    if states["failed"]:
        raise typer.Exit(1)


def _look_with_progress(plan: CheckPlan) -> list[Problem]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from distilfuse.datasets.checking import run_check

    console = Console(stderr=True)
    name = TextColumn("{task.fields[name]}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("ETA"), TimeRemainingColumn(), name)
    problems: list[Problem] = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(plan.items), name="")
        for item, found in run_check(plan):
            progress.update(task, advance=1, name=item.name)
            problems += found
    return problems


def _listed_pairs(record: DatasetRecord) -> str:
    from distilfuse.datasets.splits import listed_pairs

    if not record.listed:
        return ""
    splits = [pair.split for pair in listed_pairs(record.listed)]
    return ", ".join(f"{split} {splits.count(split)}" for split in dict.fromkeys(splits))


def _layout_words(record: DatasetRecord) -> list[str]:
    words = []
    for layout in record.layouts:
        split = "|".join(layout.splits)
        folders = ", ".join(layout.scenes) or " and ".join(
            part.format(split=f"({split})") for part in (layout.visible, layout.infrared)
        )
        words.append(f"{layout.title}: {folders}")
    return words

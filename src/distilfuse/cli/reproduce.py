"""``distilfuse reproduce``: the paper's tables, ours beside the published figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from distilfuse.evaluation.methods import TrainedRow
    from distilfuse.evaluation.published import PublishedTable
    from distilfuse.evaluation.reproduce.comparison import Reproduction, SetReport
    from distilfuse.evaluation.reproduce.plan import TablePlan
    from distilfuse.evaluation.scores import ScoreTable


def reproduce(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="table1 .. table7.", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder that holds the data sets, in any layout of `data check`."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="A model, or a record (.json); repeatable.",
            show_default="the released ones of the table's task",
        ),
    ] = None,
    fused: Annotated[
        list[str] | None,
        typer.Option("--fused", "-f", metavar="METHOD:SET=DIR", help="A method's fused pictures of a set; repeatable."),
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option("--scores", metavar="FILE", help="An earlier scores.csv or .json in protocol paper; repeatable."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="At most N pairs a set, spread evenly.", min=1)
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", metavar="N", help="Pairs at once.", show_default="one a CPU", min=1)
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", metavar="N", help="Train the rows of tables 3 to 7, so long each; needs [train]."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", metavar="RECIPE", help="Train by another recipe, with models of the same names."),
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", metavar="DIR", help="Folder of these runs.", show_default="runs/TABLE")
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option("--embeddings", metavar="DIR", help="Cache of text embeddings.", show_default="in the runs"),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes that prepare batches.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder for TABLE.md, TABLE.json and scores.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results in DIR.")] = False,
) -> None:
    """Reproduce a table of the paper with what is here.

    Tables 1 and 2 compare methods: the released models, the baselines `max` and `mean` and whatever results you
    bring are scored in protocol `paper`, beside the published figures, with the difference. Tables 3 to 7 are
    training experiments: with `--minutes N` every row (and a teacher that several rows share) is trained for N
    minutes, on a GPU if there is one, and scored. The same command again goes on where it was stopped.

    What cannot be run here is marked with the reason; published figures that should not be taken at their word
    are listed below the table. A METHOD that bears a published name is compared with its own row.

    For example: `distilfuse reproduce table1 --data DIR --fused IFCNN:msrs=results/ifcnn -o table1`,
    `distilfuse reproduce table7 --data DIR --minutes 30 -o table7`

    Exit status: 0 the table was made, with whatever rows; 1 nothing of DIR could be scored; 2 wrong input.
    """
    from distilfuse.errors import InputError
    from distilfuse.evaluation.published import published_table
    from distilfuse.evaluation.reproduce.comparison import compare
    from distilfuse.evaluation.reproduce.files import check_results, write_results
    from distilfuse.evaluation.reproduce.plan import Given, plan_table
    from distilfuse.evaluation.scores import read_scores
    from distilfuse.runtime import usable_cpus

    published = published_table(table)
    if output:
        check_results(output, published, overwrite=overwrite)
    jobs = jobs or usable_cpus()
    if data is not None and not data.is_dir():
        raise InputError(f"{data} is not a folder: name the one that holds the data sets.")
    trained: Mapping[str, TrainedRow] = {}
    if minutes is not None or recipe is not None:
        if data is None or minutes is None:
            raise InputError("Training the rows of a table needs --minutes N and --data DIR.")
        missing = [entry.reason for entry in plan_table(published, data, Given(), threads=1).sets if not entry.found]
        if len(missing) == len(published.sets):
            raise InputError(f"There would be no pairs to score the rows of {table} on: {missing[0]}.")
        trained = _train(published, recipe, minutes, data, runs or Path("runs") / table, embeddings, workers)
    given = Given(
        models=tuple(model or ()),
        fused=_folders(fused or []),
        trained=trained,
        scores=tuple(read_scores(path) for path in scores or ()),
        limit=limit,
    )
    plan = plan_table(published, data, given, threads=max(1, usable_cpus() // jobs))
    reproduction = compare(plan, _score(plan, jobs))
    _print(reproduction)
    if output:
        written = write_results(output, reproduction)
        typer.echo(f"{output}: {', '.join(path.name for path in written)}")
    if data is not None and not reproduction.has_scores:
        typer.secho(f"Nothing of {data} could be scored: see the reasons above.", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)


def _train(
    table: PublishedTable,
    recipe: str | None,
    minutes: float,
    data: Path,
    runs: Path,
    embeddings: Path | None,
    workers: int,
) -> Mapping[str, TrainedRow]:
    from distilfuse.errors import MissingDependencyError

    try:
        from distilfuse.training.experiment import experiment_stages, run_experiment
    except ImportError as error:
        raise MissingDependencyError(
            f"Training needs the package {error.name}: pip install 'distilfuse[train]'."
        ) from error
    stages = experiment_stages(table, recipe, minutes)
    typer.echo(f"{len(stages)} trainings of {minutes:g} minutes each, in {runs}.", err=True)
    return run_experiment(table, stages, data=data, out=runs, cache=embeddings or runs / "embeddings", workers=workers)


def _folders(arguments: list[str]) -> dict[tuple[str, str], Path]:
    from distilfuse.errors import InputError

    found: dict[tuple[str, str], Path] = {}
    for argument in arguments:
        left, _, folder = argument.partition("=")
        method, _, dataset = left.rpartition(":")
        if not (method and dataset and folder):
            raise InputError(f"--fused {argument} does not say whose pictures of what: write --fused METHOD:SET=DIR.")
        if (method, dataset) in found:
            raise InputError(f"--fused names {method}:{dataset} twice: keep one of them.")
        found[method, dataset] = Path(folder)
    return found


def _score(plan: TablePlan, jobs: int) -> list[ScoreTable]:
    from distilfuse.cli.progress import progress_bar
    from distilfuse.evaluation.scoring import collect, run

    plans = [entry.plan for entry in plan.sets if entry.plan is not None]
    names = [f"{one.dataset}/{step.pair.name}" for one in plans for step in one.steps()]
    tables = []
    done = 0
    with progress_bar(len(names), names[0] if names else "") as (_, advance):
        for one in plans:
            outcomes = []
            for outcome in run(one, jobs=jobs, processes=True):
                outcomes.append(outcome)
                done += 1
                advance(done, names[done] if done < len(names) else "")
            tables.append(collect(one, outcomes)[0])
    return tables


def _print(reproduction: Reproduction) -> None:
    from rich.console import Console

    from distilfuse.evaluation.published import published_source
    from distilfuse.evaluation.reproduce.files import caption, doubts, remarks

    console = Console()
    if not console.is_terminal:
        console.width = 1000  # a file or a pipe has no edge to wrap at
    table = reproduction.table

    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=False)

    say(f"{table.name}: {table.title}", "bold")
    say(f"Published: {published_source()}. Scored in protocol {reproduction.protocol}; in brackets: ours - published.")
    for report in reproduction.sets:
        say(f"\n{caption(report)}")
        _print_set(console, reproduction, report)
        for remark in remarks(report):
            say(f"- {remark}")
    for note in reproduction.notes:
        say(f"- {note}", "yellow")
    say("\nBeware:")
    for doubt in doubts(table):
        say(f"- {doubt}")


def _print_set(console: Console, reproduction: Reproduction, report: SetReport) -> None:
    from rich.table import Table
    from rich.text import Text

    from distilfuse.evaluation.reproduce.files import heading, our_rows, published_rows

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for k, head in enumerate(heading(reproduction.table)):
        # Folded, not cut: on a narrow terminal a name takes two lines.
        justify: Literal["left", "right"] = "right" if 2 <= k < 3 + len(reproduction.table.metrics) else "left"
        grid.add_column(head, justify=justify, overflow="fold")
    for row in published_rows(reproduction.table, report.published):
        grid.add_row(*(Text(cell, style="dim") for cell in row))
    for row in our_rows(reproduction.table, report):
        grid.add_row(*(Text(cell, style="bold" if k == 0 else "") for k, cell in enumerate(row)))
    console.print(grid)

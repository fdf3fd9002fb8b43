"""``distilfuse evaluate``: any number of methods on the same pairs, in one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.options import Backend

if TYPE_CHECKING:
    from distilfuse.evaluation.methods import Method
    from distilfuse.evaluation.planning import Findings
    from distilfuse.evaluation.scoring import Outcome, Plan
    from distilfuse.evaluation.statistics import Summary
    from distilfuse.imaging.pairs import Pair

_LISTED = 20
"""Problems said one by one before the rest is only counted."""


def evaluate(
    visible: Annotated[Path, typer.Argument(metavar="VIS_DIR", help="Folder of visible pictures.", show_default=False)],
    infrared: Annotated[
        Path, typer.Argument(metavar="IR_DIR", help="Folder of infrared pictures, aligned.", show_default=False)
    ],
    fused: Annotated[
        list[str] | None,
        typer.Option("--fused", "-f", metavar="NAME=DIR", help="A method's folder of fused pictures; repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="NAME", help="A model, or a record (.json); repeatable."),
    ] = None,
    trained: Annotated[
        list[Path] | None,
        typer.Option(
            "--trained",
            metavar="FILE",
            help="Weights straight from `distilfuse train` (.safetensors); a teacher also told. Needs [train].",
        ),
    ] = None,
    embeddings: Annotated[
        Path, typer.Option("--embeddings", metavar="DIR", help="Cache of text embeddings, for a teacher.")
    ] = Path("runs/embeddings"),
    baseline: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="NAME", help="max, mean, laplacian or msx; repeatable."),
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option("--scores", metavar="FILE", help="Rows of an earlier scores.csv or .json; repeatable."),
    ] = None,
    set_name: Annotated[
        str | None,
        typer.Option("--set", metavar="NAME", help="The set's name in tables.", show_default="from the folder"),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="NAME",
            help="Only the pairs that the set's published list has: test, validation or train.",
            show_default="all pairs",
        ),
    ] = None,
    protocol: Annotated[str, typer.Option("--protocol", "-p", metavar="NAME", help="How numbers are made.")] = "paper",
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="A,B", help="Columns.", show_default="those of the protocol"),
    ] = None,
    degrade: Annotated[
        str | None,
        typer.Option(
            "--degrade",
            metavar="KIND@SEVERITY,...",
            help="Also fuse degraded inputs, scored against the clean ones; all@3 for the eight kinds.",
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            "--detector", metavar="MODULE:FUNCTION", help="A detector (or FILE.py:FUNCTION) to look at all pictures."
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", metavar="DIR|FILE", help="Known boxes for it: Pascal VOC, YOLO or COCO."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of degradations and intervals.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", metavar="N", help="Pairs at once.", show_default="one a CPU", min=1)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for scores, tables and report."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results in DIR.")] = False,
    backend: Backend = "onnxruntime",
    threads: Annotated[
        int | None,
        typer.Option("--threads", "-t", metavar="N", help="CPU threads a pair.", show_default="CPUs / jobs", min=1),
    ] = None,
) -> None:
    """Score methods on pairs of pictures and compare them.

    A method is a folder of fused pictures (matched by name like visible and infrared ones), a model, a trained
    network, or a baseline. A network that reads text is scored by the pictures alone, and as "NAME told": told the
    packaged caption of each pair (so `--set` must be its set), and what `--degrade` did to it. Every number carries
    its protocol; numbers of two protocols are never put side by side.

    Means are over the pairs that every method has a value for, with 95 % bootstrap intervals; differences
    from the best are tested (Wilcoxon, Holm). DIR gets scores.csv, scores.json, table.md, table.tex and
    report.html, with `--degrade` robustness.md, .tex and .png, and with `--detector` detection.csv and .json:
    the average precision of your detector on visible, infrared and fused pictures alike.

    For example: `distilfuse evaluate vi ir --fused SeaFusion=results/seafusion --model nano-ivif --baseline max`

    Exit status: 0 all scored, 1 something could not be scored, 2 wrong input.
    """
    import os
    from dataclasses import replace

    # Pairs are scored in threads of our own; read when numpy loads its BLAS, whose threads would only get in their way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from distilfuse.cli.detection import print_detection, start_check
    from distilfuse.cli.detection import problems as detection_problems
    from distilfuse.evaluation.degradations import parse_kinds
    from distilfuse.evaluation.detection.files import detection_sentences, write_detection
    from distilfuse.evaluation.extras import need
    from distilfuse.evaluation.planning import choose_split, default_set_name, find_pairs, findings, make_plan
    from distilfuse.evaluation.results import check_folder, write_results
    from distilfuse.evaluation.scores import merge, read_scores
    from distilfuse.evaluation.scoring import collect, fused_picture
    from distilfuse.evaluation.sources import noticed
    from distilfuse.evaluation.statistics import summarise
    from distilfuse.runtime import usable_cpus

    need("evaluate", "scipy", *(("jinja2", "matplotlib") if output else ()))
    if output:
        check_folder(output, overwrite=overwrite)
    jobs = jobs or usable_cpus()
    earlier = [read_scores(path) for path in scores or ()]
    dataset = set_name or default_set_name(visible)
    matching = find_pairs(visible, infrared)
    absent: tuple[str, ...] = ()
    if split:
        matching, absent = choose_split(matching, dataset, split)
    methods = _methods(matching.pairs, fused, model, baseline, backend, threads or max(1, usable_cpus() // jobs))
    methods += _networks([f"{dataset}/{pair.name}" for pair in matching.pairs], trained or [], embeddings)
    plan = make_plan(
        matching.pairs,
        methods,
        dataset=dataset,
        protocol=protocol,
        metrics=None if metrics is None else [name.strip() for name in metrics.split(",")],
        degradations=parse_kinds(degrade) if degrade else (),
        seed=seed,
        earlier=earlier,
    )
    check = start_check(detector, boxes, matching.pairs, [method.name for method in methods])
    if check:
        plan = replace(plan, watch=check.look)
    said: list[str] = []
    with noticed(said):
        outcomes = _run_with_progress(plan, jobs)
    scored, remarks = collect(plan, outcomes)
    table = merge([scored, *earlier])
    summary = summarise(table, seed=seed)
    found = findings(plan, matching, scored, remarks, warnings=said, absent=absent)
    _print_tables(summary)
    detection = check.result() if check else None
    if detection:
        print_detection(detection)
        found = replace(
            found,
            problems=(*found.problems, *detection_problems(detection)),
            notes=(*found.notes, *detection.notes),
        )
    _tell(found, summary)
    if detection:
        found = replace(found, notes=(*detection_sentences(detection), *found.notes))
    if output:
        with noticed([]):  # pictures that the report reads again were remarked on
            written = write_results(
                output,
                table,
                summary,
                protocol=protocol,
                problems=found.problems,
                unscored=found.unscored,
                notes=found.notes,
                sources={
                    (plan.set_name(condition), pair.name): (pair.visible, pair.infrared)
                    for condition in plan.conditions
                    for pair in plan.pairs
                },
                fused=lambda method, dataset, name: fused_picture(plan, method, dataset, name),
                title=f"{plan.dataset}: {len(table.methods)} method{'s' if len(table.methods) != 1 else ''}",
            )
            if detection:
                written += write_detection(output, detection)
        typer.echo(f"{output}: {', '.join(path.name for path in written)}")
    if found.problems or found.unscored:
        raise typer.Exit(1)


def _methods(
    pairs: tuple[Pair, ...],
    fused: list[str] | None,
    models: list[str] | None,
    baselines: list[str] | None,
    backend: str,
    threads: int,
) -> list[Method]:
    from distilfuse.errors import InputError
    from distilfuse.evaluation import methods
    from distilfuse.evaluation.released import model

    found: list[Method] = []
    for argument in fused or ():
        name, mark, folder = argument.partition("=")
        if not (name and mark and folder):
            raise InputError(f"--fused {argument} does not say which method it is: write --fused NAME=DIR.")
        found.append(methods.fused_folder(name, Path(folder), pairs))
    found += [model(name, backend=backend, threads=threads) for name in models or ()]
    found += [methods.baseline(name) for name in baselines or ()]
    return found


def _networks(pairs: list[str], weights: list[Path], cache: Path) -> list[Method]:
    if not weights:
        return []
    from distilfuse.errors import MissingDependencyError

    try:
        from distilfuse.training.methods import told, untold
        from distilfuse.training.trained import load_trained
    except ImportError as error:
        raise MissingDependencyError(
            f"Trained networks need the package {error.name}: pip install 'distilfuse[train]'."
        ) from error
    found: list[Method] = []
    for path in weights:
        network = load_trained(path)
        found.append(untold(network))
        if network.text:
            found.append(told(network, pairs=pairs, cache=cache, name=f"{network.name} told"))
    return found


def _run_with_progress(plan: Plan, jobs: int) -> list[Outcome]:
    from distilfuse.cli.progress import progress_bar
    from distilfuse.evaluation.scoring import run

    steps = plan.steps()
    outcomes: list[Outcome] = []
    with progress_bar(len(steps), steps[0].pair.name if steps else "") as (_, advance):
        for outcome in run(plan, jobs=jobs, processes=True):
            outcomes.append(outcome)
            done = len(outcomes)
            advance(done, steps[done].pair.name if done < len(steps) else "")
    return outcomes


def _print_tables(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from distilfuse.evaluation.tables import NO_VALUE, count, decimals
    from distilfuse.metrics import METRICS

    console = Console()
    if not console.is_terminal:
        console.width = 1000  # a file or a pipe has no edge to wrap at
    for dataset in summary.datasets:
        table = Table(box=None, header_style="bold", pad_edge=False, title_justify="left", show_header=True)
        table.add_column("method")
        columns = []
        for metric in summary.metrics:
            table.add_column(f"{metric} {METRICS[metric].arrow}", justify="right")
            cells = {method: summary.cells[dataset, method, metric] for method in summary.methods[dataset]}
            digits = decimals(cell.mean for cell in cells.values())
            styles = {1: "bold", 2: "underline"}
            columns.append(
                {
                    method: Text(
                        f"{cell.mean:.{digits}f}" if cell.place else NO_VALUE, style=styles.get(cell.place, "")
                    )
                    for method, cell in cells.items()
                }
            )
        for method in summary.methods[dataset]:
            table.add_row(Text(method), *(column[method] for column in columns))
        console.print(
            f"{dataset}, protocol {summary.protocol}, {count(summary, dataset)}", markup=False, highlight=False
        )
        console.print(table)
        console.print()


def _tell(found: Findings, summary: Summary) -> None:
    for sentence in summary.warnings:
        typer.secho(f"Beware, {sentence}", fg=typer.colors.YELLOW, err=True)
    for sentence in found.notes:
        typer.secho(sentence, fg=typer.colors.YELLOW, err=True)
    problems = (*found.problems, *found.unscored)
    for sentence in problems[:_LISTED]:
        typer.secho(sentence, fg=typer.colors.RED, err=True)
    rest = len(problems) - _LISTED
    if rest > 0:
        typer.secho(f"{rest} more could not be scored; the results name all of them.", fg=typer.colors.RED, err=True)

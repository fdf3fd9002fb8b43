"""``distilfuse bulk``: a manifest of pairs, on one machine or on a Ray cluster, files or URLs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.options import Backend, Bits, BorderOption, Color, Model, Polarity, Range, RigFile, Strength
from distilfuse.cli.sentences import complain, listed, pair_word, warn
from distilfuse.cli.treatments import make_treatment

if TYPE_CHECKING:
    from distilfuse.workflows.bulk.planning import BulkPlan
    from distilfuse.workflows.bulk.records import Record
    from distilfuse.workflows.bulk.running import Runner
    from distilfuse.workflows.bulk.worker import Work

_CLUSTER = "Machines"


def bulk(
    manifest: Annotated[
        str,
        typer.Argument(
            metavar="MANIFEST",
            help="CSV with the columns visible, infrared and, if wanted, output; or JSON lines (.jsonl) with these.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="Folder or URL to write to.", show_default=False)
    ],
    model: Model = "nano-ivif",
    backend: Backend = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            "-t",
            metavar="N",
            min=1,
            help="CPU threads of a worker.",
            show_default="one a CPU; 1 with --ray",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Do again what failed in an earlier run.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that no bulk run has made.")] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run on a Ray cluster: auto, the one that this machine is part of; HOST:PORT; ray://HOST:PORT; local, "
            "one on this machine for this run. Without it, this machine is the only worker.",
            rich_help_panel=_CLUSTER,
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="With --ray: processes that load the model.",
            rich_help_panel=_CLUSTER,
            show_default="as many as there are CPUs for",
        ),
    ] = None,
    thermal_range: Range = "auto",
    polarity: Polarity = "white",
    rig: RigFile = None,
    border: BorderOption = "crop",
    ir_strength: Strength = 0.5,
    color: Color = "auto",
    bits: Bits = None,
) -> None:
    """Fuse a manifest of pairs, wherever they lie, on this machine or on many.

    Pictures, manifest and output are paths or URLs: s3://, gs:// and whatever else fsspec knows. Relative pictures
    are relative to the manifest, relative outputs to OUT.

    What is done is written down pair by pair in OUT/_distilfuse and gathered in done.jsonl at the end. The same
    command goes on after a kill: what was made from the same pictures in the same way is left alone. A worker that
    dies is replaced. If a pair fails, it is named and the others go on.

    One run at a time may write to OUT.

    Exit status: 0 all fused, 1 something failed or could not be written, 2 wrong input.
    """
    from contextlib import closing

    from distilfuse.errors import ConfigError
    from distilfuse.workflows.bulk.looking import spread_over
    from distilfuse.workflows.bulk.places import absolute
    from distilfuse.workflows.bulk.planning import look_at, plan_bulk
    from distilfuse.workflows.bulk.worker import Work
    from distilfuse.workflows.ledger import digest_of
    from distilfuse.workflows.settling import settle_polarity
    from distilfuse.zoo import find_model

    if workers is not None and ray is None:
        raise ConfigError("--workers is for a cluster: add --ray, or leave it out, and this machine does it alone.")
    treatment = make_treatment(
        thermal_range=thermal_range,
        polarity=polarity,
        rig=rig,
        border=border,
        ir_strength=ir_strength,
        color=color,
        bits=bits,
    )
    record, _ = find_model(model)
    if ray is not None:
        from distilfuse.workflows.bulk.on_ray import ray_data

        threads = threads or 1
        ray_data()  # says that it is missing before anything is read
    output = absolute(output)
    pairs = look_at(manifest, output)
    with closing(spread_over(pairs)) as looked_at:
        treatment, remark = settle_polarity(treatment, looked_at, task=record.task)
    if remark:
        warn(remark)
    settings = digest_of({"model": record.sha256, **treatment.to_dict()})
    plan = plan_bulk(pairs, output, settings, retry_failed=retry_failed, overwrite=overwrite)
    if plan.finished:
        typer.echo(f"{len(plan.finished)} of {len(pairs)} are finished already", err=True)
    model = absolute(model) if model.endswith(".json") else model  # workers have a current folder of their own
    failed = _run(plan, Work(model, record.sha256, backend, threads, treatment, settings, output), ray, workers)
    if plan.failed:
        names = listed([failure.name for failure in plan.failed])
        complain(
            f"{len(plan.failed)} {pair_word(len(plan.failed))} failed before: {names} (--retry-failed tries again)"
        )
    if failed or plan.failed:
        raise typer.Exit(1)


def _run(plan: BulkPlan, work: Work, address: str | None, workers: int | None) -> bool:
    """Whether pairs failed."""
    from contextlib import closing

    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.bulk.running import finish, fuse_bulk

    records: list[Record] = []
    total = len(plan.tasks)
    if not total:
        finish(plan)
        typer.echo(f"{plan.output}: nothing to do")
        return False
    with _runner(work, address, workers) as (runner, number, described):
        start = time.perf_counter()
        with (
            progress_bar(total, plan.tasks[0].pair.name) as (console, advance),
            closing(fuse_bulk(plan, runner, workers=number)) as passing,
        ):
            for record in passing:
                records.append(record)
                advance(len(records), record.name)
                for warning in record.warnings:
                    console.print(f"{record.name}: {warning}", style="yellow", markup=False, soft_wrap=True)
                if record.error:
                    console.print(f"{record.name} failed: {record.error}", style="red", markup=False, soft_wrap=True)
        elapsed = time.perf_counter() - start
    failed = [record.name for record in records if record.state == "failed"]
    kept = sum(record.kept for record in records)
    also = f" ({kept} stayed, as their pictures hold what they held)" if kept else ""
    typer.echo(
        f"{plan.output}: {total - len(failed)} of {total} {pair_word(total)} fused{also} in {elapsed:.1f} s "
        f"({total / elapsed:.2f} pairs/s) by {described}"
    )
    if failed:
        complain(f"{len(failed)} of {total} {pair_word(total)} failed: {listed(failed)}")
    return bool(failed)


@contextmanager
def _runner(work: Work, address: str | None, workers: int | None) -> Iterator[tuple[Runner, int, str]]:
    """What does the work, how many there are of it, and what to call it."""
    if address is None:
        from distilfuse.cli.sentences import describe
        from distilfuse.workflows.bulk.running import on_this_machine
        from distilfuse.workflows.bulk.worker import Worker

        worker = Worker(work)
        yield on_this_machine(worker), 1, describe(worker.fuser)
        return
    from distilfuse.runtime import usable_cpus
    from distilfuse.workflows.bulk.on_ray import cluster, on_cluster

    threads = work.threads or 1
    wanted = workers or max(1, usable_cpus() // threads)
    with cluster(address, cpus=wanted * threads) as cpus:
        number = workers or max(1, cpus // threads)
        word = "worker" if number == 1 else "workers"
        yield on_cluster(work, number), number, f"{Path(work.model).stem} with {number} {word} on Ray ({address})"

"""``distilfuse fuse`` of folders and lists: planned, passed through with a bar, resumed, watched, reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from distilfuse.cli.sentences import complain, describe, listed, say_strays, warn

if TYPE_CHECKING:
    from distilfuse.fuser import Fuser
    from distilfuse.workflows.files import Job, Outcome
    from distilfuse.workflows.folders import Earlier, FolderPlan
    from distilfuse.workflows.treatment import Treatment


@dataclass(frozen=True)
class Opening:
    """How a Fuser is to be opened, once the inputs have been looked at."""

    model: str
    backend: str
    threads: int | None

    def open(self) -> Fuser:
        """Load the model."""
        from distilfuse.fuser import Fuser

        return Fuser.from_pretrained(self.model, backend=self.backend, threads=self.threads)


def run_folders(
    plan: Callable[[Earlier | None], FolderPlan],
    output: Path,
    opening: Opening,
    treatment: Treatment,
    *,
    inputs: tuple[Path | None, Path | None],
    overwrite: bool,
    resume: bool,
    watching: bool,
    report: Path | None,
) -> None:
    """Fuse what ``plan`` finds, in two folders ``inputs`` or a list; exits with 1 if a pair failed."""
    from distilfuse.workflows.files import check_extras
    from distilfuse.workflows.folders import Earlier
    from distilfuse.workflows.ledger import Ledger, digest_of
    from distilfuse.workflows.run_report import check_report_path, write_run_report
    from distilfuse.workflows.watching import watch

    if report is not None:
        check_report_path(report, overwrite=overwrite or resume)
    first = plan(None) if not (resume or watching) else None  # says what is wrong before a model is loaded
    fuser = opening.open()
    earlier = Earlier(Ledger(output), digest_of({"model": fuser.record.sha256, **treatment.to_dict()}))
    if first is None:
        first = plan(earlier) if not watching else None
    if first is not None:
        check_extras(first.jobs, treatment, overwrite=overwrite or resume)
        say_strays(first.matching, *inputs)
        if first.skipped:
            typer.echo(f"{len(first.skipped)} of {len(first.skipped) + len(first.jobs)} are finished already", err=True)
    settled: Treatment | None = None
    outcomes: list[Outcome] = []
    start = time.perf_counter()
    done = first
    try:
        for part in [first] if first is not None else watch(lambda: plan(earlier)):
            done = part
            if settled is None and part.jobs:
                settled = _settle(treatment, fuser, list(part.jobs))
            if watching:
                typer.echo(f"{len(part.jobs)} new: {listed([job.name for job in part.jobs])}", err=True)
            _run_with_progress(fuser, part, settled or treatment, outcomes, overwrite=overwrite, earlier=earlier)
    except KeyboardInterrupt:
        if not watching:
            raise
    finally:
        elapsed = time.perf_counter() - start
        if report is not None and done is not None:
            write_run_report(report, done, outcomes, fuser=fuser, treatment=settled or treatment, seconds=elapsed)
    if not outcomes:
        typer.echo(f"{output}: nothing to do")
        return
    fused = [outcome for outcome in outcomes if outcome.error is None]
    pace = "" if watching else f" ({elapsed / len(outcomes):.3f} s a pair)"
    typer.echo(f"{output}: {len(fused)} of {len(outcomes)} pairs fused in {elapsed:.1f} s{pace} by {describe(fuser)}")
    failed = [outcome.job.name for outcome in outcomes if outcome.error is not None]
    if failed:
        complain(f"{len(failed)} of {len(outcomes)} pairs failed: {listed(failed)}")
    if failed or (done is not None and done.matching.ambiguous):
        raise typer.Exit(1)


def _settle(treatment: Treatment, fuser: Fuser, jobs: list[Job]) -> Treatment:
    from distilfuse.workflows.settling import settle_polarity, spread

    pairs = spread([(job.visible, job.infrared) for job in jobs])
    treatment, remark = settle_polarity(treatment, pairs, task=fuser.record.task)
    if remark:
        warn(remark)
    return treatment


def _run_with_progress(
    fuser: Fuser,
    plan: FolderPlan,
    treatment: Treatment,
    outcomes: list[Outcome],
    *,
    overwrite: bool,
    earlier: Earlier,
) -> None:
    """Fuse a plan's pairs and add to ``outcomes``, which holds what was reached if this is interrupted."""
    from contextlib import closing

    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.folders import fuse_folders

    if not plan.jobs:
        return
    with (
        progress_bar(len(plan.jobs), plan.jobs[0].name) as (console, advance),
        closing(fuse_folders(fuser, plan, treatment=treatment, overwrite=overwrite, earlier=earlier)) as passing,
    ):
        for done, outcome in enumerate(passing, start=1):
            outcomes.append(outcome)
            advance(done, plan.jobs[done].name if done < len(plan.jobs) else "")
            for warning in outcome.warnings:
                console.print(f"{outcome.job.name}: {warning}", style="yellow", markup=False, soft_wrap=True)
            if outcome.error is not None:
                console.print(f"{outcome.job.name} failed: {outcome.error}", style="red", markup=False, soft_wrap=True)

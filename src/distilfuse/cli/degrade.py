"""``distilfuse degrade``: copies of pictures as bad light, weather, sensors and lines would have delivered them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.sentences import complain, listed, pair_word, say_strays

if TYPE_CHECKING:
    from distilfuse.workflows.degrade import Degraded, DegradePlan


def _show_kinds(wanted: bool) -> None:
    if not wanted:
        return
    from rich.console import Console
    from rich.padding import Padding

    from distilfuse.evaluation.degradations import DEGRADATIONS

    where = {"A": "visible", "B": "infrared", "both": "both"}
    console = Console()
    for kind, card in DEGRADATIONS.items():
        console.print(f"[bold]{kind}[/bold]: {card.title} ({where[card.modality]})", highlight=False)
        console.print(
            Padding(f"{card.description}\nSeverities 1 to 5: {card.severities}.", (0, 0, 0, 2)), highlight=False
        )
    raise typer.Exit


def degrade(
    visible: Annotated[
        Path, typer.Argument(metavar="VIS_DIR", help="Visible picture, or a folder of them.", show_default=False)
    ],
    infrared: Annotated[
        Path, typer.Argument(metavar="IR_DIR", help="Infrared picture, or a folder of them.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="Folder to write, made if missing.", show_default=False),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            "-k",
            metavar="KIND@SEVERITY,...",
            help="One or several, such as `low_light@3,ir_noise`; severity 1 to 5, 3 if left out; `all` stands for "
            "the eight of the robustness table.",
            show_default=False,
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Another one draws other noise.")] = 0,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="NAME",
            help="Name of the set, as `evaluate` calls it; part of what noise is drawn from.",
            show_default="from the folder",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    list_kinds: Annotated[
        bool,
        typer.Option("--list", callback=_show_kinds, is_eager=True, help="Say what kinds there are, and leave."),
    ] = False,
) -> None:
    """Degrade pairs on purpose: little light, noise, haze, glare, a shifted infrared picture, and more.

    Writes OUT/KIND@SEVERITY/vi/NAME.png and .../ir/NAME.png, 8 bit and without alpha, ready for
    `distilfuse fuse`, and beside them degradation.json with the kind, the seed and the version. The same seed,
    set and name give the same picture.

    Two folders: files belong together as for `distilfuse fuse`; what finds no partner is listed. If a pair
    fails, it is named and the others go on.

    Exit status: 0 all written, 1 something failed or could not be written, 2 wrong input.
    """
    from distilfuse.evaluation.degradations import kind_label, parse_kinds
    from distilfuse.workflows.degrade import plan_degrade

    plan = plan_degrade(visible, infrared, output, parse_kinds(kind), dataset=dataset, seed=seed, overwrite=overwrite)
    say_strays(plan.matching)
    outcomes = _run_with_progress(plan, overwrite)
    failed = [outcome.pair.name for outcome in outcomes if outcome.error is not None]
    done = len(outcomes) - len(failed)
    labels = ", ".join(kind_label(*entry) for entry in plan.degradations)
    typer.echo(f"{output}: {done} of {len(outcomes)} {pair_word(len(outcomes))} degraded ({labels})")
    if failed:
        complain(f"{len(failed)} of {len(outcomes)} {pair_word(len(outcomes))} failed: {listed(failed)}")
    if failed or (plan.matching is not None and plan.matching.ambiguous):
        raise typer.Exit(1)


def _run_with_progress(plan: DegradePlan, overwrite: bool) -> list[Degraded]:
    from distilfuse.cli.progress import progress_bar
    from distilfuse.workflows.degrade import degrade_pairs

    outcomes: list[Degraded] = []
    with progress_bar(len(plan.pairs), plan.pairs[0].name) as (console, advance):
        for outcome in degrade_pairs(plan, overwrite=overwrite):
            outcomes.append(outcome)
            done = len(outcomes)
            advance(done, plan.pairs[done].name if done < len(plan.pairs) else "")
            for remark in outcome.remarks:
                console.print(remark, style="yellow", markup=False, soft_wrap=True)
            if outcome.error is not None:
                said = f"{outcome.pair.name} failed: {outcome.error}"
                console.print(said, style="red", markup=False, soft_wrap=True)
    return outcomes

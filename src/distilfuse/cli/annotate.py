"""``distilfuse annotate``: what is wrong with each pair, in words."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.cli.sentences import complain, listed, pair_word, say_strays, warn
from distilfuse.errors import InputError

if TYPE_CHECKING:
    from distilfuse.imaging.pairs import Pair
    from distilfuse.text.annotating import Annotated as Outcome
    from distilfuse.text.annotators import Annotator
    from distilfuse.text.events import PairCaption
    from distilfuse.text.store import CaptionStore


class Who(str, Enum):
    """Annotators by the name that the command line has for them."""

    statistics = "statistics"
    qwen = "qwen"
    openai = "openai"
    file = "file"


class Task(str, Enum):
    """What kind of pairs there are."""

    ivif = "ivif"
    medical = "medical"


def annotate(
    visible: Annotated[
        Path, typer.Argument(metavar="VIS_DIR", help="Folder of visible pictures (CT, PET, SPECT).", show_default=False)
    ],
    infrared: Annotated[
        Path, typer.Argument(metavar="IR_DIR", help="Folder of infrared pictures (MRI).", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="JSONL file; continued if it exists.", show_default=False),
    ],
    annotator: Annotated[Who, typer.Option("--annotator", "-a", help="Who writes the captions, see below.")] = (
        Who.statistics
    ),
    task: Annotated[Task, typer.Option("--task", help="Which events to look for.")] = Task.ivif,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="ID",
            help="qwen: a name on the hub or a folder. openai: a name that the server knows.",
            show_default="Qwen/Qwen2-VL-7B-Instruct for qwen",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="file: JSONL file, or folder of .txt answers.", show_default=False),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="openai: the server, such as http://localhost:11434/v1 of Ollama.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, help="openai: requests at a time.")] = 4,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="N", help="openai: requests a minute at most.", show_default=False)
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="openai: seconds to wait for a reply.")] = 120.0,
    device: Annotated[str, typer.Option("--device", help="qwen: auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[str, typer.Option("--dtype", help="qwen: auto, bfloat16, float16, float32.")] = "auto",
    max_pixels: Annotated[
        int | None,
        typer.Option(
            "--max-pixels",
            min=784,
            help="qwen, openai: larger pictures are shrunk to this many.",
            show_default="1003520",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--set", metavar="NAME", help="Put before each pair's name.", show_default="from the folder"),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="FILE|packaged",
            help="Print the agreement with these captions; `packaged` are those that come with distilfuse.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew where OUT exists.")] = False,
) -> None:
    """Describe pairs in words: what is wrong with either picture, how badly, and where.

    Files belong together as for `distilfuse fuse`; what finds no partner is listed. Each caption is written as soon
    as it is there: the same command again goes on where it stopped. OUT holds captions of one annotator and prompt.

    `statistics` measures exposure, noise, contrast, blur and stripes; it needs nothing else. `qwen` runs Qwen2-VL or
    its successors on this machine. `openai` asks any server with OpenAI's chat interface (vLLM, Ollama, hosted ones);
    its key is taken from the environment variable OPENAI_API_KEY. `file` takes captions that are there already.

    Exit status: 0 all described, 1 something failed or could not be written, 2 wrong input.
    """
    from distilfuse.evaluation.planning import default_set_name, find_pairs
    from distilfuse.text.store import CaptionStore

    reference = _reference(against, task)
    matching = find_pairs(visible, infrared)
    name = default_set_name(visible) if dataset is None else dataset
    author = _annotator(annotator, task, model, source, base_url, concurrency, rate, timeout, device, dtype, max_pixels)
    say_strays(matching)
    store = CaptionStore(output, annotator=author.name, prompt=author.prompt, overwrite=overwrite)
    if store.dropped:
        warn(f"The last line of {output} was unfinished and is dropped.")
    outcomes = _run_with_progress(matching.pairs, author, store, name)
    failed = [outcome.pair for outcome in outcomes if outcome.error is not None]
    unclear = [outcome.pair for outcome in outcomes if outcome.caption is not None and outcome.caption.problems]
    there = len(matching.pairs) - len(outcomes)
    typer.echo(
        f"{output}: {len(outcomes) - len(failed)} of {len(matching.pairs)} {pair_word(len(matching.pairs))} described "
        f"by {author.name}" + (f", {there} had been before" if there else "")
    )
    if unclear:
        warn(f"{len(unclear)} answers could not be read in full (see 'problems' in {output}): {listed(unclear)}")
    if reference is not None:
        _print_agreement(store, reference)
    if failed:
        complain(f"{len(failed)} of {len(outcomes)} {pair_word(len(outcomes))} failed: {listed(failed)}")
    if failed or matching.ambiguous:
        raise typer.Exit(1)


def _annotator(
    who: Who,
    task: Task,
    model: str | None,
    source: Path | None,
    base_url: str | None,
    concurrency: int,
    rate: float | None,
    timeout: float,
    device: str,
    dtype: str,
    max_pixels: int | None,
) -> Annotator:
    from distilfuse.text.annotators.annotator import MAX_PIXELS
    from distilfuse.text.prompts import load_prompt

    if who is Who.statistics:
        from distilfuse.text.annotators.statistics import StatisticsAnnotator

        return StatisticsAnnotator(task.value)
    if who is Who.file:
        from distilfuse.text.annotators.file import FileAnnotator

        if source is None:
            raise InputError("The annotator file needs captions to take: name a JSONL file or a folder with --from.")
        return FileAnnotator(source)
    if who is Who.qwen:
        from distilfuse.text.annotators.qwen import DEFAULT, QwenAnnotator

        return QwenAnnotator(
            load_prompt(task.value),
            model=model or DEFAULT,
            device=device,
            dtype=dtype,
            max_pixels=max_pixels or MAX_PIXELS,
        )
    from distilfuse.text.annotators.endpoint import EndpointAnnotator

    if model is None:
        raise InputError("The annotator openai needs the name of a model that sees pictures: give it with --model.")
    return EndpointAnnotator(
        load_prompt(task.value),
        model=model,
        base_url=base_url,
        concurrency=concurrency,
        rate=rate,
        timeout=timeout,
        max_pixels=max_pixels or MAX_PIXELS,
    )


def _run_with_progress(
    pairs: tuple[Pair, ...], annotator: Annotator, store: CaptionStore, dataset: str
) -> list[Outcome]:
    from distilfuse.cli.progress import progress_bar
    from distilfuse.text.annotating import annotate_pairs, pair_name
    from distilfuse.text.store import CaptionStore

    outcomes: list[Outcome] = []
    with store.opened():
        waiting = [name for pair in pairs if (name := pair_name(dataset, pair)) not in store.captions]
        if not waiting:
            return outcomes
        try:
            with progress_bar(len(waiting), waiting[0]) as (console, advance):
                for outcome in annotate_pairs(pairs, annotator, store, dataset=dataset):
                    outcomes.append(outcome)
                    advance(len(outcomes), outcome.pair)
                    for remark in outcome.remarks:
                        console.print(remark, style="yellow", markup=False, soft_wrap=True)
                    if outcome.error is not None:
                        said = f"{outcome.pair} failed: {outcome.error}"
                        console.print(said, style="red", markup=False, soft_wrap=True)
        except KeyboardInterrupt:
            # Counted on disk: the interruption may have come between writing a caption and noting it.
            kept = CaptionStore(store.path, annotator=store.annotator, prompt=store.prompt).captions
            warn(f"Stopped: {len(kept)} captions are in {store.path}; the same command goes on from there.")
            raise
    return outcomes


def _reference(against: str | None, task: Task) -> dict[str, PairCaption] | None:
    if against is None:
        return None
    if against == "packaged":
        from distilfuse.text.annotations import packaged_captions

        return dict(packaged_captions(task.value))
    from distilfuse.text.store import read_captions

    return read_captions(Path(against))


def _print_agreement(store: CaptionStore, reference: dict[str, PairCaption]) -> None:
    from distilfuse.text.agreement import agreement, agreement_table

    compared, rows = agreement(store.captions, reference)
    if not compared:
        own = next(iter(store.captions), "none")
        warn(f"No pair is in both (here {own}, there {next(iter(reference), 'none')}): name the set as there (--set).")
        return
    typer.echo(f"\nAgreement over {compared} {pair_word(compared)}:\n{agreement_table(rows)}")

"""The training loop: one for every stage, on CPU, one GPU or several."""

from __future__ import annotations

import contextlib
import csv
import math
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.utils.data import DataLoader

from distilfuse.datasets.pairs import Pair, load_pairs
from distilfuse.errors import ConfigError
from distilfuse.losses import Objective
from distilfuse.nets.build import Network, build
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.growing import grow_from, reduce_from
from distilfuse.nets.nano import NanoNet
from distilfuse.training.checkpoint import restore_checkpoint, save_checkpoint, write_tensors
from distilfuse.training.crops import Batch, CropBatches
from distilfuse.training.gradients import Gradients
from distilfuse.training.journal import Journal
from distilfuse.training.recipe import Recipe
from distilfuse.training.schedule import Clock, MovingAverage, learning_rate
from distilfuse.training.settings import TextConfig
from distilfuse.training.task import BaseTask, DistillationTask
from distilfuse.training.trained import load_teacher, load_trained, run_identity
from distilfuse.training.validation import validate
from distilfuse.training.words import PairWords


def train(
    recipe: Recipe,
    *,
    data: Path,
    out: Path,
    teacher: Path | None = None,
    start: Path | None = None,
    cache: Path | None = None,
    devices: str = "auto",
    accelerator: str = "auto",
    workers: int = 0,
    compiled: bool = False,
    stop_after: int | None = None,
) -> Path:
    """Train one stage, continuing from ``out/last.safetensors`` where that exists.

    Args:
        recipe: what to train.
        data: folder that holds the data sets.
        out: folder for checkpoints, TensorBoard events, ``validation.csv`` and the result.
        teacher: averaged weights of the teacher's stage, for a recipe with ``distillation``.
        start: averaged weights of an earlier run of the same network, of a smaller nano network, or of the same without
            reduction, to begin with; must be given for a recipe with ``start``.
        cache: folder of the cache of text embeddings, for a recipe with text (or whose teacher has it); by default
            ``embeddings`` beside ``out``.
        devices: number of devices or ``auto``; several GPUs run data-parallel (the batch is a device's).
        accelerator: ``cpu``, ``cuda`` or ``auto``.
        workers: processes that prepare batches; their number does not change the run.
        compiled: fuse the objective's element-wise work with ``torch.compile`` (needs a C++ compiler; on CPUs
            the objective of a small network costs more than the network, and this makes it three times faster).
        stop_after: stop (as if interrupted) after this many steps of this call.

    Returns:
        Path of the averaged weights, ``out/NAME.safetensors`` (or of the checkpoint if stopped before the end).

    Raises:
        ConfigError, InputError, ModelError, OutputError: see what is called.
        DistilfuseError: the loss is not finite any more.
    """
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices if devices == "auto" else int(devices),
        precision=_precision(recipe.precision, accelerator),  # type: ignore[arg-type]  # Lightning checks the word
        loggers=TensorBoardLogger(out, name="events", version=""),
    )
    fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    network = build(recipe.network)
    objective = Objective(recipe.objective)
    judge = torch.compile(objective.__call__, dynamic=False) if compiled else objective
    if start is not None or recipe.start:
        _begin_with(start, network, recipe)
    spoken = recipe.text
    identity = run_identity(recipe, teacher=teacher, start=start)
    task: BaseTask | DistillationTask
    if recipe.distillation is None:
        task = BaseTask(network, judge, steadiness=recipe.steadiness.weight if recipe.steadiness else 0.0)
    else:
        taught = load_teacher(teacher, recipe.name)
        task = DistillationTask(network, taught.network, judge, recipe.distillation)
        task.teacher_to(fabric.device)
        # Silence and lost words are for the teacher's own training: a student's teacher is always told.
        spoken = taught.text and replace(taught.text, caption_dropout=0.0, word_dropout=0.0, variants=1)
    task.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on CPUs
    average = MovingAverage(network, recipe.ema)
    published = cast(Network, average.module)
    settings = recipe.optimiser
    optimiser = torch.optim.AdamW(
        task.parameters(), lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay
    )
    last = out / "last.safetensors"
    step, spent = 0, 0.0
    wrapped, optimiser = fabric.setup(task, optimiser)
    if last.is_file():  # only now: the optimiser's state is read to where the parameters are
        step, spent = restore_checkpoint(last, task=task, average=average, optimiser=optimiser, recipe=identity)
    average.to(fabric.device)
    end = recipe.steps if stop_after is None else min(recipe.steps, step + stop_after)
    sources = _training_pairs(recipe, data)
    judged = _validation_pairs(recipe, data)
    words = _words(recipe, spoken, [*sources[0], *judged], cache or out.parent / "embeddings") if spoken else None
    loader = _loader(fabric, recipe, sources, words, step, end, workers)
    clock = Clock(fabric, recipe.minutes, spent)

    def checkpoint(step: int) -> None:
        if fabric.is_global_zero:
            save_checkpoint(
                last,
                step=step,
                elapsed=clock.elapsed,
                task=task,
                average=average,
                optimiser=optimiser,
                recipe=identity,
            )

    gradients, journal = Gradients(fabric, wrapped), Journal(fabric, last)
    over = clock.share >= 1
    # Schedulers end jobs with SIGTERM: treat it as Ctrl-C, so that the run is saved.
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    wrapped.train()
    with _progress(fabric.is_global_zero) as progress:
        bar = progress.add_task(recipe.name, total=recipe.steps, completed=step, loss="")
        try:
            for batch in loader:
                if over:
                    break
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(settings, step, recipe.steps, at_least=clock.share)
                outcome = gradients(batch)
                fabric.clip_gradients(wrapped, optimiser, max_norm=settings.clip, error_if_nonfinite=False)
                journal.add(step + 1, *outcome)
                optimiser.step()
                average.update(network)
                step += 1
                clock.tick(step)
                over = clock.share >= 1
                total = recipe.steps if recipe.minutes is None else min(recipe.steps, clock.forecast(step))
                progress.update(bar, completed=step, total=total, loss=f"loss {journal.loss:.3f}")
                done = over or step == recipe.steps
                if step % recipe.checkpoint_every == 0:
                    journal.read()
                    checkpoint(step)
                    if not progress.console.is_terminal:  # a log shows no bar
                        progress.console.print(f"step {step} of {total}: loss {journal.loss:.3f}")
                if judged and fabric.is_global_zero and (step % recipe.validate_every == 0 or done):
                    _judge(fabric, published, judged, words if recipe.text else None, out, step, progress)
        finally:
            # An interrupted run keeps what it has; a run that lost its footing keeps the last sound state.
            journal.read()
            if math.isfinite(journal.loss):
                checkpoint(step)
    if step < recipe.steps and not over:
        return last
    result = out / f"{recipe.name}.safetensors"
    if fabric.is_global_zero:
        write_tensors(
            result, published.state_dict(), {"recipe": recipe.to_json(), "step": str(step), "identity": identity}
        )
    fabric.barrier()
    return result


def _precision(choice: str, accelerator: str) -> str:
    if choice != "auto":
        return choice
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    return "bf16-mixed" if on_gpu and torch.cuda.is_bf16_supported() else "32-true"


def _begin_with(weights: Path | None, network: Network, recipe: Recipe) -> None:
    if weights is None or not weights.is_file():
        begins, mend = "was to begin with these weights", "name the result of a run (--start FILE)"
        if recipe.start:
            begins = f"begins with the weights of its stage {recipe.start!r}"
            mend = "train that stage first (--stage all), or name its weights (--start FILE)"
        raise ConfigError(f"Recipe {recipe.name!r} {begins}, which are not there ({weights}): {mend}.")
    begun = load_trained(weights).network
    if begun.config == network.config:
        network.load_state_dict(begun.state_dict())
        return
    try:
        if isinstance(network, NanoNet) and isinstance(begun, NanoNet):
            grow_from(network, begun)
        elif isinstance(network, FusionNet) and isinstance(begun, FusionNet):
            reduce_from(network, begun)
        else:
            raise ConfigError("They are of different kinds.")
    except ConfigError as error:
        raise ConfigError(
            f"Recipe {recipe.name!r} cannot begin with {weights}, the weights of another network: give both stages the "
            f"same network, or to the first a smaller one (nano) or one without reduction (student, teacher). ({error})"
        ) from error


Sources = tuple[list[Pair], list[float]]
"""Pairs and how often each is drawn."""


def _training_pairs(recipe: Recipe, data: Path) -> Sources:
    pairs: list[Pair] = []
    weights: list[float] = []
    for config in recipe.data.sets:
        members = load_pairs(data, config.name, "train", reduce=config.reduce)
        pairs += members
        weights += [config.weight / len(members)] * len(members)
    return pairs, weights


def _words(recipe: Recipe, config: TextConfig, pairs: Sequence[Pair], cache: Path) -> PairWords:
    names = [pair.name for pair in pairs]
    return PairWords(config, task=recipe.card.task, terms=list(recipe.objective), names=names, cache=cache)


def _loader(
    fabric: Fabric, recipe: Recipe, sources: Sources, words: PairWords | None, start: int, end: int, workers: int
) -> DataLoader[Batch]:
    pairs, weights = sources
    world, rank = fabric.world_size, fabric.global_rank
    batches = CropBatches(
        pairs,
        weights=weights,
        size=recipe.data.crop,
        batch=recipe.data.batch,
        batches=recipe.steps * world,
        augmentation=recipe.data.augmentation,
        seed=recipe.seed,
        words=words,
        grain=recipe.steadiness.sigma if recipe.steadiness else None,
    )
    # Batch k is a function of k: each rank takes every world-th, from where the run stopped.
    order = range(start * world + rank, end * world, world)
    loader = DataLoader(
        batches, batch_size=None, sampler=order, num_workers=workers, pin_memory=fabric.device.type == "cuda"
    )
    return fabric.setup_dataloaders(loader, use_distributed_sampler=False)  # type: ignore[return-value]


def _validation_pairs(recipe: Recipe, data: Path) -> list[Pair]:
    chosen: list[Pair] = []
    for config in recipe.data.sets:
        pairs = load_pairs(data, config.name, "validation", reduce=config.reduce)
        step = max(1, len(pairs) // max(1, recipe.validation_pairs))
        chosen += pairs[::step][: recipe.validation_pairs]
    return chosen


def _judge(
    fabric: Fabric,
    network: Network,
    pairs: Sequence[Pair],
    words: PairWords | None,
    out: Path,
    step: int,
    progress: Progress,
) -> None:
    network.eval()
    scores = validate(network, pairs)
    if words:
        scores |= {f"told/{name}": value for name, value in validate(network, pairs, words=words.plainly).items()}
    network.train()
    fabric.log_dict({f"validation/{name}": value for name, value in scores.items()}, step)
    path = out / "validation.csv"
    fresh = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["step", *scores])
        writer.writerow([step, *(f"{value:.5f}" for value in scores.values())])
    shown = "  ".join(f"{name} {value:.3f}" for name, value in scores.items() if "@" not in name)
    progress.console.print(f"step {step}: {shown}")


def _progress(visible: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not visible,
    )

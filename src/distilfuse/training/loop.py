"""The training loop: one for every stage, on CPU, one GPU or several."""

from __future__ import annotations

import contextlib
import csv
import math
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

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
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from distilfuse.datasets.pairs import Pair, load_pairs
from distilfuse.errors import DistilfuseError
from distilfuse.losses import Objective
from distilfuse.nets.build import build
from distilfuse.training.checkpoint import restore_checkpoint, save_checkpoint, write_tensors
from distilfuse.training.crops import Batch, CropBatches
from distilfuse.training.recipe import OptimiserConfig, Recipe
from distilfuse.training.task import BaseTask
from distilfuse.training.validation import validate


def learning_rate(config: OptimiserConfig, step: int, steps: int) -> float:
    """Learning rate of optimiser step ``step`` (from 0) of ``steps``: linear warm-up, then a cosine."""
    warmup = min(config.warmup, steps // 2)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return config.final_lr + (config.lr - config.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of the weights; young averages forget faster, (1 + n) / (10 + n)."""

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], number: Tensor | int) -> None:
        n = float(number)
        torch._foreach_lerp_(list(averaged), list(current), 1 - min(decay, (1 + n) / (10 + n)))

    return AveragedModel(network, multi_avg_fn=update)


def train(
    recipe: Recipe,
    *,
    data: Path,
    out: Path,
    devices: str = "auto",
    accelerator: str = "auto",
    workers: int = 0,
    compiled: bool = False,
    stop_after: int | None = None,
) -> Path:
    """Train a recipe, continuing from ``out/last.safetensors`` where that exists.

    Args:
        recipe: what to train.
        data: folder that holds the data sets.
        out: folder for checkpoints, TensorBoard events, ``validation.csv`` and the result.
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
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on CPUs
    average = moving_average(network, recipe.ema)
    objective = Objective(recipe.objective)
    task = BaseTask(torch.compile(objective.__call__, dynamic=False) if compiled else objective, network.visible_input)
    settings = recipe.optimiser
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay
    )
    identity = recipe.to_json()
    last = out / "last.safetensors"
    start = 0
    if last.is_file():
        start = restore_checkpoint(last, network=network, average=average, optimiser=optimiser, recipe=identity)
    wrapped, optimiser = fabric.setup(network, optimiser)
    average.to(fabric.device)
    end = recipe.steps if stop_after is None else min(recipe.steps, start + stop_after)
    loader = _loader(fabric, recipe, data, start, end, workers)
    judged = _validation_pairs(recipe, data) if fabric.is_global_zero else []

    def checkpoint(step: int) -> None:
        if fabric.is_global_zero:
            save_checkpoint(last, step=step, network=network, average=average, optimiser=optimiser, recipe=identity)

    step, value = start, math.nan
    # Schedulers end jobs with SIGTERM: treat it as Ctrl-C, so that the run is saved.
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    wrapped.train()
    with _progress(fabric.is_global_zero) as progress:
        bar = progress.add_task(recipe.name, total=recipe.steps, completed=start, loss="")
        try:
            for batch in loader:
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(settings, step, recipe.steps)
                loss, terms = task(wrapped, batch)
                fabric.backward(loss)
                fabric.clip_gradients(wrapped, optimiser, max_norm=settings.clip, error_if_nonfinite=False)
                value = loss.item()
                if not math.isfinite(value):
                    raise DistilfuseError(
                        f"The loss is {value} at step {step}: lower optimiser.lr, or use precision 32-true; "
                        f"the last checkpoint is {last}."
                    )
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                average.update_parameters(network)
                step += 1
                fabric.log_dict({"loss": value, **{f"terms/{k}": v.item() for k, v in terms.items()}}, step)
                progress.update(bar, completed=step, loss=f"loss {value:.3f}")
                if step % recipe.checkpoint_every == 0:
                    checkpoint(step)
                if judged and (step % recipe.validate_every == 0 or step == recipe.steps):
                    _judge(fabric, average.module, judged, out, step, progress)
        finally:
            # An interrupted run keeps what it has; a run that lost its footing keeps the last sound state.
            if math.isfinite(value):
                checkpoint(step)
    if step < recipe.steps:
        return last
    result = out / f"{recipe.name}.safetensors"
    if fabric.is_global_zero:
        write_tensors(result, average.module.state_dict(), {"recipe": identity, "step": str(step)})
    fabric.barrier()
    return result


def _precision(choice: str, accelerator: str) -> str:
    if choice != "auto":
        return choice
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    return "bf16-mixed" if on_gpu and torch.cuda.is_bf16_supported() else "32-true"


def _loader(fabric: Fabric, recipe: Recipe, data: Path, start: int, end: int, workers: int) -> DataLoader[Batch]:
    pairs: list[Pair] = []
    weights: list[float] = []
    for config in recipe.data.sets:
        members = load_pairs(data, config.name, "train", reduce=config.reduce)
        pairs += members
        weights += [config.weight / len(members)] * len(members)
    world, rank = fabric.world_size, fabric.global_rank
    batches = CropBatches(
        pairs,
        weights=weights,
        size=recipe.data.crop,
        batch=recipe.data.batch,
        batches=recipe.steps * world,
        augmentation=recipe.data.augmentation,
        seed=recipe.seed,
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


def _judge(fabric: Fabric, network: nn.Module, pairs: Sequence[Pair], out: Path, step: int, progress: Progress) -> None:
    network.eval()
    scores = validate(network, pairs)
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

"""``distilfuse quantize``: a released model in 8-bit integers, if that costs next to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distilfuse.errors import MissingDependencyError

if TYPE_CHECKING:
    from distilfuse.export.quantized_release import Quantized, Timed


def quantize(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A released model, or a record (.json).")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder that holds the sets it was trained on.")],
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for NAME-int8.onnx and its record.")
    ],
    method: Annotated[str, typer.Option(metavar="NAME", help="onnxruntime or nncf.")] = "onnxruntime",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE",
            help="A convolution that stays in float32, all others do not; repeat it for more.",
            show_default="searched",
        ),
    ] = None,
    pairs: Annotated[int, typer.Option(metavar="N", min=1, help="Pairs of each set: N to calibrate, N to judge.")] = 12,
) -> None:
    """Quantise a model to 8-bit integers, measure what it loses, and keep it only if that is at most 0.5 %.

    Ranges are taken from training pairs. Validation pairs, clean and degraded, say which convolutions can bear it and
    what Qabf, VIF and SSIM lose; where one of them loses more, nothing is written.

    For example: `distilfuse quantize nano-ivif --data data -o int8`
    """
    try:
        from distilfuse.export.quantized_release import quantize as make
        from distilfuse.export.quantized_release import time_beside, write_quantized
    except ImportError as error:
        raise MissingDependencyError(
            f"Quantising needs the package {error.name}: pip install 'distilfuse[train]'."
        ) from error
    from rich.console import Console
    from rich.status import Status

    from distilfuse.zoo import find_model, read_weights

    record, folder = find_model(model)
    weights = read_weights(record, folder / record.file)
    console = Console(stderr=True)
    with Status("pictures", console=console) as status:

        def told(done: int, total: int, following: str) -> None:
            if console.is_terminal:
                status.update(f"{done}/{total} {following}")
            elif following:
                console.print(f"{done}/{total} {following}", highlight=False)

        made = make(model, data, method=method, keep=keep or (), pairs=pairs, told=told)
        path = write_quantized(made, model, out)
        status.update("times")
        times = time_beside({"fp32": weights, "int8": made.weights})
    _show(made, times, before=len(weights))
    typer.echo(f"Written: {path}")


def _show(made: Quantized, times: dict[tuple[str, str], Timed], *, before: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from distilfuse.export.judging import losses

    console = Console()
    console.width = max(console.width, 100)
    layers = Table("convolution", box=None, header_style="bold")
    for name in ("share of work", "loss alone", "computed in"):
        layers.add_column(name, justify="right")
    chosen = set(made.chosen)
    for one in sorted((*made.chosen, *made.kept), key=lambda one: -one.work):
        alone = f"{made.alone[one.name]:+.2f} %" if one.name in made.alone else "-"
        layers.add_row(one.weight, f"{100 * one.work:.0f} %", alone, "int8" if one in chosen else "float32")
    console.print(layers)
    scores = Table("score", box=None, header_style="bold")
    for name in ("fp32", "int8", "change"):
        scores.add_column(name, justify="right")
    lost = losses(made.before, made.after)
    for key, value in made.before.items():
        scores.add_row(f"{key[1]}, {key[0]}", f"{value:.4f}", f"{made.after[key]:.4f}", f"{-lost[key]:+.2f} %")
    console.print(scores)
    speed = Table("640x480, network alone", box=None, header_style="bold")
    for name in ("least ms", "median ms", "CPU ms", "times fp32"):
        speed.add_column(name, justify="right")
    for (label, backend), timed in times.items():
        against = times["fp32", backend].least / timed.least
        figures = (timed.least, timed.median, timed.processor)
        speed.add_row(f"{label} on {backend}", *(f"{figure:.1f}" for figure in figures), f"{against:.2f}")
    console.print(speed)
    typer.echo(f"{before:,} bytes before, {made.record.size:,} after")
    if all(times["int8", backend].least >= timed.least for (label, backend), timed in times.items() if label == "fp32"):
        typer.secho("The 8-bit model is not faster on this machine: use float32 here.", fg="yellow", err=True)

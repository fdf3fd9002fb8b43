"""``distilfuse metrics``: what the metrics mean, and by which conventions they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distilfuse.metrics import Metric, Protocol
    from distilfuse.metrics.protocols import Convention

metrics = typer.Typer(no_args_is_help=True, help="Explain the metrics and the protocols they are computed by.")

_WIDTH = 100
_LABEL = 13


@metrics.command("list")
def list_metrics(
    protocol: Annotated[
        str | None, typer.Option("--protocol", "-p", metavar="NAME", help="Only the columns of this protocol.")
    ] = None,
) -> None:
    """List the metrics: arrow, unit, name in words."""
    from rich.console import Console
    from rich.table import Table

    from distilfuse.metrics import METRICS, find_protocol

    names = tuple(METRICS) if protocol is None else find_protocol(protocol).metrics
    table = Table("metric", "", "unit", "title", box=None, header_style="bold", pad_edge=False)
    for name in names:
        card = METRICS[name]
        table.add_row(name, card.arrow, card.unit or "-", card.title)
    Console().print(table, highlight=False)
    typer.echo("↑ higher is better, ↓ lower is better. More: distilfuse metrics explain NAME")


@metrics.command()
def explain(name: Annotated[str, typer.Argument(metavar="NAME", help="A metric, for instance VIF.")]) -> None:
    """Say what a metric measures, what games it, and how published codes differ."""
    from distilfuse.metrics import PROTOCOLS, find_metric

    card = find_metric(name)
    direction = "higher is better" if card.higher_is_better else "lower is better"
    typer.secho(f"{card.name} {card.arrow}  {card.title}", bold=True)
    _say("computed on", _inputs(card))
    _say("range", f"{card.range}{f'; {card.unit}' if card.unit else ''}; {direction}")
    _say("measures", card.measures)
    _say("gamed by", card.gamed_by)
    _say("in the wild", card.in_the_wild)
    for protocol in PROTOCOLS.values():
        _say(protocol.label, _convention(protocol, card))
    _say("source", card.source)


@metrics.command()
def protocols() -> None:
    """List the protocols: grey rule, columns, conventions, and departures from the plain definitions."""
    from distilfuse.metrics import PROTOCOLS

    for number, protocol in enumerate(PROTOCOLS.values()):
        default = "  (default)" if number == 0 else ""
        typer.secho(f"{protocol.label}{default}", bold=True)
        _say("", protocol.summary)
        _say("source", protocol.source)
        _say("grey", protocol.grey_note)
        _say("columns", " ".join(protocol.metrics))
        for label, text in _in_full(protocol).items():
            _say(label, text)
        for name in protocol.metrics:
            if note := protocol.convention(name).note:
                _say(name, note)
        typer.echo()
    typer.echo("Numbers of two protocols, or of two versions of one, are not comparable.")


def _in_full(protocol: Protocol) -> dict[str, str]:
    """What tables differ by most, stated whether it departs from the plain definition or not."""
    from distilfuse.metrics.registry import DEFINITIONS

    ranges: dict[str, list[str]] = {}
    over_sources: dict[str, list[str]] = {}
    for name in protocol.metrics:
        convention = protocol.convention(name)
        ranges.setdefault(f"0..{convention.data_range:g}", []).append(name)
        if DEFINITIONS[convention.definition or name].inputs == "each":
            over_sources.setdefault(convention.over_sources, []).append(name)
    nats = protocol.convention("MI").options.get("base", 2.0) != 2.0
    return {
        "range": _by_metric(ranges),
        "logarithms": f"EN to base 2 (bits), MI to base {'e (nats)' if nats else '2 (bits)'}",
        "SSIM window": _ssim_window(protocol.convention("SSIM")),
        "two sources": _by_metric(over_sources),
    }


def _by_metric(found: dict[str, list[str]]) -> str:
    return "; ".join(f"{what} for {', '.join(names)}" for what, names in found.items())


def _ssim_window(convention: Convention) -> str:
    if convention.definition is not None:
        windows = "11 x 11 pixels, uniform to find the wanted structure, Gaussian to compare with it"
        return f"{convention.definition}'s: {windows}"
    uniform = convention.options.get("window") == "uniform"
    window = "uniform, 7 x 7 pixels" if uniform else "Gaussian, 11 x 11 pixels, sigma 1.5"
    return f"{window}, dynamic range {convention.options.get('dynamic_range', convention.data_range):g}"


def _inputs(card: Metric) -> str:
    return {
        "fused": "the fused picture alone",
        "each": "each source and the fused picture; summed or averaged over the two sources",
        "both": "both sources and the fused picture at once",
    }[card.inputs]


def _convention(protocol: Protocol, card: Metric) -> str:
    convention = protocol.convention(card.name)
    plain = "mean over the two sources" if card.inputs == "each" else "as defined"
    column = "" if card.name in protocol.metrics else " (not among its columns)"
    return f"{convention.note or plain}{column}"


def _say(label: str, text: str) -> None:
    """A label and text beside it, wrapped."""
    import shutil
    import textwrap

    width = max(40, min(_WIDTH, shutil.get_terminal_size().columns))
    first, rest = f"  {label:<{_LABEL}} ", " " * (_LABEL + 3)
    typer.echo(textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))

"""The page: template, style and scripts of this package, filled and written as one file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse import __version__
from distilfuse.evaluation.extras import need
from distilfuse.evaluation.report.content import (
    chart_data,
    embeddable_json,
    extent,
    problem_lines,
    quality_metric,
    tables,
)
from distilfuse.evaluation.report.pictures import LOSSLESS_SIDE, Gallery, Views, choose_pairs, embed
from distilfuse.evaluation.scores import ScoreTable
from distilfuse.evaluation.statistics import SIGNIFICANT, Summary
from distilfuse.imaging.writing import write_bytes

SIZE_LIMIT = 40_000_000
"""Bytes of the whole file; pictures are shrunk, then left out, to stay below. Numbers are never left out."""

_SLACK = 100_000
"""For what stands beside each picture, and letters that take more than a byte."""

# One module scope: a later file may use what an earlier one defines.
_SCRIPTS = ("data", "svg", "dots", "boxes", "scatter", "table", "viewer", "browser", "main")


def write_report(
    path: Path,
    table: ScoreTable,
    summary: Summary,
    *,
    sources: Mapping[tuple[str, str], tuple[Path, Path]],
    fused: Callable[[str, str, str], NDArray[np.uint8] | None],
    title: str,
    notes: Sequence[str],
    pictures: int = 24,
) -> None:
    """Write the HTML report of an evaluation.

    The file is complete in itself: style, scripts, numbers and pictures lie in it, and its content security policy
    forbids the browser to load anything or to run any other script. Embedded are the pictures of the pairs that some
    method fuses worst, by the protocol's first quality metric (Qabf if it is there), at no more than 640 pixels a
    side; the report says how many of how many they are. A picture that cannot be read is left out, with the reason
    in its place.

    Args:
        path: the ``.html`` file; one that exists is replaced.
        table: the scores of every pair.
        summary: the statistics of the same table.
        sources: (set, pair) to its visible and its infrared file; pairs that are not in it have no pictures.
        fused: gives method, set and pair's picture, ``H x W`` or ``H x W x 3``, or None where there is none. It is
            called for embedded pairs only.
        title: heading of the report.
        notes: what a reader should know, one paragraph each.
        pictures: how many pairs to embed at most; 0 for a report of numbers alone.

    Raises:
        MissingDependencyError: Jinja2 (extra ``evaluate``) is not installed.
        OutputError: the file cannot be written; nothing is left of it then.
    """
    need("evaluate", "jinja2")
    quality = quality_metric(table.metrics)
    data = chart_data(table, summary, quality=quality)

    def render(gallery: Gallery) -> str:
        return _render(table, summary, data=data, gallery=gallery, quality=quality, title=title, notes=notes)

    # Pictures get the room that the numbers leave.
    room = SIZE_LIMIT - len(render(Gallery())) - _SLACK
    chosen = choose_pairs(table, metric=quality, among=sources, count=pictures)
    page = render(embed(chosen, sources=sources, fused=fused, methods=table.methods, budget=room))
    # A file name may hold bytes that are no text; they cannot be written as text either.
    write_bytes(path, page.encode("utf-8", errors="replace"))


def _render(
    table: ScoreTable,
    summary: Summary,
    *,
    data: Mapping[str, Any],
    gallery: Gallery,
    quality: str,
    title: str,
    notes: Sequence[str],
) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    entries = [_picture_entry(views, data) for views in gallery.pairs]
    style = _file("report.css")
    script = "\n".join(_file(f"{name}.js") for name in _SCRIPTS)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page: str = environment.from_string(_file("report.html.j2")).render(
        title=title,
        version=__version__,
        protocol=table.protocol,
        methods=list(table.methods),
        extent=extent(summary),
        sets=tables(summary),
        significant=SIGNIFICANT,
        seed=summary.seed,
        warnings=summary.warnings,
        problems=problem_lines(table, summary),
        notes=notes,
        gallery=_about_gallery(gallery, sum(summary.pairs.values()), quality),
        style=Markup(style),
        style_hash=_policy_hash(style),
        script=Markup(script),
        script_hash=_policy_hash(script),
        data=Markup(embeddable_json({**data, "pictures": entries})),
    )
    return page


def _picture_entry(views: Views, data: Mapping[str, Any]) -> dict[str, Any]:
    place = next(k for k, entry in enumerate(data["sets"]) if entry["name"] == views.dataset)
    return {
        "set": place,
        "pair": data["sets"][place]["pairs"].index(views.name),
        "views": [picture.address if picture else None for picture in views.pictures],
        "reasons": views.reasons,
    }


def _about_gallery(gallery: Gallery, pairs: int, quality: str) -> str:
    """Which pictures are in the report, how they were changed, and what did not fit."""
    shown = len(gallery.pairs)
    dropped = f" {gallery.dropped} more did not fit into {SIZE_LIMIT // 1_000_000} MB." if gallery.dropped else ""
    if not shown:
        return f"No pictures are in this report.{dropped}"
    which = "all pairs" if shown == pairs else f"{shown} of {pairs} pairs, the worst of each method by {quality},"
    return (
        f"The pictures of {which} are in this report: untouched up to {LOSSLESS_SIDE} pixels, larger ones reduced to "
        f"{gallery.side} pixels and stored as JPEG (quality {gallery.quality}), so that fine noise is partly lost."
        f"{dropped}"
    )


def _file(name: str) -> str:
    return (resources.files(__package__) / "template" / name).read_text("utf-8")


def _policy_hash(text: str) -> str:
    """The name of a style or script in a content security policy: the browser runs nothing that has another hash."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"

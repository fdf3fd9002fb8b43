"""A folder of results: scores for programs, tables for papers, a report for people."""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse import __version__
from distilfuse.errors import OutputError
from distilfuse.evaluation import robustness, tables
from distilfuse.evaluation.curves import robustness_picture
from distilfuse.evaluation.detection.files import FILES as DETECTION
from distilfuse.evaluation.report import write_report
from distilfuse.evaluation.scores import ScoreTable, write_csv, write_json
from distilfuse.evaluation.statistics import Summary
from distilfuse.imaging.writing import write_bytes
from distilfuse.metrics import find_protocol

RESULTS = ("scores.csv", "scores.json", "table.md", "table.tex", "report.html")
ROBUSTNESS = ("robustness.md", "robustness.tex", "robustness.png")

_PACKAGES = ("numpy", "Pillow", "onnxruntime", "scipy")


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Find out before any work whether results could be written into a folder.

    Raises:
        OutputError: it is a file, lies under one, or holds results already (unless ``overwrite``).
    """
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise OutputError(f"{folder} cannot be a folder because {place} is a file: name another output.")
            break
    taken = [name for name in (*RESULTS, *ROBUSTNESS, *DETECTION) if (folder / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{folder} holds results already ({', '.join(taken)}): add --overwrite or name another folder."
        )


def write_results(
    folder: Path,
    table: ScoreTable,
    summary: Summary,
    *,
    protocol: str,
    problems: Sequence[str],
    unscored: Sequence[str],
    notes: Sequence[str],
    sources: Mapping[tuple[str, str], tuple[Path, Path]],
    fused: Callable[[str, str, str], NDArray[np.uint8] | None],
    title: str,
) -> list[Path]:
    """Write :data:`RESULTS` and, where the table has degraded sets, :data:`ROBUSTNESS`; each file whole or not at all.

    Files of earlier results that are not written this time are removed: they would belong to other scores.

    Args:
        folder: made if it is missing.
        table: all scores.
        summary: its statistics.
        protocol: the protocol's name, whose definition goes into ``scores.json``.
        problems: what could not be scored and is no row of the table.
        unscored: what rows have no value for; goes into ``scores.json``, as tables and report name these rows anyway.
        notes: what else to know.
        sources: see :func:`distilfuse.evaluation.report.write_report`.
        fused: likewise.
        title: likewise.

    Returns:
        The files written.

    Raises:
        OutputError: the folder cannot be made, or a file cannot be written.
        MissingDependencyError: an extra is not installed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}): name another output.") from error
    said = (*problems, *notes)
    about = {
        "title": title,
        "protocol_definition": definition(protocol),
        "versions": versions(),
        "machine": f"{platform.machine()} {platform.system()}",
        "problems": [*problems, *unscored],
        "notes": list(notes),
        "warnings": list(summary.warnings),
        "seed": summary.seed,
        "summary": as_records(summary),
    }
    write_csv(folder / "scores.csv", table)
    write_json(folder / "scores.json", table, about=about)
    texts = {"table.md": tables.markdown(summary, said), "table.tex": tables.latex(summary)}
    bases = list(robustness.degraded_bases(summary))
    if bases:
        texts |= {"robustness.md": robustness.markdown(summary), "robustness.tex": robustness.latex(summary)}
    for name, text in texts.items():
        write_bytes(folder / name, text.encode(errors="replace"))
    pictures = [f"robustness{f'-{k}' if k > 1 else ''}.png" for k in range(1, len(bases) + 1)]
    for name, base in zip(pictures, bases, strict=True):
        write_bytes(folder / name, robustness_picture(summary, base))
    write_report(folder / "report.html", table, summary, sources=sources, fused=fused, title=title, notes=said)
    written = {"scores.csv", "scores.json", *texts, *pictures, "report.html"}
    for name in {*RESULTS, *ROBUSTNESS, *DETECTION} - written:
        (folder / name).unlink(missing_ok=True)
    return [folder / name for name in sorted(written)]


def definition(protocol: str) -> dict[str, Any]:
    """A protocol as data: every convention that its numbers depend on."""
    return {key: _plain(value) for key, value in dataclasses.asdict(find_protocol(protocol)).items()}


def versions() -> dict[str, str]:
    """Version of everything that has a say in a score."""
    found = {"distilfuse": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a GPU build of ONNX Runtime has another name
            continue
    return found


def as_records(summary: Summary) -> list[dict[str, Any]]:
    """The statistics as JSON has them, a record for each set, method and metric."""
    return [
        {"set": dataset, "method": method, "metric": metric}
        | {key: _plain(value) for key, value in dataclasses.asdict(cell).items()}
        for (dataset, method, metric), cell in summary.cells.items()
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)

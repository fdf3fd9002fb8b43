"""The results of a run: JSON for programs, rows for the terminal, a picture of quality against time."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from distilfuse import __version__
from distilfuse.errors import InputError, OutputError
from distilfuse.evaluation.extras import need
from distilfuse.evaluation.speed.cases import as_json
from distilfuse.evaluation.speed.machine import Peaks, commit, describe_machine, versions
from distilfuse.evaluation.speed.timing import Measured
from distilfuse.imaging.writing import write_bytes

SCHEMA = 1
COLUMNS = ("method", "backend", "size", "threads", "batch", "ms", "±", "fps", "GFLOP/s", "of peak", "MB", "J", "Qabf")
"""Of :func:`row`."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run measured."""

    measured: Sequence[Measured]
    peaks: Sequence[Peaks]
    """Of the machine, one for each number of threads."""
    cold: Mapping[str, tuple[float, float]]
    """Model to least and median seconds of a whole ``distilfuse fuse`` of one pair."""
    left_out: Sequence[str] = ()
    """Cases that could not be loaded, and why."""

    def cases(self) -> list[dict[str, Any]]:
        """``cases`` of the file."""
        return [_as_data(result, share_of(result, self.peaks)) for result in self.measured]


def check_report(path: Path, *, overwrite: bool) -> None:
    """Find out before any work whether a report could be written.

    Raises:
        OutputError: no folder to write into, not a ``.json``, or a file is there (unless ``overwrite``).
        MissingDependencyError: Matplotlib (extra ``evaluate``), for the picture, is not installed.
    """
    need("evaluate", "matplotlib")
    if path.suffix != ".json":
        raise OutputError(f"{path} does not end in .json: name the file of figures, the picture takes its name.")
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written because {path.parent} is no folder: make it or name another.")
    for file in (path, path.with_suffix(".png")):
        if file.exists() and not overwrite:
            raise OutputError(f"{file} exists: add --overwrite to replace it.")


def write_report(path: Path, report: Report) -> None:
    """Write all figures as JSON, and quality over time beside them as PNG.

    Args:
        path: the JSON file, replaced as a whole.
        report: what :func:`~distilfuse.evaluation.speed.running.run` gave.

    Raises:
        OutputError: it cannot be written.
    """
    cases = report.cases()
    data = {
        "schema": SCHEMA,
        "commit": commit(),
        "distilfuse": __version__,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": describe_machine(),
        "versions": versions(),
        "peaks": [
            {"threads": peak.threads, "gflops": round(peak.gflops, 1), "copy_gbs": round(peak.copy_gbs, 1)}
            for peak in report.peaks
        ],
        "cold_start": {
            name: {"least_s": round(least, 3), "median_s": round(median, 3)}
            for name, (least, median) in report.cold.items()
        },
        "cases": cases,
    }
    write_bytes(path, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())
    if any(_scored(cases)):
        write_bytes(path.with_suffix(".png"), speed_picture(cases))


def read_report(path: Path) -> dict[str, Any]:
    """What :func:`write_report` wrote.

    Raises:
        InputError: it cannot be read, or is no such report.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"The report {path} cannot be read ({error}): name one that `distilfuse bench` wrote."
        ) from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or not isinstance(report.get("cases"), list):
        raise InputError(f"{path} is no report of this version of `distilfuse bench`: measure anew.")
    return report


def share_of(result: Measured, peaks: Sequence[Peaks]) -> float | None:
    """The part of the machine's measured peak that the network alone reaches; None where that is not known."""
    peak = next((peak for peak in peaks if peak.threads == result.case.threads), None)
    if peak is None or result.gflops is None or not result.device.startswith("CPU"):
        return None
    return result.gflops / peak.gflops


def _shown_quality(quality: Mapping[str, float]) -> str:
    """On one set, for a mean over those that each happens to have would compare what cannot be compared."""
    name = "roadscene" if "roadscene" in quality else next(iter(quality), None)
    return "-" if name is None else f"{quality[name]:.3f} {name}"


def row(result: Measured, peaks: Sequence[Peaks]) -> tuple[str, ...]:
    """A result for the terminal, by :data:`COLUMNS`."""
    share, case = share_of(result, peaks), result.case
    return (
        case.method,
        case.backend,
        case.size,
        str(case.threads),
        str(case.batch),
        f"{result.median:.1f}",
        f"{result.spread:.0%}",
        f"{result.fps:.1f}" if result.fps < 100 else f"{result.fps:.0f}",
        "-" if result.gflops is None else f"{result.gflops:.0f}",
        "-" if share is None else f"{share:.0%}",
        "-" if result.peak_mb is None else f"{result.peak_mb:.0f}",
        "-" if result.joules is None else f"{result.joules:.2f}",
        _shown_quality(result.quality),
    )


def speed_picture(cases: Sequence[Mapping[str, Any]]) -> bytes:
    """A PNG: Qabf over the time of a pair (logarithmic), for every case that was scored; a panel a size.

    The test set is the one on which most of the methods were scored.

    Args:
        cases: of a report; at least one has a quality.

    Raises:
        MissingDependencyError: Matplotlib (extra ``evaluate``) is not installed.
    """
    need("evaluate", "matplotlib")
    from matplotlib.figure import Figure

    scored = _scored(cases)
    chosen = max(scored, key=lambda name: len({case["method"] for case in scored[name]}))
    sizes = list(dict.fromkeys((case["width"], case["height"]) for case in scored[chosen]))
    figure = Figure(figsize=(8, 3.6 * len(sizes)), layout="constrained")
    for axes, size in zip(figure.subplots(len(sizes), 1, squeeze=False)[:, 0], sizes, strict=True):
        shown = [case for case in scored[chosen] if (case["width"], case["height"]) == size]
        for method in dict.fromkeys(case["method"] for case in shown):
            points = [case for case in shown if case["method"] == method]
            times = [case["median_ms"] / case["batch"] for case in points]
            fastest = points[times.index(min(times))]["backend"]
            qualities = [case["quality"][chosen] for case in points]
            axes.plot(
                times, qualities, "o", label=f"{method}, {min(times):,.{1 if min(times) < 100 else 0}f} ms in {fastest}"
            )
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds a pair, arrays in and out")
        axes.set_ylabel(f"Qabf, {chosen} test pairs")
        axes.grid(True, which="both", alpha=0.3)
        axes.margins(x=0.1, y=0.15)
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        axes.set_title(f"{size[0]}x{size[1]}, {shown[0]['threads']} CPU threads", fontsize=10)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=140, metadata={"Software": None})
    return stream.getvalue()


def _scored(cases: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Test set to the cases that have a quality on it."""
    names = dict.fromkeys(name for case in cases for name in case["quality"])
    return {name: [case for case in cases if name in case["quality"]] for name in names}


def _as_data(result: Measured, share: float | None) -> dict[str, Any]:
    def rounded(value: float | None, digits: int = 3) -> float | None:
        return None if value is None else round(value, digits)

    return {
        **as_json(result.case),
        "device": result.device,
        "rounds": result.rounds,
        "least_ms": rounded(result.least),
        "median_ms": rounded(result.median),
        "spread": rounded(result.spread),
        "fps": rounded(result.fps, 2),
        "network_least_ms": rounded(result.network_least),
        "network_median_ms": rounded(result.network_median),
        "gflop": None if result.flop is None else round(result.flop / 1e9, 3),
        "gflops": rounded(result.gflops, 1),
        "share_of_peak": rounded(share),
        "loading_s": rounded(result.loading),
        "peak_mb": rounded(result.peak_mb, 1),
        "joules": rounded(result.joules),
        "quality": result.quality,
    }

"""One run: the machine's peaks, memory and cold start in processes of their own, then all cases in turns."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from distilfuse import samples
from distilfuse.errors import ConfigError, ModelError
from distilfuse.evaluation.speed.cases import PICTURE, Case, Rival, Runner, open_runner
from distilfuse.evaluation.speed.machine import measure_peaks
from distilfuse.evaluation.speed.report import Report
from distilfuse.evaluation.speed.timing import cold_start, measure, peak_memory


def run(
    cases: Sequence[Case],
    rivals: Mapping[str, Rival],
    *,
    models: Sequence[str],
    rounds: int,
    lenient: bool = False,
    told: Callable[[int, str], None] = lambda done, following: None,
) -> Report:
    """Measure.

    Args:
        cases: what :func:`~distilfuse.evaluation.speed.planning.plan` gave.
        rivals: by name, those among the cases.
        models: whose cold start is measured.
        rounds: timed calls of each case.
        lenient: leave out what another backend than ONNX Runtime cannot load, and say so in the report: PyTorch loads
            neither int8 nor attention networks from their exported files.
        told: called after a round with how many are done.

    Raises:
        ModelError, MissingDependencyError, ConfigError: a case cannot be loaded.
    """
    runners, left_out = _open(cases, rivals, lenient)  # first: what is missing is said at once
    cases = [runner.case for runner in runners]
    peaks = [measure_peaks(count) for count in dict.fromkeys(case.threads for case in cases)]
    cold = {name: cold_start(_command(name)) for name in dict.fromkeys(models)}
    memory = {case: peak_memory(case) for case in cases if case.method not in rivals}
    measured = measure(runners, rounds=rounds, told=told)
    return Report(
        measured=[dataclasses.replace(result, peak_mb=memory.get(result.case)) for result in measured],
        peaks=peaks,
        cold=cold,
        left_out=left_out,
    )


def _open(cases: Sequence[Case], rivals: Mapping[str, Rival], lenient: bool) -> tuple[list[Runner], list[str]]:
    runners: list[Runner] = []
    left_out: list[str] = []
    for case in cases:
        try:
            runners.append(open_runner(case, rivals))
        except (ConfigError, ModelError) as error:
            if not lenient or case.backend == "onnxruntime":
                raise
            left_out.append(f"{case.method} on {case.backend} at {case.size}: {error}")
    return runners, left_out


def _command(model: str) -> list[str]:
    visible, infrared = samples.paths(PICTURE)
    out = Path(tempfile.gettempdir()) / "distilfuse-cold-start.png"
    pair = [str(visible), str(infrared)]
    return [sys.executable, "-m", "distilfuse", "fuse", *pair, "-o", str(out), "--model", model, "--overwrite"]

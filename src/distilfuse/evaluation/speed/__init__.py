"""How fast models are, beside what the machine can do and beside rivals, all in one run."""

from __future__ import annotations

from distilfuse.evaluation.speed.cases import Case, Fuse, Rival, as_json
from distilfuse.evaluation.speed.comparing import common_cases, slower_cases
from distilfuse.evaluation.speed.machine import Peaks
from distilfuse.evaluation.speed.planning import plan
from distilfuse.evaluation.speed.report import Report, check_report, read_report, write_report
from distilfuse.evaluation.speed.running import run
from distilfuse.evaluation.speed.timing import Measured

__all__ = [
    "Case",
    "Fuse",
    "Measured",
    "Peaks",
    "Report",
    "Rival",
    "as_json",
    "check_report",
    "common_cases",
    "plan",
    "read_report",
    "run",
    "slower_cases",
    "write_report",
]

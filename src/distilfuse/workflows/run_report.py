"""What a run over folders did, as JSON: every input, every output, every warning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from distilfuse import __version__
from distilfuse.errors import OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.writing import write_bytes
from distilfuse.workflows.files import Job, Outcome
from distilfuse.workflows.folders import FolderPlan
from distilfuse.workflows.treatment import Treatment


def check_report_path(path: Path, *, overwrite: bool) -> None:
    """Find out before any work whether a report could be written.

    Raises:
        OutputError: not a ``.json``, no folder to write into, or a file is there (unless ``overwrite``).
    """
    if path.suffix.lower() != ".json":
        raise OutputError(f"{path} does not end in .json: name the report so.")
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written because {path.parent} is no folder: make it or name another.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: add --overwrite to replace it.")


def write_run_report(
    path: Path,
    plan: FolderPlan,
    outcomes: Sequence[Outcome],
    *,
    fuser: Fuser,
    treatment: Treatment,
    seconds: float,
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: replaced if it exists.
        plan: of the run.
        outcomes: of its pairs; those that a run cut short never reached are reported as not done.
        fuser: that did it.
        treatment: likewise.
        seconds: of the whole run.

    Raises:
        OutputError: the write failed.
    """
    reached = {outcome.job for outcome in outcomes}
    pairs = [_outcome(outcome) for outcome in outcomes]
    pairs += [{**_job(job), "state": "skipped"} for job in plan.skipped]
    pairs += [{**_job(job), "state": "not done"} for job in plan.jobs if job not in reached]
    states = [pair["state"] for pair in pairs]
    matching = plan.matching
    report = {
        "made_by": f"distilfuse {__version__}",
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "model": {"name": fuser.record.name, "sha256": fuser.record.sha256},
        "backend": {"name": fuser.backend, "device": fuser.device, "threads": fuser.threads},
        "treatment": treatment.to_dict(),
        "output": str(plan.output),
        "seconds": round(seconds, 3),
        "counts": {state: states.count(state) for state in ("fused", "skipped", "failed", "not done")},
        "pairs": sorted(pairs, key=lambda pair: str(pair["name"])),
        "without_partner": [str(file) for file in (*matching.unmatched_visible, *matching.unmatched_infrared)],
        "ambiguous": [[str(file) for file in group] for group in matching.ambiguous],
    }
    write_bytes(path, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())


def _job(job: Job) -> dict[str, Any]:
    return {"name": job.name, "inputs": [str(path) for path in job.inputs], "output": str(job.output)}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {**_job(outcome.job), "state": "failed" if outcome.error else "fused"}
    if outcome.error is None:
        found |= {"size": outcome.size, "seconds": round(outcome.seconds, 4)}
    else:
        found["error"] = str(outcome.error)
    return {**found, "warnings": list(outcome.warnings)}

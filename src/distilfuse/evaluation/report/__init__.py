"""The report of an evaluation: one HTML file with tables, charts and pictures that needs nothing else."""

from __future__ import annotations

from distilfuse.evaluation.report.page import write_report as write_report

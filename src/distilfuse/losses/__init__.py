"""Differentiable losses on batches in 0..1; the objective adds named, weighted terms."""

from __future__ import annotations

from distilfuse.losses.objective import TERMS, Objective

__all__ = ["TERMS", "Objective"]

"""Fusion metrics in numpy, one a file; every number belongs to a named protocol."""

from __future__ import annotations

from distilfuse.metrics.entropy import entropy
from distilfuse.metrics.grey import paper_grey
from distilfuse.metrics.qabf import qabf
from distilfuse.metrics.scoring import METRICS, score
from distilfuse.metrics.ssim import ssim
from distilfuse.metrics.vif import vif

__all__ = ["METRICS", "entropy", "paper_grey", "qabf", "score", "ssim", "vif"]

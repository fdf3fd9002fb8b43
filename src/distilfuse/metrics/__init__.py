"""Fusion metrics in numpy, one a file; every number belongs to a named protocol."""

from __future__ import annotations

from distilfuse.metrics.average_gradient import average_gradient
from distilfuse.metrics.entropy import entropy
from distilfuse.metrics.grey import paper_grey
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.mutual_information import mutual_information
from distilfuse.metrics.protocols import PROTOCOLS, Protocol, find_protocol
from distilfuse.metrics.qabf import qabf
from distilfuse.metrics.registry import METRICS, find_metric
from distilfuse.metrics.scoring import score
from distilfuse.metrics.spatial_frequency import spatial_frequency
from distilfuse.metrics.ssim import ssim
from distilfuse.metrics.standard_deviation import standard_deviation
from distilfuse.metrics.vif import vif

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "Metric",
    "Protocol",
    "average_gradient",
    "entropy",
    "find_metric",
    "find_protocol",
    "mutual_information",
    "paper_grey",
    "qabf",
    "score",
    "spatial_frequency",
    "ssim",
    "standard_deviation",
    "vif",
]

"""Protocols: everything on which published evaluation codes differ, as data.

Codes give different values to the same picture under the same name. So every number here belongs to a protocol and its
version, and numbers of two protocols, or of two versions, are not compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from distilfuse.errors import ConfigError
from distilfuse.metrics.registry import METRICS, nearest


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How a protocol computes one metric; the defaults are the plain definition on 0..255."""

    over_sources: Literal["mean", "sum"] = "mean"
    """What becomes of the two values of a metric whose card says ``each``."""
    data_range: float = 255.0
    """The scale that the pictures are brought to before the metric is computed."""
    definition: str | None = None
    """Another definition of :data:`distilfuse.metrics.registry.DEFINITIONS` that goes by the metric's name here."""
    options: Mapping[str, float | bool | str] = field(default_factory=dict)
    """Keywords of the metric's function."""
    note: str = ""
    """In words, where it departs from the plain definition."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to score, complete: which grey picture, which columns, which conventions."""

    name: str
    version: int
    """Raised whenever a value changes."""
    summary: str
    source: str
    """Whose numbers it repeats, and from where the conventions were read."""
    grey: str
    """Rule of :data:`distilfuse.metrics.grey.GREY` by which colour becomes grey."""
    grey_note: str
    metrics: tuple[str, ...]
    """Columns unless others are asked for, in order."""
    conventions: Mapping[str, Convention]
    """By metric; one that is missing here is computed plainly, its values for the two sources averaged."""

    @property
    def label(self) -> str:
        """``NAME@VERSION``, which every table carries."""
        return f"{self.name}@{self.version}"

    def convention(self, metric: str) -> Convention:
        """How the protocol computes a metric."""
        return self.conventions.get(metric, _PLAIN)


_PLAIN = Convention()
_SUM = Convention(over_sources="sum", note="sum over the two sources")
_QUIRK = Convention(
    options={"equal_edge_quirk": True},
    note="where source and fused edge are equal, the strength ratio is the edge strength itself instead of 1",
)

PAPER = Protocol(
    name="paper",
    version=1,
    summary="The metrics and conventions of the tables this project compares itself with.",
    source="Eight columns, fixed by published per-picture scores of other methods' results.",
    grey="truncated",
    grey_note="trunc(.2989 R + .5870 G + .1140 B), 0..255",
    metrics=("EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SSIM"),
    conventions={
        "MI": Convention(over_sources="sum", options={"base": 2.0}, note="bits, sum over the two sources"),
        "VIF": Convention(over_sources="sum", options={"noise_variance": 2.0}, note="sum over the two sources"),
        "Qabf": _QUIRK,
        "SSIM": Convention(
            over_sources="sum",
            options={"window": "gaussian"},
            note="Gaussian window 11 x 11, range 255, sum over the two sources",
        ),
        "MS-SSIM": _SUM,
    },
)

CDDFUSE = Protocol(
    name="cddfuse",
    version=1,
    summary="What the Python evaluator published with CDDFuse computes, and the many codes that carry it on.",
    source="Zhao et al., CDDFuse (CVPR 2023): utils/Evaluator.py and test_IVF.py, with the versions of its "
    "requirements.txt (scikit-image 0.19.2).",
    grey="rounded",
    grey_note="round(.299 R + .587 G + .114 B), 0..255 (OpenCV on floats)",
    metrics=("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf", "SSIM"),
    conventions={
        "MI": Convention(
            over_sources="sum", options={"base": math.e}, note="nats (1 nat = 1.4427 bits), sum over the two sources"
        ),
        "VIF": Convention(
            over_sources="sum",
            options={"constant_reference": 1.0},
            note="sum over the two sources; 1 for a constant source",
        ),
        "Qabf": _QUIRK,
        "SSIM": Convention(
            over_sources="sum",
            options={"window": "uniform", "dynamic_range": 2.0},
            note="uniform window 7 x 7; the range is left out, so scikit-image takes 2 for floats of 0..255; sum over "
            "the two sources",
        ),
        "PSNR": Convention(options={"peak": "fused"}, note="the peak is the fused picture's largest value"),
    },
)

TANG_MATLAB = Protocol(
    name="tang-matlab",
    version=1,
    summary="What the MATLAB code by Linfeng Tang computes, on which most tables of the field before 2023 rest.",
    source="Tang, General Evaluation Metric (repository Linfeng-Tang/Image-Fusion): analysis_Reference.m and what it "
    "calls.",
    grey="matlab",
    grey_note="rgb2gray: round(.298936 R + .587043 G + .114021 B), 0..255",
    metrics=(
        *("EN", "SF", "SD", "PSNR", "MSE", "MI", "VIF", "AG", "CC", "SCD", "Qabf"),
        *("Nabf", "SSIM", "MS-SSIM", "FMI_pixel", "FMI_dct", "FMI_wavelet"),
    ),
    conventions={
        "SF": Convention(data_range=1, note="pictures of 0..1"),
        "SD": Convention(
            options={"byte_arithmetic": True},
            note="computed in bytes: differences below 0 become 0, squares above 255 become 255; at most 15.97",
        ),
        "PSNR": Convention(
            data_range=1, options={"peak": 255.0}, note="peak 255 on pictures of 0..1: 48.13 dB too much"
        ),
        "MSE": Convention(data_range=1, note="pictures of 0..1"),
        "MI": Convention(
            over_sources="sum",
            options={"merge_brightest": True},
            note="bits, sum over the two sources; levels 254 and 255 fall together in the joint histogram",
        ),
        "VIF": Convention(
            over_sources="sum",
            options={"byte_products": True},
            note="squares computed in bytes at the finest scale, which loses most of it; sum over the two sources",
        ),
        "AG": Convention(options={"fewer_pixels": True}, note="sum over H W pixels, divided by (H - 1) (W - 1)"),
        "Qabf": Convention(data_range=1, options={"equal_edge_quirk": True}, note=_QUIRK.note + "; pictures of 0..1"),
        "Nabf": Convention(
            options={"faint": math.inf},
            note="its threshold for faint gradients is meant for 0..255, the pictures are 0..1: all pixels weigh the "
            "same (there rounding also decides whether equal gradients count as stronger; exact here: up to 4 % less)",
        ),
        "SSIM": Convention(
            definition="MEF-SSIM", note="in truth MEF-SSIM, made for several exposures; another quantity"
        ),
        "MS-SSIM": Convention(definition="MEF-MS-SSIM", note="in truth MEF-SSIM over three scales; another quantity"),
        "FMI_pixel": Convention(
            definition="FMI_edge",
            options={"published_code": True},
            note="in truth of edges, the code's default feature",
        ),
        "FMI_dct": Convention(options={"published_code": True}, note="two slips of the published code are repeated"),
        "FMI_wavelet": Convention(
            options={"published_code": True}, note="two slips of the published code are repeated"
        ),
    },
)

STANDARD = Protocol(
    name="standard",
    version=1,
    summary="The definitions as their papers give them: no quirk, no sum that hides a lost source, no rounding of "
    "grey.",
    source="The papers on the metrics' cards.",
    grey="exact",
    grey_note=".299 R + .587 G + .114 B (BT.601), 0..255, not rounded; histograms round to 256 levels",
    metrics=tuple(name for name in METRICS if name not in ("NIQE", "BRISQUE")),  # these two need an extra
    conventions={
        "Qabf": Convention(options={"equal_edge_quirk": False}, note="equal edges count as kept"),
    },
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in (PAPER, CDDFUSE, TANG_MATLAB, STANDARD)}
"""Name to protocol; the first is the default."""


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none; the message names the nearest.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    raise ConfigError(f"There is no protocol {name!r}: {nearest(name, PROTOCOLS)}")

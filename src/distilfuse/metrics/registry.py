"""All metrics by name: their cards, and the functions that compute them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from distilfuse.errors import ConfigError
from distilfuse.metrics.average_gradient import CARD as AG
from distilfuse.metrics.average_gradient import average_gradient
from distilfuse.metrics.chen_blum import CARD as QCB
from distilfuse.metrics.chen_blum import chen_blum
from distilfuse.metrics.chen_varshney import CARD as QCV
from distilfuse.metrics.chen_varshney import chen_varshney
from distilfuse.metrics.correlation import CARD as CC
from distilfuse.metrics.correlation import correlation
from distilfuse.metrics.cross_entropy import CARD as CE
from distilfuse.metrics.cross_entropy import cross_entropy
from distilfuse.metrics.entropy import CARD as EN
from distilfuse.metrics.entropy import entropy
from distilfuse.metrics.feature_mutual_information import (
    CARD_DCT,
    CARD_GRADIENT,
    CARD_PIXEL,
    CARD_WAVELET,
    fmi_dct,
    fmi_edge,
    fmi_gradient,
    fmi_pixel,
    fmi_wavelet,
)
from distilfuse.metrics.fusion_artifacts import CARD_LABF, CARD_NABF, labf, nabf
from distilfuse.metrics.mef_ssim import mef_ms_ssim, mef_ssim
from distilfuse.metrics.metric import Metric
from distilfuse.metrics.ms_ssim import CARD as MS_SSIM
from distilfuse.metrics.ms_ssim import ms_ssim
from distilfuse.metrics.mse import CARD as MSE
from distilfuse.metrics.mse import mse
from distilfuse.metrics.mutual_information import CARD as MI
from distilfuse.metrics.mutual_information import mutual_information
from distilfuse.metrics.no_reference import CARD_BRISQUE, CARD_NIQE, brisque, niqe
from distilfuse.metrics.nonlinear_correlation import CARD as QNCIE
from distilfuse.metrics.nonlinear_correlation import nonlinear_correlation
from distilfuse.metrics.normalised_mutual_information import CARD as NMI
from distilfuse.metrics.normalised_mutual_information import normalised_mutual_information
from distilfuse.metrics.piella import CARD_QE, CARD_QW, qe, qw
from distilfuse.metrics.psnr import CARD as PSNR
from distilfuse.metrics.psnr import psnr
from distilfuse.metrics.qabf import CARD as QABF
from distilfuse.metrics.qabf import qabf
from distilfuse.metrics.scd import CARD as SCD
from distilfuse.metrics.scd import scd
from distilfuse.metrics.spatial_frequency import CARD as SF
from distilfuse.metrics.spatial_frequency import spatial_frequency
from distilfuse.metrics.ssim import CARD as SSIM
from distilfuse.metrics.ssim import ssim, ssim_each
from distilfuse.metrics.standard_deviation import CARD as SD
from distilfuse.metrics.standard_deviation import standard_deviation
from distilfuse.metrics.vif import CARD as VIF
from distilfuse.metrics.vif import vif, vif_each
from distilfuse.metrics.viff import CARD as VIFF
from distilfuse.metrics.viff import viff
from distilfuse.metrics.yang import CARD as QY
from distilfuse.metrics.yang import yang


@dataclass(frozen=True)
class Definition:
    """One way to compute a metric."""

    inputs: str
    """As on the card: ``fused``, ``each`` or ``both``."""
    compute: Callable[..., float]
    """From the planes that ``inputs`` names, with ``data_range`` and options by keyword."""
    compute_each: Callable[..., tuple[float, ...]] | None = None
    """For ``each``: several sources and the fused picture at once, where that is cheaper than one by one."""


_REGISTERED: tuple[tuple[Metric, Callable[..., float], Callable[..., tuple[float, ...]] | None], ...] = (
    (EN, entropy, None),
    (CE, cross_entropy, None),
    (MI, mutual_information, None),
    (NMI, normalised_mutual_information, None),
    (CARD_PIXEL, fmi_pixel, None),
    (CARD_GRADIENT, fmi_gradient, None),
    (CARD_DCT, fmi_dct, None),
    (CARD_WAVELET, fmi_wavelet, None),
    (SD, standard_deviation, None),
    (SF, spatial_frequency, None),
    (AG, average_gradient, None),
    (SSIM, ssim, ssim_each),
    (MS_SSIM, ms_ssim, None),
    (PSNR, psnr, None),
    (MSE, mse, None),
    (CC, correlation, None),
    (SCD, scd, None),
    (VIF, vif, vif_each),
    (VIFF, viff, None),
    (QABF, qabf, None),
    (CARD_LABF, labf, None),
    (CARD_NABF, nabf, None),
    (CARD_QW, qw, None),
    (CARD_QE, qe, None),
    (QY, yang, None),
    (QCB, chen_blum, None),
    (QCV, chen_varshney, None),
    (QNCIE, nonlinear_correlation, None),
    (CARD_NIQE, niqe, None),
    (CARD_BRISQUE, brisque, None),
)

METRICS: Mapping[str, Metric] = {card.name: card for card, *_ in _REGISTERED}
"""Name to card, in the order of tables."""

DEFINITIONS: Mapping[str, Definition] = {
    **{card.name: Definition(card.inputs, compute, each) for card, compute, each in _REGISTERED},
    "FMI_edge": Definition("both", fmi_edge),
    "MEF-SSIM": Definition("both", mef_ssim),
    "MEF-MS-SSIM": Definition("both", mef_ms_ssim),
}
"""Every metric's plain definition under its name, and others that a protocol puts under a metric's name."""


def find_metric(name: str) -> Metric:
    """The card of a metric.

    Args:
        name: as in tables; ``vif`` and ``QABF`` are understood too, where only one metric can be meant.

    Raises:
        ConfigError: there is none of that name; the message names the nearest.
    """
    if name in METRICS:
        return METRICS[name]
    alike = [card for card in METRICS.values() if card.name.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise ConfigError(f"There is no metric {name!r}: {nearest(name, METRICS)}")


def nearest(name: str, known: Mapping[str, object]) -> str:
    """How to go on after a name that is not known: the ones that look like it, or all."""
    lower = {candidate.lower(): candidate for candidate in known}
    close = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    return f"did you mean {' or '.join(close)}?" if close else f"choose from {', '.join(known)}."

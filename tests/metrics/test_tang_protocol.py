"""Protocol ``tang-matlab`` beside a plain implementation of its conventions, with MATLAB's arithmetic of bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from distilfuse.metrics import score
from distilfuse.metrics.feature_mutual_information import fmi_dct, fmi_edge, fmi_wavelet
from distilfuse.metrics.grey import matlab_grey
from distilfuse.metrics.mef_ssim import mef_ms_ssim, mef_ssim

Trio = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def greys(scene: Trio) -> tuple[np.ndarray, ...]:
    return tuple(matlab_grey(picture) for picture in scene)


def ask(scene: Trio, *metrics: str) -> dict[str, float]:
    return score(*scene, protocol="tang-matlab", metrics=metrics)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """What is left when MATLAB stores doubles as uint8: rounded, halves up, and cut to 0..255."""
    return np.clip(np.floor(values + 0.5), 0, 255)


def entropy(values: np.ndarray) -> float:
    share = np.unique(values, axis=0, return_counts=True)[1] / len(values)
    return float(-(share * np.log2(share)).sum())


def test_of_the_fused_picture(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    f = greys[2].astype(float)
    unit = f / 255
    down, across = np.gradient(f)
    height, width = f.shape
    deviations = as_bytes(f - f.mean())
    assert ask(scene, "EN", "SF", "SD", "AG") == pytest.approx(
        {
            "EN": entropy(f.reshape(-1, 1)),
            "SF": math.sqrt(np.mean(np.diff(unit, axis=0) ** 2) + np.mean(np.diff(unit, axis=1) ** 2)),
            "SD": math.sqrt(as_bytes(deviations**2).sum() / f.size),
            "AG": float(np.sqrt((across**2 + down**2) / 2).sum()) / ((height - 1) * (width - 1)),
        },
        rel=1e-9,
    )
    assert ask(scene, "SD")["SD"] < math.sqrt(255)


def test_pixel_differences(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    v, i, f = (picture / 255 for picture in greys)
    error = (np.mean((f - i) ** 2) + np.mean((f - v) ** 2)) / 2

    def correlation(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    assert ask(scene, "MSE", "PSNR", "CC", "SCD") == pytest.approx(
        {
            "MSE": float(error),
            "PSNR": 20 * math.log10(255 / math.sqrt(error)),
            "CC": (correlation(v, f) + correlation(i, f)) / 2,
            "SCD": correlation(f - v, i) + correlation(f - i, v),
        },
        rel=1e-9,
    )


def test_joint_histogram_of_bytes(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    f = greys[2].ravel().astype(int)
    expected = 0.0
    for source in (greys[0].ravel().astype(int), greys[1].ravel().astype(int)):
        # The code adds 1 to bytes before it counts pairs; 255 stays 255.
        pairs = np.stack([np.minimum(f + 1, 255), np.minimum(source + 1, 255)], axis=1)
        expected += entropy(source[:, None]) + entropy(f[:, None]) - entropy(pairs)
    assert (greys[0] >= 254).sum() > 50, "or the quirk would not act"
    assert ask(scene, "MI")["MI"] == pytest.approx(expected, rel=1e-9)


def test_information_fidelity_of_bytes(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    def fidelity(reference: np.ndarray, distorted: np.ndarray) -> float:
        ref, dist = reference.astype(float), distorted.astype(float)
        kept = present = 0.0
        for scale in range(1, 5):
            size = 2 ** (5 - scale) + 1
            y, x = np.mgrid[:size, :size] - size // 2
            window = np.exp(-(x**2 + y**2) / (2 * (size / 5) ** 2))
            window /= window.sum()
            if scale > 1:
                ref = signal.correlate2d(ref, window, mode="valid")[::2, ::2]
                dist = signal.correlate2d(dist, window, mode="valid")[::2, ::2]

            def mean(image: np.ndarray, window: np.ndarray = window) -> np.ndarray:
                return signal.correlate2d(image, window, mode="valid")

            products = [ref * ref, dist * dist, ref * dist]
            if scale == 1:  # still of type uint8
                products = [as_bytes(product) for product in products]
            var_r = np.maximum(mean(products[0]) - mean(ref) ** 2, 0)
            var_d = np.maximum(mean(products[1]) - mean(dist) ** 2, 0)
            cov = mean(products[2]) - mean(ref) * mean(dist)
            gain = cov / (var_r + 1e-10)
            rest = var_d - gain * cov
            gain[var_r < 1e-10] = 0
            rest[var_r < 1e-10] = var_d[var_r < 1e-10]
            var_r[var_r < 1e-10] = 0
            gain[var_d < 1e-10] = 0
            rest[var_d < 1e-10] = 0
            rest[gain < 0] = var_d[gain < 0]
            gain[gain < 0] = 0
            rest[rest <= 1e-10] = 1e-10
            kept += np.log10(1 + gain**2 * var_r / (rest + 2)).sum()
            present += np.log10(1 + var_r / 2).sum()
        return kept / present

    v, i, f = greys
    assert ask(scene, "VIF")["VIF"] == pytest.approx(fidelity(i, f) + fidelity(v, f), rel=1e-7)


def test_edge_preservation_of_unit_pictures(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = np.pad(image, 1)
        across = p[:-2, :-2] + 2 * p[1:-1, :-2] + p[2:, :-2] - p[:-2, 2:] - 2 * p[1:-1, 2:] - p[2:, 2:]
        down = p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:] - p[:-2, :-2] - 2 * p[:-2, 1:-1] - p[:-2, 2:]
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = np.where(across == 0, math.pi / 2, np.arctan(down / across))
        return np.sqrt(across**2 + down**2), angle

    v, i, f = (picture / 255 for picture in greys)
    gf, af = edges(f)
    kept = total = 0.0
    for source in (v, i):
        g, a = edges(source)
        ratio = np.where(g == gf, gf, np.minimum(g, gf) / np.maximum(np.maximum(g, gf), 1e-30))
        turned = 1 - np.abs(a - af) / (math.pi / 2)
        quality = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turned - 0.8)))
        kept += (quality * g).sum()
        total += g.sum()
    # Which gradients of 0..1 are exactly 0 or equal is a matter of rounding, and so of the order of the sums.
    found = ask(scene, "Qabf")["Qabf"]
    assert found == pytest.approx(kept / total, rel=2e-3)
    assert found < score(*scene, metrics=["Qabf"])["Qabf"] - 0.02, "edges kept exactly count as lost"


def test_artifacts_with_all_pixels_weighing_the_same(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    def artifacts(scale: float) -> float:
        def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            p = np.pad(image * scale, 1, mode="reflect")
            kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
            across = signal.correlate2d(p, kernel, mode="valid")
            down = signal.correlate2d(p, kernel.T, mode="valid")
            with np.errstate(divide="ignore", invalid="ignore"):
                angle = np.where((across == 0) & (down == 0), 0, np.arctan(across / down))
            return np.sqrt(across**2 + down**2), angle

        (gv, av), (gi, ai), (gf, af) = (edges(picture.astype(float)) for picture in greys)
        lost = 0.0
        for g, a in ((gv, av), (gi, ai)):
            ratio = np.where((g == 0) | (gf == 0), 0, np.minimum(g, gf) / np.maximum(np.maximum(g, gf), 1e-30))
            turned = np.abs(np.abs(a - af) - math.pi / 2) * 2 / math.pi
            quality = 0.9999 / (1 + np.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + np.exp(-22 * (turned - 0.5)))
            lost += ((1 - np.sqrt(quality)) * ((gf > gv) & (gf > gi))).sum()
        return float(lost / (2 * gf.size))

    found = ask(scene, "Nabf")["Nabf"]
    # Whole numbers are exact. On 0..1, as in that code, rounding makes equal gradients stronger or weaker.
    assert found == pytest.approx(artifacts(1), rel=1e-9)
    assert found == pytest.approx(artifacts(1 / 255), rel=0.05)


def test_what_goes_by_another_name(scene: Trio, greys: tuple[np.ndarray, ...]) -> None:
    found = ask(scene, "SSIM", "MS-SSIM", "FMI_pixel", "FMI_dct", "FMI_wavelet")
    assert found == pytest.approx(
        {
            "SSIM": mef_ssim(*greys),
            "MS-SSIM": mef_ms_ssim(*greys),
            "FMI_pixel": fmi_edge(*greys, published_code=True),
            "FMI_dct": fmi_dct(*greys, published_code=True),
            "FMI_wavelet": fmi_wavelet(*greys, published_code=True),
        },
        rel=1e-12,
    )

"""Protocol ``cddfuse`` beside a plain implementation of its conventions, in float32 where that code uses float32."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import signal
from skimage.metrics import structural_similarity

from distilfuse.metrics import score
from distilfuse.metrics.psnr import psnr

Trio = tuple[np.ndarray, np.ndarray, np.ndarray]


def read_grey(image: np.ndarray) -> np.ndarray:
    """OpenCV reads grey files as three equal channels, and converts float32 pictures in float32."""
    channels = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    red, green, blue = channels.astype(np.float32).transpose(2, 0, 1)
    return np.round(np.float32(0.114) * blue + np.float32(0.587) * green + np.float32(0.299) * red)


def information(picture: np.ndarray, source: np.ndarray) -> float:
    table, _, _ = np.histogram2d(picture.ravel(), source.ravel(), bins=256, range=[[-0.5, 255.5]] * 2)
    joint = table / table.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / independent[seen])).sum())


def fidelity(reference: np.ndarray, distorted: np.ndarray) -> float:
    ref, dist = reference.astype(float), distorted.astype(float)
    kept = present = 0.0
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        y, x = np.mgrid[:size, :size] - size // 2
        window = np.exp(-(x**2 + y**2) / (2 * (size / 5) ** 2))
        window /= window.sum()

        def mean(image: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return signal.convolve2d(image, window, mode="valid")

        if scale > 1:
            ref, dist = mean(ref)[::2, ::2], mean(dist)[::2, ::2]
        var_r = np.maximum(mean(ref * ref) - mean(ref) ** 2, 0)
        var_d = np.maximum(mean(dist * dist) - mean(dist) ** 2, 0)
        cov = mean(ref * dist) - mean(ref) * mean(dist)
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
    return kept / present if present > 0 else 1.0


def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across = signal.convolve2d(image, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32), mode="same")
    down = signal.convolve2d(image, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], np.float32), mode="same")
    angle = np.full(image.shape, math.pi / 2)
    slanted = across != 0
    angle[slanted] = np.arctan(down[slanted] / across[slanted])
    return np.sqrt(across**2 + down**2), angle


def preserved(source: np.ndarray, fused: np.ndarray) -> np.ndarray:
    (g, a), (gf, af) = edges(source), edges(fused)
    ratio = np.minimum(g, gf) / np.maximum(np.maximum(g, gf), 1e-30)
    ratio = np.where(g == gf, gf, ratio)
    turned = 1 - np.abs(a - af) / (math.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turned - 0.8)))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1])


def plain(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    v, i, f = (read_grey(picture) for picture in (visible, infrared, fused))
    share = np.unique(f, return_counts=True)[1] / f.size
    strength = [edges(source)[0] for source in (v, i)]
    return {
        "EN": float(-(share * np.log2(share)).sum()),
        "SD": float(np.std(f)),
        "SF": float(np.sqrt(np.mean((f[:, 1:] - f[:, :-1]) ** 2) + np.mean((f[1:] - f[:-1]) ** 2))),
        "MI": information(f, i) + information(f, v),
        "SCD": correlation(i, f - v) + correlation(v, f - i),
        "VIF": fidelity(i, f) + fidelity(v, f),
        "Qabf": float((preserved(v, f) * strength[0] + preserved(i, f) * strength[1]).sum() / sum(strength).sum()),
        "SSIM": float(structural_similarity(f, i, data_range=2) + structural_similarity(f, v, data_range=2)),
    }


def test_agrees_with_a_plain_implementation(scene: Trio) -> None:
    assert score(*scene, protocol="cddfuse") == pytest.approx(plain(*scene), rel=2e-5)


def test_its_psnr_takes_the_largest_value_for_the_peak(scene: Trio) -> None:
    visible, infrared, fused = scene
    v, i, f = (read_grey(picture).astype(float) for picture in (visible, infrared, fused // 2))
    error = (np.mean((v - f) ** 2) + np.mean((i - f) ** 2)) / 2
    found = score(visible, infrared, fused // 2, protocol="cddfuse", metrics=["PSNR"])["PSNR"]
    assert found == pytest.approx(10 * math.log10(f.max() ** 2 / error), rel=1e-9)
    assert psnr(v, i, np.zeros_like(f), peak="fused") == -math.inf


def test_agrees_on_a_real_pair(shared_data: Path) -> None:
    pair = [shared_data / "roadscene" / side / "FLIR_04722.jpg" for side in ("vi", "ir")]
    if not all(path.is_file() for path in pair):
        pytest.skip("the pair roadscene/FLIR_04722 is not on this machine")
    visible, infrared = (np.asarray(Image.open(path)) for path in pair)
    if infrared.ndim == 3:
        infrared = infrared[..., 0]
    fused = np.maximum(visible, infrared[..., None])
    assert score(visible, infrared, fused, protocol="cddfuse") == pytest.approx(
        plain(visible, infrared, fused), rel=2e-5
    )

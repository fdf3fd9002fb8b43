"""The sizes of differences between conventions that the cards state, on max() of ten RoadScene pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.metrics import (
    METRICS,
    average_gradient,
    entropy,
    mutual_information,
    paper_grey,
    qabf,
    spatial_frequency,
    ssim,
    standard_deviation,
    vif,
)
from distilfuse.metrics.mef_ssim import mef_ssim


@pytest.fixture(scope="module")
def means(shared_data: Path) -> dict[str, dict[str, float]]:
    """Metric to variant to mean over the pairs; a variant by its text on the card."""
    test = json.loads((shared_data / "splits.json").read_text(encoding="utf-8"))["roadscene"]["test"]
    values: dict[str, dict[str, list[float]]] = {}
    for stem in sorted(Path(name).stem for name in test)[::5]:
        visible, infrared = (
            np.asarray(Image.open(shared_data / "roadscene" / s / f"{stem}.jpg")) for s in ("vi", "ir")
        )
        channels = np.array(Image.fromarray(visible).convert("YCbCr"))
        channels[..., 0] = np.maximum(channels[..., 0], infrared)
        fused = np.asarray(Image.frombytes("YCbCr", channels.shape[1::-1], channels.tobytes()).convert("RGB"))
        v, i, f = paper_grey(visible), infrared, paper_grey(fused)
        floats = fused.astype(float)
        x = f.astype(float)
        units = [picture / 255 for picture in (v, i, f)]

        def both(metric, v=v, i=i, f=f, **options) -> float:
            return metric(v, f, **options) + metric(i, f, **options)

        forward = np.sqrt((np.diff(x, axis=1)[:-1] ** 2 + np.diff(x, axis=0)[:, :-1] ** 2) / 2).mean()
        across_channels = np.sqrt(np.mean(np.diff(floats, axis=0) ** 2) + np.mean(np.diff(floats, axis=2) ** 2))
        for metric, variants in {
            "EN": {"6.99": entropy(f), "7.10": entropy(fused.reshape(len(fused), -1))},
            "SD": {"41.1": standard_deviation(f), "9.9": standard_deviation(f, byte_arithmetic=True)},
            "SF": {"11.2": spatial_frequency(f), "0.044": spatial_frequency(f) / 255, "12.9": across_channels},
            "AG": {"4.04": average_gradient(f), "4.06": average_gradient(f, fewer_pixels=True), "4.89": forward},
            "MI": {"7.25": both(mutual_information), "5.02": both(mutual_information, base=np.e)},
            "VIF": {
                "0.84": both(vif),
                "1.13": both(vif, noise_variance=2 * 255**2),
                "0.93": both(vif, byte_products=True),
            },
            "Qabf": {"0.582": qabf(v, i, f), "0.432": qabf(*units, data_range=1)},
            "SSIM": {
                "1.39": both(ssim),
                "1.34": both(ssim, window="uniform"),
                "0.96": both(ssim, window="uniform", dynamic_range=2),
                "1.98": both(ssim, dynamic_range=255**2),
                "0.80": mef_ssim(v, i, f),
            },
        }.items():
            for text, value in variants.items():
                values.setdefault(metric, {}).setdefault(text, []).append(float(value))
    return {metric: {text: float(np.mean(v)) for text, v in variants.items()} for metric, variants in values.items()}


@pytest.mark.parametrize("metric", ["EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SSIM"])
def test_the_card_states_what_is_measured(metric: str, means: dict[str, dict[str, float]]) -> None:
    for text, value in means[metric].items():
        assert f"{value:.{len(text.partition('.')[2])}f}" == text
        assert text in METRICS[metric].in_the_wild

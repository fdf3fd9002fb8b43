"""Scores on the validation part of the training data, clean and degraded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distilfuse.datasets.pairs import Pair
from distilfuse.evaluation.degradations import TABLE_KINDS, degrade, generator
from distilfuse.evaluation.degradations.catalogue import DEFAULT_SEVERITY
from distilfuse.metrics import score
from distilfuse.training.augmentation import Applied, AugmentationConfig, vary

Words = Callable[[str, Applied], NDArray[np.float32]]

_METRICS = ("EN", "VIF", "Qabf")
# Fixed, so that runs with other recipes can be compared.
_VARIED = AugmentationConfig(dark=0.7, dim_infrared=0.7, faint_noise=0.5, grey=0.3)


def _bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.round(image * 255).astype(np.uint8))


@torch.no_grad()
def fuse_arrays(
    network: nn.Module,
    visible: NDArray[np.float32],
    infrared: NDArray[np.float32],
    text: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """Fuse ``H x W x 3`` and ``H x W`` pictures in 0..1, perhaps told (an embedding); ``H x W x 3`` uint8 out."""
    device = next(network.parameters()).device
    a = torch.from_numpy(visible).permute(2, 0, 1)[None].to(device)
    b = torch.from_numpy(infrared)[None, None].to(device)
    told = () if text is None else (torch.from_numpy(text)[None].to(device),)
    fused = network(a, b, *told).clamp(0, 1).mul(255).round()[0].permute(1, 2, 0)
    return np.asarray(fused.cpu().numpy().astype(np.uint8))


def validate(
    network: nn.Module, pairs: Sequence[Pair], *, words: Words | None = None, degraded_pairs: int = 4
) -> dict[str, float]:
    """Mean scores a set (``SET/METRIC``), of varied clean pairs (``varied/METRIC``) and of degraded ones.

    The varied pairs stand in for cameras that the training data lack (night, weak thermal contrast, grain);
    degraded ones (``KIND@3/Qabf``) are scored against the clean sources.

    Args:
        network: maps RGB and infrared batches to fused RGB.
        pairs: validation pairs.
        words: what a network that reads text is told, from the pair's name and the degradations applied.
        degraded_pairs: how many of each set are also scored degraded.
    """
    values: dict[str, list[float]] = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    for pair in pairs:
        dataset = pair.name.split("/")[0]
        visible, infrared = pair.visible / np.float32(255), pair.infrared / np.float32(255)
        told = words(pair.name, ()) if words else None
        fused = fuse_arrays(network, visible, infrared, told)
        for metric, value in score(pair.visible, pair.infrared, fused, metrics=_METRICS).items():
            values[f"{dataset}/{metric}"].append(value)
        variant = vary(visible, infrared, _VARIED, generator(0, pair.name, "varied"))
        fused = fuse_arrays(network, *variant, told)
        for metric, value in score(_bytes(variant[0]), _bytes(variant[1]), fused, metrics=_METRICS).items():
            values[f"varied/{metric}"].append(value)
        count[dataset] += 1
        if count[dataset] > degraded_pairs:
            continue
        for kind in TABLE_KINDS:
            inputs = degrade(visible, infrared, kind=kind, rng=generator(0, pair.name, kind))
            told = words(pair.name, ((kind, DEFAULT_SEVERITY),)) if words else None
            fused = fuse_arrays(network, *inputs, told)
            value = score(pair.visible, pair.infrared, fused, metrics=("Qabf",))["Qabf"]
            values[f"{kind}@3/Qabf"].append(value)
            values["degraded/Qabf"].append(value)
    return {name: float(np.mean(series)) for name, series in sorted(values.items())}

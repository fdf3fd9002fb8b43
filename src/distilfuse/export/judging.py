"""What a model loses when it is computed with fewer bits: scores on validation pairs, clean and degraded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distilfuse.datasets.pairs import load_pairs
from distilfuse.errors import ModelError
from distilfuse.evaluation.degradations import TABLE_KINDS, degrade, generator
from distilfuse.export.calibration import Feed
from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.imaging.geometry import crop, pad_to_multiple
from distilfuse.imaging.scaling import from_unit
from distilfuse.metrics import score
from distilfuse.runtime import Backend
from distilfuse.zoo import ModelRecord

METRICS = ("Qabf", "VIF", "SSIM")
BUDGET = 0.5
"""Percent of its value that no metric may lose."""

Quality = Mapping[tuple[str, str], float]
"""``clean`` or ``degraded``, and the metric, to the mean over all pairs."""


@dataclass(frozen=True)
class Scene:
    """One pair as the network sees it, and as it is scored."""

    condition: str
    """``clean`` or ``degraded``."""
    visible: NDArray[np.uint8]
    """``H x W x 3``; the clean one, as ``infrared``."""
    infrared: NDArray[np.uint8]
    """``H x W``."""
    inputs: tuple[NDArray[np.float32], NDArray[np.float32]]
    """What is fused, in 0..1: the same, or made worse."""

    def middle(self, side: int) -> Scene:
        """A square of it."""
        corner = [max(0, (size - side) // 2) for size in self.infrared.shape]
        part = tuple(slice(start, start + side) for start in corner)
        first, second = self.inputs
        return replace(
            self, visible=self.visible[part], infrared=self.infrared[part], inputs=(first[part], second[part])
        )


def load_scenes(record: ModelRecord, root: Path, split: str, *, pairs: int) -> list[Scene]:
    """Pairs of the sets that a model was trained on, each clean and in one of the table's degradations, in turn.

    Args:
        record: says which sets; their parts are chosen by ``split``.
        root: folder that holds the data sets.
        split: ``train`` or ``validation``.
        pairs: at most so many of each set, spread over its list.

    Raises:
        InputError, ConfigError: see :func:`distilfuse.datasets.pairs.load_pairs`.
    """
    scenes = []
    for name in dict.fromkeys(entry.partition("/")[0] for entry in record.training_data):
        found = load_pairs(root, name, split)
        places = np.linspace(0, len(found) - 1, min(pairs, len(found))).round().astype(int)
        for k, place in enumerate(places):
            pair, kind = found[place], TABLE_KINDS[k % len(TABLE_KINDS)]
            clean = pair.visible / np.float32(255), pair.infrared / np.float32(255)
            worse = degrade(*clean, kind=kind, rng=generator(0, pair.name, kind))
            scenes.append(Scene("clean", pair.visible, pair.infrared, clean))
            scenes.append(Scene("degraded", pair.visible, pair.infrared, worse))
    return scenes


def feed(record: ModelRecord, scene: Scene) -> Feed:
    """What goes into the network; the gauge of a nano network reads the picture itself."""
    visible, infrared = scene.inputs
    planes = luminance(visible)[None] if record.visible_input == "luminance" else visible.transpose(2, 0, 1)
    inputs = {
        "visible": pad_to_multiple(planes[None], record.multiple),
        "infrared": pad_to_multiple(infrared[None, None], record.multiple),
    }
    if record.gauge:
        inputs["reading"] = np.zeros((1, record.gauge["channels"]), np.float32)
    return inputs


def judge(record: ModelRecord, backend: Backend, scenes: Sequence[Scene]) -> Quality:
    """Mean scores in the protocol ``paper``, against the clean pictures."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for scene in scenes:
        inputs = feed(record, scene)
        height, width = scene.infrared.shape
        fused = np.clip(crop(backend.run(inputs["visible"], inputs["infrared"]), height, width), 0, 1)[0]
        if record.visible_input == "luminance":
            picture = from_unit(scene.inputs[0], np.dtype(np.uint8))
            coloured = with_luminance(picture, luminance(scene.inputs[0]), fused[0])
        else:
            coloured = from_unit(fused.transpose(1, 2, 0), np.dtype(np.uint8))
        for metric, value in score(scene.visible, scene.infrared, coloured, metrics=METRICS).items():
            values[scene.condition, metric].append(value)
    return {key: float(np.mean(series)) for key, series in values.items()}


def losses(before: Quality, after: Quality) -> dict[tuple[str, str], float]:
    """Percent that each score lost; negative where it gained."""
    return {key: 100 * (1 - after[key] / before[key]) for key in before}


def worst(before: Quality, after: Quality) -> float:
    """The largest of them: what is held against the budget. Scores that are not defined lose everything."""
    found = losses(before, after).values()
    return max(loss if np.isfinite(loss) else 100.0 for loss in found)


def refuse_beyond(budget: float, name: str, before: Quality, after: Quality) -> None:
    """Hold a result against a budget, in percent.

    Raises:
        ModelError: a score lost more; the message has all figures.
    """
    if worst(before, after) <= budget:
        return
    lost = losses(before, after)
    figures = ", ".join(f"{metric} {condition} {-lost[condition, metric]:+.2f} %" for condition, metric in before)
    raise ModelError(
        f"{name} changes the scores on validation pairs by {figures}, and none may lose more than {budget} %: "
        "nothing was written; keep more convolutions in float32."
    )

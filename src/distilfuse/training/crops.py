"""Training batches: a pure function of (seed, step, rank), which is what makes resuming exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from distilfuse.datasets.pairs import Pair
from distilfuse.errors import InputError
from distilfuse.evaluation.degradations import Image
from distilfuse.evaluation.degradations import Pair as Images
from distilfuse.training.augmentation import AugmentationConfig, damage, two_takes, vary
from distilfuse.training.words import PairWords


class Batch(TypedDict, total=False):
    """Inputs and clean targets, float32 in 0..1, and what is said of them where there is text."""

    visible: Tensor
    """``B x 3 x S x S``, perhaps degraded."""
    infrared: Tensor
    """``B x 1 x S x S``, perhaps degraded."""
    clean_visible: Tensor
    clean_infrared: Tensor
    text: Tensor
    """``B x C`` embeddings; zeros for pairs of which nothing is said."""
    factors: Tensor
    """``B x T``, by which the weight of every loss term is multiplied."""
    visible_takes: Tensor
    """``2K x 3 x S x S``, two takes of the inputs of the first K = B / 2 crops: all first ones, all second ones."""
    infrared_takes: Tensor
    """``2K x 1 x S x S``."""


class CropBatches(Dataset[Batch]):
    """Batch ``k`` of square crops, made from scratch for every ``k``.

    Workers, their number and an interruption change nothing: batch ``k`` depends on the seed and ``k`` only.

    Args:
        pairs: clean pairs; a pair is drawn with probability proportional to its weight.
        weights: relative frequency of each pair.
        size: side of the crops; smaller pictures are mirrored outwards first.
        batch: crops a batch.
        batches: length of the data set.
        augmentation: see there.
        seed: of the whole run.
        words: says what is wrong with each crop, or None for batches without text.
        grain: of which the takes in a batch differ, see :func:`two_takes`; None for batches without takes.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        weights: Sequence[float],
        size: int,
        batch: int,
        batches: int,
        augmentation: AugmentationConfig,
        seed: int,
        words: PairWords | None = None,
        grain: float | None = None,
    ) -> None:
        if not pairs:
            raise InputError("There are no training pairs: name at least one data set with a train split.")
        self._pairs = pairs
        self._shares = np.asarray(weights, float) / np.sum(weights)
        self._size, self._batch, self._batches = size, batch, batches
        self._augmentation, self._seed, self._words = augmentation, seed, words
        self._grain = grain

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self._batches:
            raise IndexError(f"Batch {index} of {self._batches}")
        rng = np.random.default_rng([self._seed, index])
        # Words have a generator of their own: the pictures of a run are the same with and without text.
        speech = np.random.default_rng([self._seed, index, 1])
        clean, inputs, said = [], [], []
        for number in rng.choice(len(self._pairs), size=self._batch, p=self._shares):
            pair = self._pairs[number]
            target = vary(*self._crop(pair, rng), self._augmentation, rng)
            images, applied = damage(*target, self._augmentation, rng)
            clean.append(target)
            inputs.append(images)
            if self._words:
                said.append(self._words(pair.name, applied, speech))
        visible, infrared = _stack(inputs)
        clean_visible, clean_infrared = _stack(clean)
        batch = Batch(visible=visible, infrared=infrared, clean_visible=clean_visible, clean_infrared=clean_infrared)
        if said:
            batch["text"] = torch.from_numpy(np.stack([text for text, _ in said]))
            batch["factors"] = torch.from_numpy(np.stack([factors for _, factors in said]))
        if self._grain:
            grain = np.random.default_rng([self._seed, index, 2])
            pairs = [two_takes(*images, self._grain, grain) for images in inputs[: max(1, self._batch // 2)]]
            batch["visible_takes"], batch["infrared_takes"] = _stack([pair[k] for k in (0, 1) for pair in pairs])
        return batch

    def _crop(self, pair: Pair, rng: np.random.Generator) -> Images:
        size = self._size
        visible, infrared = _at_least(pair.visible, size), _at_least(pair.infrared, size)
        top = rng.integers(0, infrared.shape[0] - size + 1)
        left = rng.integers(0, infrared.shape[1] - size + 1)
        turns, mirror = int(rng.integers(0, 4)), rng.random() < 0.5
        window = (slice(top, top + size), slice(left, left + size))
        return _turn(visible[window], turns, mirror), _turn(infrared[window], turns, mirror)


def _at_least(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    missing = [max(0, size - side) for side in image.shape[:2]]
    if not any(missing):
        return image
    return np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)][: image.ndim], mode="symmetric")


def _turn(image: NDArray[np.uint8], turns: int, mirror: bool) -> Image:
    turned = np.rot90(image, turns)
    return np.asarray((turned[:, ::-1] if mirror else turned) / np.float32(255))


def _stack(images: Sequence[Images]) -> tuple[Tensor, Tensor]:
    visible = torch.from_numpy(np.stack([pair[0] for pair in images])).permute(0, 3, 1, 2).contiguous()
    infrared = torch.from_numpy(np.stack([pair[1] for pair in images]))[:, None]
    return visible, infrared

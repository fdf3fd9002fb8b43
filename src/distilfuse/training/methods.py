"""Networks straight from their training as methods to be scored, told of each pair or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from distilfuse.errors import ConfigError
from distilfuse.evaluation.methods import OnTheFly, Told
from distilfuse.training.augmentation import Applied
from distilfuse.training.trained import Trained
from distilfuse.training.validation import fuse_arrays
from distilfuse.training.words import PairWords

Bytes = NDArray[np.uint8]


def untold(trained: Trained, *, name: str | None = None) -> OnTheFly:
    """The network by the pictures alone.

    Args:
        trained: is moved to a GPU if there is one, and runs in mixed bfloat16 there.
        name: of the method; that of the recipe if None.
    """
    device = _place(trained)

    def fuse(visible: Bytes, infrared: Bytes) -> Bytes:
        return _fuse(trained, device, visible, infrared, None)

    return OnTheFly(name or trained.name, fuse)


def told(trained: Trained, *, pairs: Sequence[str], cache: Path, name: str | None = None) -> Told:
    """The network that reads captions as in its training, and is told in words which degradation was applied.

    Args:
        trained: see :func:`untold`.
        pairs: ``SET/STEM`` of every pair that will be fused.
        cache: folder of the cache of text embeddings.
        name: of the method; that of the recipe if None.

    Raises:
        ConfigError: the network was trained without text, or none of the pairs has a caption.
        MissingDependencyError, ModelError: the text encoder cannot be loaded and the cache does not hold all sentences.
    """
    if trained.text is None:
        raise ConfigError(f"{trained.name} was trained without text and cannot be told anything.")
    device = _place(trained)
    words = PairWords(trained.text, task=trained.task, terms=(), names=pairs, cache=cache)

    def fuse(visible: Bytes, infrared: Bytes, pair: str, applied: Applied) -> Bytes:
        return _fuse(trained, device, visible, infrared, words.plainly(pair, applied))

    return Told(name or trained.name, fuse)


def _place(trained: Trained) -> torch.device:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained.network.to(device)
    return device


def _fuse(
    trained: Trained, device: torch.device, visible: Bytes, infrared: Bytes, text: NDArray[np.float32] | None
) -> Bytes:
    colour = visible if visible.ndim == 3 else np.repeat(visible[..., None], 3, axis=2)
    scale = np.float32(255)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        fused = fuse_arrays(trained.network, colour / scale, infrared / scale, text)
    return fused

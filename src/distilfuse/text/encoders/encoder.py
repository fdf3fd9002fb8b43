"""What a text encoder is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError


class TextEncoder(Protocol):
    """Sentences in, numbers out; frozen."""

    name: str
    """Encoder and weights, ``minilm:all-MiniLM-L6-v2``: embeddings of two names are never mixed."""
    channels: int
    """Length of an embedding."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """``N x channels``, each row of length 1."""


def _clip(weights: str | None) -> TextEncoder:
    from distilfuse.text.encoders.clip import ClipEncoder

    return ClipEncoder(weights)


def _minilm(weights: str | None) -> TextEncoder:
    from distilfuse.text.encoders.minilm import MiniLMEncoder

    return MiniLMEncoder(weights)


def _events(weights: str | None) -> TextEncoder:
    from distilfuse.text.encoders.events import EventEncoder

    return EventEncoder()


ENCODERS: Mapping[str, Callable[[str | None], TextEncoder]] = {"clip": _clip, "minilm": _minilm, "events": _events}
"""``clip`` (the paper's, 512 numbers), ``minilm`` (384, packaged for machines without a network) and ``events`` (which
kind of event and nothing else: what descriptions are compared with)."""

CHANNELS: Mapping[str, int] = {"clip": 512, "minilm": 384, "events": 32}
"""Length of each encoder's embeddings, known without loading it."""


def open_encoder(name: str, weights: str | None = None) -> TextEncoder:
    """Load an encoder.

    Args:
        name: a key of :data:`ENCODERS`.
        weights: folder or name on the model hub instead of the usual weights.

    Raises:
        ConfigError: an unknown name.
        MissingDependencyError: its library is not installed.
        ModelError: its weights cannot be loaded.
    """
    if name not in ENCODERS:
        raise ConfigError(f"There is no text encoder {name!r}: choose from {', '.join(ENCODERS)}.")
    return ENCODERS[name](weights)

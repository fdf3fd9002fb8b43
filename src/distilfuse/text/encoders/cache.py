"""Embeddings on disk by the hash of their text, so that no run needs an encoder for what another has embedded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.imaging.writing import write_bytes
from distilfuse.text.encoders.encoder import CHANNELS, open_encoder


class EmbeddingCache:
    """One ``.npz`` file an encoder: hashes of sentences, and their embeddings in float16.

    Args:
        folder: where the files are; made when something is written.
        encoder: a key of :data:`distilfuse.text.encoders.ENCODERS`.

    Raises:
        InputError: the file is damaged.
    """

    def __init__(self, folder: Path, encoder: str) -> None:
        self.path = folder / f"{encoder}.npz"
        self._rows: dict[str, NDArray[np.float16]] = {}
        if self.path.is_file():
            try:
                with np.load(self.path, allow_pickle=False) as stored:
                    self._rows = dict(zip(stored["hashes"].tolist(), stored["embeddings"], strict=True))
            except (OSError, ValueError, KeyError, EOFError) as error:
                raise InputError(f"The cache of embeddings {self.path} is damaged ({error}): remove it.") from error
            except Exception as error:  # zipfile's own
                raise InputError(f"The cache of embeddings {self.path} is no archive ({error}): remove it.") from error

    def missing(self, sentences: Iterable[str]) -> list[str]:
        """Those without an embedding, each once."""
        return [sentence for sentence in dict.fromkeys(sentences) if text_hash(sentence) not in self._rows]

    def get(self, sentence: str) -> NDArray[np.float32]:
        """The embedding of a sentence that is not missing."""
        return self._rows[text_hash(sentence)].astype(np.float32)

    def add(self, sentences: Iterable[str], rows: NDArray[np.float32]) -> None:
        """Take embeddings in and write the file, whole or not at all."""
        import io

        self._rows |= {text_hash(s): row for s, row in zip(sentences, rows.astype(np.float16), strict=True)}
        buffer = io.BytesIO()
        np.savez(buffer, hashes=np.array(list(self._rows)), embeddings=np.stack(list(self._rows.values())))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self.path, buffer.getvalue())


def text_hash(sentence: str) -> str:
    """First 32 hexadecimal digits of the SHA-256 of a sentence."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:32]


def embed(
    sentences: Iterable[str], *, encoder: str, cache: Path, weights: str | None = None
) -> dict[str, NDArray[np.float32]]:
    """Embeddings of sentences, from the cache where they are there; the encoder is loaded only if one is missing.

    Args:
        sentences: any number, repetitions allowed.
        encoder: a key of :data:`distilfuse.text.encoders.ENCODERS`.
        cache: folder of the cache.
        weights: see :func:`distilfuse.text.encoders.open_encoder`.

    Returns:
        Sentence to a vector of ``CHANNELS[encoder]`` numbers.
    """
    wanted = list(dict.fromkeys(sentences))
    store = EmbeddingCache(cache, encoder)
    if missing := store.missing(wanted):
        rows = open_encoder(encoder, weights).encode(missing)
        if rows.shape[1] != CHANNELS[encoder]:
            raise InputError(
                f"The weights give embeddings of {rows.shape[1]} numbers, the encoder {encoder} {CHANNELS[encoder]}: "
                "take weights of the usual size."
            )
        store.add(missing, rows)
    return {sentence: store.get(sentence) for sentence in wanted}

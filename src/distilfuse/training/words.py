"""What the teacher is told of a crop: the pair's own caption, and the degradation applied, in varied wording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError
from distilfuse.evaluation.degradations import DEGRADATIONS
from distilfuse.losses.weights import event_factor
from distilfuse.text.annotations import packaged_captions
from distilfuse.text.encoders import embed
from distilfuse.text.encoders.encoder import CHANNELS
from distilfuse.text.events import PairCaption
from distilfuse.text.store import read_captions
from distilfuse.text.wording import (
    all_degradation_sentences,
    caption_sentences,
    drop_words,
    pair_embedding,
    say_degradation,
)
from distilfuse.training.augmentation import Applied
from distilfuse.training.settings import TextConfig

Said = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Embedding of a crop, and the factor of each loss term."""


class PairWords:
    """Embeddings and loss factors of crops, by the name of the pair and what was done to it.

    All sentences that a run can meet, word dropout included, are embedded when this is made: see
    :mod:`distilfuse.text.wording`.

    Args:
        config: of the recipe; a pair without caption is told of applied degradations only.
        task: ``ivif`` or ``medical``.
        terms: loss terms, in the order of the objective.
        names: pairs that will be asked for.
        cache: folder of the cache of embeddings.

    Raises:
        ConfigError: none of the pairs has a caption.
        MissingDependencyError, ModelError: the text encoder cannot be loaded and the cache does not hold all sentences.
    """

    def __init__(
        self,
        config: TextConfig,
        *,
        task: str,
        terms: Sequence[str],
        names: Sequence[str],
        cache: Path,
    ) -> None:
        captions: Mapping[str, PairCaption] = {}
        if config.captions == "packaged":
            captions = packaged_captions(task)
        elif config.captions != "none":
            captions = read_captions(Path(config.captions))
        if config.captions != "none" and not any(name in captions for name in names):
            raise ConfigError(
                f"No caption names a pair of this run (such as {names[0]}): annotate the pairs, or set "
                "text.captions to none."
            )
        self._config, self._task, self._terms = config, task, tuple(terms)
        self.channels = CHANNELS[config.encoder]
        self._captions = {name: captions[name] for name in names if name in captions}
        self._sentences = {name: caption_sentences(caption, config.style) for name, caption in self._captions.items()}
        plain = [s for sentences in self._sentences.values() for s in sentences]
        plain += all_degradation_sentences(task)
        self._variants: dict[str, tuple[str, ...]] = {}
        for sentence in dict.fromkeys(plain):
            # A generator a sentence: what is dropped does not depend on the other sentences of the run.
            rng = np.random.default_rng(list(sentence.encode()))
            dropped = [drop_words(sentence, config.word_dropout, rng) for _ in range(config.variants - 1)]
            self._variants[sentence] = (sentence, *dropped)
        everything = [variant for variants in self._variants.values() for variant in variants]
        self._embeddings = embed(everything, encoder=config.encoder, cache=cache)

    def __call__(self, name: str, applied: Applied, rng: np.random.Generator) -> Said:
        """What is said of a crop in training: in a random wording, without some words, or (caption dropout) nothing.

        Returns:
            The embedding (zeros where nothing is said) and the factors, which are 1 then.
        """
        if rng.random() < self._config.caption_dropout:
            return np.zeros(self.channels, np.float32), np.ones(len(self._terms), np.float32)
        sentences = list(self._sentences.get(name, ()))
        for kind, severity in applied:
            sentences += say_degradation(kind, severity, self._task, rng)
        chosen = [self._variants[s][rng.integers(self._config.variants)] for s in sentences]
        return pair_embedding(chosen, self._embeddings, self.channels), self._factors(name, applied)

    def plainly(self, name: str, applied: Applied = ()) -> NDArray[np.float32]:
        """The embedding of a whole picture in one fixed wording, nothing dropped."""
        sentences = list(self._sentences.get(name, ()))
        for kind, severity in applied:
            sentences += say_degradation(kind, severity, self._task, np.random.default_rng(0))
        return pair_embedding(sentences, self._embeddings, self.channels)

    def _factors(self, name: str, applied: Applied) -> NDArray[np.float32]:
        if self._config.weights == "none":
            return np.ones(len(self._terms), np.float32)
        events = [(event.type, event.severity) for event in getattr(self._captions.get(name), "events", ())]
        events += [(event, severity / 5) for kind, severity in applied for event, _ in DEGRADATIONS[kind].events]
        return np.array([event_factor(self._config.weights, events, term) for term in self._terms], np.float32)

"""From events and degradations to sentences, and from sentences to one embedding."""

from __future__ import annotations

import numpy as np
import pytest

from distilfuse.evaluation.degradations import TABLE_KINDS
from distilfuse.text.events import Event, PairCaption
from distilfuse.text.wording import (
    all_degradation_sentences,
    caption_sentences,
    degradation_sentences,
    drop_words,
    pair_embedding,
    say_degradation,
)

CAPTION = PairCaption(
    pair="a/1",
    events=(
        Event(type="ir_noise", modality="B", severity=0.2, description="Grain on the sky."),
        Event(type="low_light", modality="A", severity=0.9, description="Walkers vanish."),
    ),
)


@pytest.mark.parametrize("kind", TABLE_KINDS)
def test_every_kind_that_training_draws_can_be_said_in_several_ways(kind: str) -> None:
    rng = np.random.default_rng(0)
    said = {say_degradation(kind, 3.0, "ivif", rng) for _ in range(40)}
    assert len(said) >= 3
    assert all(len(sentences) == len(kind.split("+")) for sentences in said)
    assert {s for sentences in said for s in sentences} <= set(all_degradation_sentences("ivif"))


def test_worse_is_said_to_be_worse() -> None:
    words = ("barely visible", "slight", "clear", "severe", "extreme")
    for severity, degree in enumerate(words, start=1):
        for sentence in degradation_sentences("ir_noise", severity, "ivif"):
            assert [word for word in words if word in sentence] == [degree]
    assert degradation_sentences("snow", 3, "ivif") == ()


def test_medical_pairs_are_told_of_their_own_pictures() -> None:
    for sentence in all_degradation_sentences("medical"):
        assert not any(
            word in sentence for word in ("visible picture", "visible image", "infrared", "thermal", "camera")
        )
    assert any("MRI" in sentence for sentence in degradation_sentences("ir_noise", 3, "medical"))


def test_captions_in_their_own_words_or_by_template_most_severe_first() -> None:
    assert caption_sentences(CAPTION, "description") == (
        "Low light in the first picture, extreme. Walkers vanish.",
        "Ir noise in the second picture, slight. Grain on the sky.",
    )
    assert caption_sentences(CAPTION, "template") == (
        "Low light in the first picture, extreme.",
        "Ir noise in the second picture, slight.",
    )


def test_words_are_dropped_at_their_share_and_one_is_kept() -> None:
    rng = np.random.default_rng(0)
    sentence = " ".join(f"w{k}" for k in range(400))
    assert 40 < 400 - len(drop_words(sentence, 0.15, rng).split()) < 80
    assert drop_words(sentence, 0.0, rng) == sentence
    assert drop_words("only", 1.0, rng) == "only"


def test_a_pair_is_the_mean_of_its_sentences_and_silence_is_zero() -> None:
    embeddings = {"a": np.float32([1, 0]), "b": np.float32([0, 1])}
    np.testing.assert_array_equal(pair_embedding(["a", "b"], embeddings, 2), np.float32([0.5, 0.5]))
    np.testing.assert_array_equal(pair_embedding([], embeddings, 2), np.zeros(2, np.float32))

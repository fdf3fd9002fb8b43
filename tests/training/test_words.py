"""What a teacher is told: embeddings and loss factors of a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import ConfigError
from distilfuse.losses.weights import event_factor
from distilfuse.text.encoders import embed
from distilfuse.text.events import Event, PairCaption
from distilfuse.text.store import to_line
from distilfuse.text.wording import caption_sentences
from distilfuse.training.settings import TextConfig
from distilfuse.training.words import PairWords

DARK = Event(type="low_light", modality="A", severity=0.5, description="It is dark.")
CAPTIONS = {"toy/1": PairCaption(pair="toy/1", events=(DARK,))}
TERMS = ("intensity", "signed_gradient")


def words(tmp_path: Path, **changes: object) -> PairWords:
    path = tmp_path / "captions.jsonl"
    path.write_text("".join(f"{to_line(caption)}\n" for caption in CAPTIONS.values()), "utf-8")
    config = TextConfig(encoder="events", captions=str(path), **changes)  # type: ignore[arg-type]
    return PairWords(config, task="ivif", terms=TERMS, names=["toy/1", "toy/2"], cache=tmp_path)


def test_a_pair_is_told_its_caption_and_what_was_done_to_it(tmp_path: Path) -> None:
    said = words(tmp_path, caption_dropout=0.0, word_dropout=0.0)
    rng = np.random.default_rng(0)
    text, factors = said("toy/1", (("ir_noise", 5.0),), rng)
    (caption,) = embed(caption_sentences(CAPTIONS["toy/1"], "description"), encoder="events", cache=tmp_path).values()
    (noise,) = embed(
        ["There is extreme sensor noise in the infrared picture."], encoder="events", cache=tmp_path
    ).values()
    np.testing.assert_allclose(text, (caption + noise) / 2)
    # low_light 48/24 at 0.5 and ir_noise 32/24 at 1.0 for intensity; neither row changes the gradient's 48.
    np.testing.assert_allclose(factors, [1 + (0.5 * 1 + 1.0 * (1 / 3)) / 2, 1.0], rtol=1e-6)
    text, factors = said("toy/2", (), rng)
    assert not text.any()
    assert (factors == 1).all()


def test_captions_are_dropped_at_their_share_and_then_weights_are_the_usual_ones(tmp_path: Path) -> None:
    said = words(tmp_path, caption_dropout=0.5)
    rng = np.random.default_rng(0)
    drawn = [said("toy/1", (), rng) for _ in range(400)]
    silent = [not text.any() for text, _ in drawn]
    assert 160 < sum(silent) < 240
    assert all((factors[0] == 1) == quiet for (_, factors), quiet in zip(drawn, silent, strict=True))


def test_words_are_dropped_in_training_and_not_in_judging(tmp_path: Path) -> None:
    said = words(tmp_path, word_dropout=0.6, caption_dropout=0.0, variants=6)
    rng = np.random.default_rng(0)
    drawn = {said("toy/1", (), rng)[0].tobytes() for _ in range(60)}
    assert len(drawn) > 1
    assert said.plainly("toy/1").tobytes() == said.plainly("toy/1").tobytes()
    (whole,) = embed(caption_sentences(CAPTIONS["toy/1"], "description"), encoder="events", cache=tmp_path).values()
    np.testing.assert_array_equal(said.plainly("toy/1"), whole)


def test_fixed_weights_on_request(tmp_path: Path) -> None:
    said = words(tmp_path, weights="none", caption_dropout=0.0)
    assert (said("toy/1", (("ir_noise", 5.0),), np.random.default_rng(0))[1] == 1).all()


def test_a_run_without_any_caption_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    config = TextConfig(encoder="events")
    with pytest.raises(ConfigError, match=r"No caption names a pair of this run \(such as toy/9\)"):
        PairWords(config, task="ivif", terms=TERMS, names=["toy/9"], cache=tmp_path)
    silent = TextConfig(encoder="events", captions="none")
    PairWords(silent, task="ivif", terms=TERMS, names=["toy/9"], cache=tmp_path)


def test_a_factor_times_the_usual_weight_is_the_row_of_the_table() -> None:
    assert event_factor("ivif", [("sensor_artifact", 1.0)], "consistency") * 40 == pytest.approx(80)
    assert event_factor("ivif", [("sensor_artifact", 1.0)], "edge_preservation") == pytest.approx(96 / 48)
    assert event_factor("medical", [("structure_consistency", 0.5)], "structure") == pytest.approx(1.5)
    assert event_factor("ivif", [("haze", 1.0)], "intensity") == 1.0  # no row: the default one
    assert event_factor("ivif", [], "intensity") == 1.0
    assert event_factor("medical", [("edge_preservation", 1.0)], "colour") == 1.0  # a term that the table lacks

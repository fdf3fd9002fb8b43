"""The Qwen annotator on a tiny Qwen2-VL of random weights, built from its configuration: the real code path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import ModelError
from distilfuse.text.annotators.qwen import QwenAnnotator
from distilfuse.text.prompts import load_prompt

pytest.importorskip("transformers", reason="transformers is not installed (pip install 'distilfuse[text]')")

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
    "{% if c.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration
    from transformers.models.qwen2_vl import Qwen2VLImageProcessor

    folder = tmp_path_factory.mktemp("qwen")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={letter: k for k, letter in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|endoftext|>", additional_special_tokens=SPECIAL
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    torch.manual_seed(0)
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
        },
        vision_config={"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": 32, "mlp_ratio": 2},
        image_token_id=ids["<|image_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    Qwen2VLForConditionalGeneration(config).save_pretrained(folder)
    Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=28 * 28 * 16).save_pretrained(folder)
    return folder


def annotator(weights: Path, **options: int) -> QwenAnnotator:
    return QwenAnnotator(load_prompt("ivif"), model=str(weights), device="cpu", max_tokens=12, **options)


def test_both_pictures_go_through_the_model_and_the_same_pair_gives_the_same_answer(weights: Path) -> None:
    rng = np.random.default_rng(0)
    visible = rng.integers(0, 256, (70, 96, 3), np.uint8)
    infrared = rng.integers(0, 256, (70, 96), np.uint8)
    qwen = annotator(weights)
    first, second = (qwen.annotate(visible, infrared, "road/1") for _ in range(2))
    assert first == second
    assert (first.pair, first.annotator, first.prompt) == ("road/1", f"qwen:{weights.name}", load_prompt("ivif").hash)
    assert first.problems  # random weights write nonsense, which is reported and not raised


def test_the_model_sees_either_picture(weights: Path) -> None:
    qwen = annotator(weights)
    qwen._load()
    visible = np.zeros((56, 56, 3), np.uint8)
    infrared = np.zeros((56, 56), np.uint8)

    def logits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(qwen._model(**qwen._inputs(a, b)).logits.detach())

    dark = logits(visible, infrared)
    assert not np.array_equal(dark, logits(visible + 255, infrared))
    assert not np.array_equal(dark, logits(visible, infrared + 255))


def test_large_pictures_are_shrunk(weights: Path) -> None:
    qwen = annotator(weights, max_pixels=28 * 28 * 4)
    qwen._load()
    inputs = qwen._inputs(np.zeros((400, 400, 3), np.uint8), np.zeros((400, 400), np.uint8))
    assert all(int(grid.prod()) <= 16 for grid in inputs["image_grid_thw"])


def test_weights_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    qwen = annotator(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="cannot be loaded"):
        qwen.annotate(np.zeros((56, 56, 3), np.uint8), np.zeros((56, 56), np.uint8), "road/1")

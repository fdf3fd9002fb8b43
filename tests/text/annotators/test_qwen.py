"""The real transformers code, on tiny random models built from their configurations: nothing is fetched."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distilfuse.errors import InputError, MissingDependencyError, ModelError
from distilfuse.text.annotators.annotator import for_model
from distilfuse.text.annotators.qwen import PICTURE, QwenAnnotator
from distilfuse.text.prompts import load_prompt

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")
transformers = pytest.importorskip("transformers", reason="transformers (extra text) is not installed")

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    PICTURE,
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PROMPT = replace(load_prompt("ivif"), text="What is wrong?")
RNG = np.random.default_rng(0)
VISIBLE = RNG.integers(0, 255, (60, 90, 3), dtype=np.uint8)
INFRARED = RNG.integers(0, 255, (60, 90), dtype=np.uint8)


def tiny(folder: Path, kind: str) -> None:
    """A model of two layers and its parts, with bytes for tokens, as a download from the hub would lie there."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    vocabulary = {token: number for number, token in enumerate((*sorted(ByteLevel.alphabet()), *SPECIAL))}
    words = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
        "bos_token_id": vocabulary["<|endoftext|>"],
        "eos_token_id": vocabulary["<|im_end|>"],
        "pad_token_id": vocabulary["<|endoftext|>"],
    }
    places = {
        "image_token_id": vocabulary[PICTURE],
        "video_token_id": vocabulary["<|video_pad|>"],
        "vision_start_token_id": vocabulary["<|vision_start|>"],
        "vision_end_token_id": vocabulary["<|vision_end|>"],
    }
    torch.manual_seed(0)
    if kind == "qwen2":
        eyes = {"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2}
        config: Any = transformers.Qwen2VLConfig(text_config=words, vision_config=eyes, **places)
        model: Any = transformers.Qwen2VLForConditionalGeneration(config)
    else:
        eyes = {"depth": 1, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48, "out_hidden_size": 32}
        config = transformers.Qwen2_5_VLConfig(text_config=words, vision_config=eyes, **places)
        model = transformers.Qwen2_5_VLForConditionalGeneration(config)
    model.save_pretrained(folder)
    tokenizer = transformers.Qwen2Tokenizer(
        vocab=vocabulary, merges=[], eos_token="<|im_end|>", additional_special_tokens=list(SPECIAL[1:])
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil().save_pretrained(folder)


@pytest.fixture(scope="module", params=["qwen2", "qwen2.5"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / f"tiny-{request.param}"
    tiny(path, request.param)
    return path


def annotator(folder: Path, **options: Any) -> QwenAnnotator:
    return QwenAnnotator(PROMPT, model=str(folder), **{"device": "cpu", "max_tokens": 8} | options)


def test_a_random_model_says_something_always_the_same(folder: Path) -> None:
    first = annotator(folder)
    caption = first.annotate(VISIBLE, INFRARED, "yard/1")
    assert (caption.pair, caption.annotator, caption.prompt) == ("yard/1", f"qwen:{folder.name}", PROMPT.hash)
    assert caption.events == ()  # bytes at random
    assert any("could be read in" in problem for problem in caption.problems)
    assert first.annotate(VISIBLE, INFRARED, "yard/1") == caption
    assert annotator(folder).annotate(VISIBLE, INFRARED, "yard/1") == caption


def test_its_answer_is_read_and_one_that_reaches_the_limit_is_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = annotator(folder, max_tokens=60)
    asked.annotate(VISIBLE, INFRARED, "yard/1")
    settings: dict[str, Any] = {}

    def generate(**inputs: Any) -> Any:
        settings.update(inputs)
        said = asked._tokenizer(answer, return_tensors="pt")["input_ids"]
        return torch.cat([inputs["input_ids"], said], dim=1)

    monkeypatch.setattr(asked._model, "generate", generate)
    answer = "Event Type: Haze (A, 0.3)\nDescription: Milky.<|im_end|>"
    caption = asked.annotate(VISIBLE, INFRARED, "yard/1")
    assert [(event.type, event.severity, event.description) for event in caption.events] == [("haze", 0.3, "Milky.")]
    assert caption.problems == ()
    assert (settings["do_sample"], settings["num_beams"], settings["max_new_tokens"]) == (False, 1, 60)
    answer = "Event Type: Haze (A, 0.3)\nDescription: It goes on and on."
    answer += " " * (60 - len(answer))  # a byte is a token
    assert asked.annotate(VISIBLE, INFRARED, "yard/1").problems == ("The answer was cut off after 60 tokens.",)


def test_inputs_are_those_of_the_librarys_own_processor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Qwen2VLProcessor cannot be had without torchvision, but for its videos: they are taken from it here."""
    asked = annotator(folder)
    asked.annotate(VISIBLE, INFRARED, "yard/1")
    inputs = asked._inputs(VISIBLE, INFRARED)
    monkeypatch.setattr(
        transformers.Qwen2VLProcessor, "get_attributes", classmethod(lambda cls: ["image_processor", "tokenizer"])
    )
    processor = transformers.Qwen2VLProcessor(asked._pictures, asked._tokenizer)
    text = asked._tokenizer.decode(inputs["input_ids"][0])
    start, end = "<|vision_start|>", "<|vision_end|>"
    pieces = text.replace(PICTURE, "").split(start + end)
    assert len(pieces) == 3
    assert [piece.strip().splitlines()[-1] for piece in pieces[:2]] == ["Picture A:", "Picture B:"]
    assert pieces[2].startswith("What is wrong?<|im_end|>")
    expected = processor(
        text=[(start + PICTURE + end).join(pieces)],
        images=[for_model(VISIBLE, 10**6), for_model(INFRARED, 10**6)],
        return_tensors="pt",
    )
    assert set(inputs) == set(expected)
    for key, value in inputs.items():
        torch.testing.assert_close(value.long() if value.dtype == torch.int32 else value, expected[key], msg=key)


def test_both_pictures_reach_the_model_in_this_order(folder: Path) -> None:
    asked = annotator(folder)
    asked.annotate(VISIBLE, INFRARED, "yard/1")
    first = asked._inputs(VISIBLE, INFRARED)["pixel_values"]
    half = len(first) // 2
    other = asked._inputs(255 - VISIBLE, INFRARED)["pixel_values"]
    assert not torch.equal(first[:half], other[:half])
    assert torch.equal(first[half:], other[half:])


def test_the_model_sees_either_picture(folder: Path) -> None:
    asked = annotator(folder)
    asked.annotate(VISIBLE, INFRARED, "yard/1")

    def logits(visible: np.ndarray, infrared: np.ndarray) -> Any:
        with torch.inference_mode():
            return asked._model(**asked._inputs(visible, infrared)).logits

    said = logits(VISIBLE, INFRARED)
    assert torch.equal(said, logits(VISIBLE, INFRARED))
    assert not torch.equal(said, logits(255 - VISIBLE, INFRARED))
    assert not torch.equal(said, logits(VISIBLE, 255 - INFRARED))


def test_large_pictures_are_shrunk(folder: Path) -> None:
    asked = annotator(folder, max_pixels=56 * 56)
    asked.annotate(VISIBLE, INFRARED, "yard/1")
    full = np.zeros((560, 840, 3), np.uint8)
    grid = asked._inputs(full, full[..., 0])["image_grid_thw"]
    assert int(grid[0].prod()) <= 4 * 4 + 8  # patches of 14 x 14


def test_dtype(folder: Path) -> None:
    asked = annotator(folder, dtype="bfloat16")
    asked.annotate(VISIBLE, INFRARED, "yard/1")
    assert asked._model.dtype == torch.bfloat16


def test_arrays_that_are_no_pair(folder: Path) -> None:
    with pytest.raises(InputError, match="an annotator takes H x W x 3 and H x W of one size"):
        annotator(folder).annotate(VISIBLE, INFRARED[:5], "yard/1")


def test_weights_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="cannot be loaded"):
        annotator(tmp_path / "nowhere").annotate(VISIBLE, INFRARED, "yard/1")
    asked = annotator(tmp_path)  # an empty folder; loaded with the first pair only
    with pytest.raises(ModelError, match=r"cannot be loaded .*: fetch it where a model hub can be reached"):
        asked.annotate(VISIBLE, INFRARED, "yard/1")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ModelError, match="cannot be loaded"):
        asked.annotate(VISIBLE, INFRARED, "yard/1")


def test_a_model_without_chat_template(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="is no Qwen-VL for chats"):
        annotator(tmp_path).annotate(VISIBLE, INFRARED, "yard/1")


def test_without_transformers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[text\]'"):
        annotator(folder).annotate(VISIBLE, INFRARED, "yard/1")

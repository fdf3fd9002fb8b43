"""Qwen2-VL and its successors on one's own machine, through transformers: the paper's annotator.

The parts of the processor (tokenizer, picture processor) are put together here instead of by ``AutoProcessor``: that
one also makes a processor for videos, for which it needs torchvision.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from distilfuse.errors import DistilfuseError, InputError, MissingDependencyError, ModelError
from distilfuse.text.annotators.annotator import MAX_PIXELS, Bytes, check_pair, for_model
from distilfuse.text.answer import read_answer
from distilfuse.text.events import PairCaption
from distilfuse.text.prompts import Prompt

DEFAULT = "Qwen/Qwen2-VL-7B-Instruct"
"""The paper's; needs about 17 GB in 16 bit. ``-AWQ`` and ``-GPTQ-Int4`` versions (with gptqmodel) need a third."""

PICTURE = "<|image_pad|>"
"""What stands for a picture in Qwen's chat template, to be repeated once a merged patch."""


class QwenAnnotator:
    """Shows both pictures to a Qwen-VL model and reads its answer. Decoding is greedy: the same pair, the same answer.

    The weights are loaded with the first pair.

    Args:
        prompt: what to ask.
        model: a name on the hub, or a folder with weights, configuration, tokenizer and picture processor; AWQ and GPTQ
            versions work where the package is installed that transformers asks for.
        device: ``auto`` spreads the model over what there is (with accelerate; else one GPU or the CPU); or ``cpu``,
            ``cuda``, ``cuda:1``, ``mps``.
        dtype: ``auto`` as the weights are stored; or ``bfloat16``, ``float16``, ``float32``.
        max_pixels: larger pictures are shrunk to this many.
        max_tokens: an answer's length at most.
    """

    concurrency = 1

    def __init__(
        self,
        prompt: Prompt,
        *,
        model: str = DEFAULT,
        device: str = "auto",
        dtype: str = "auto",
        max_pixels: int = MAX_PIXELS,
        max_tokens: int = 512,
    ) -> None:
        self.name = f"qwen:{model.rstrip('/').rpartition('/')[2]}"
        self.prompt = prompt.hash
        self._text = prompt.text
        self._source, self._device, self._dtype = model, device, dtype
        self._max_pixels, self._max_tokens = max_pixels, max_tokens
        self._model: Any = None
        self._tokenizer: Any = None
        self._pictures: Any = None

    def _load(self) -> None:
        try:
            import torch
            from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
        except ImportError as error:
            raise MissingDependencyError(
                "The annotator qwen needs transformers and torch: pip install 'distilfuse[text]'."
            ) from error
        source, device = self._source, self._device
        spread = device == "auto" and find_spec("accelerate") is not None
        if device == "auto" and not spread:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            pictures: Any = AutoImageProcessor  # without types
            self._tokenizer, self._pictures = AutoTokenizer.from_pretrained(source), pictures.from_pretrained(source)
            placed = {"device_map": "auto"} if spread else {}
            network: Any = AutoModelForImageTextToText.from_pretrained(source, dtype=self._dtype, **placed)
            model = (network if spread else network.to(device)).eval()
        except ImportError as error:  # quantised weights, whose kernels are a package of their own
            raise MissingDependencyError(f"The model {source} cannot be loaded: {_first_line(error)}.") from error
        except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
            raise ModelError(
                f"The model {source} cannot be loaded ({_first_line(error)}): fetch it where a model hub can be "
                "reached, or name a folder that holds it with --model."
            ) from error
        if not getattr(self._tokenizer, "chat_template", None) or not hasattr(self._pictures, "merge_size"):
            raise ModelError(
                f"The model {source} is no Qwen-VL for chats (it lacks a chat template or merges no patches): take a "
                "version whose name ends with Instruct."
            )
        self._model = model

    def annotate(self, visible: Bytes, infrared: Bytes, pair: str) -> PairCaption:
        """See :class:`distilfuse.text.annotators.Annotator`.

        Raises:
            InputError: the arrays are no pair, or too large for the memory.
            MissingDependencyError: transformers, or what the quantised weights need, is not installed.
            ModelError: the weights are neither on this machine nor to be had, or are of another kind of model.
        """
        check_pair(visible, infrared, pair)
        if self._model is None:
            self._load()
        import torch

        inputs = self._inputs(visible, infrared)
        try:
            with torch.inference_mode():
                # Whatever sampling the model's own settings ask for is switched off; None silences the warning that
                # they have no effect.
                tokens = self._model.generate(
                    **inputs,
                    max_new_tokens=self._max_tokens,
                    do_sample=False,
                    num_beams=1,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                )
        except torch.OutOfMemoryError as error:
            raise InputError(f"The pair {pair} is too large for the device's memory: lower --max-pixels.") from error
        except ValueError as error:
            raise DistilfuseError(f"The model cannot take the pair {pair}: {_first_line(error)}") from error
        new = tokens[0, inputs["input_ids"].shape[1] :]
        caption = read_answer(self._tokenizer.decode(new, skip_special_tokens=True), pair)
        cut = (f"The answer was cut off after {len(new)} tokens.",) if len(new) >= self._max_tokens else ()
        return replace(caption, annotator=self.name, prompt=self.prompt, problems=caption.problems + cut)

    def _inputs(self, visible: Bytes, infrared: Bytes) -> dict[str, Any]:
        """What the model takes: both pictures as patches, and a text in which each has as many places as patches."""
        images = [for_model(picture, self._max_pixels) for picture in (visible, infrared)]
        pixels = self._pictures(images=images, return_tensors="pt")
        content = [
            {"type": "text", "text": "Picture A:"},
            {"type": "image"},
            {"type": "text", "text": "Picture B:"},
            {"type": "image"},
            {"type": "text", "text": self._text},
        ]
        text = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        before, between, after = text.split(PICTURE)
        first, second = (int(grid.prod()) // self._pictures.merge_size**2 for grid in pixels["image_grid_thw"])
        text = before + PICTURE * first + between + PICTURE * second + after
        words = self._tokenizer(text, return_tensors="pt")
        kinds = (words["input_ids"] == self._tokenizer.convert_tokens_to_ids(PICTURE)).int()
        inputs = {
            "input_ids": words["input_ids"],
            "attention_mask": words["attention_mask"],
            "mm_token_type_ids": kinds,  # 1 where a picture is: transformers 5 counts positions by it
            "pixel_values": pixels["pixel_values"].to(self._model.dtype),
            "image_grid_thw": pixels["image_grid_thw"],
        }
        return {key: value.to(self._model.device) for key, value in inputs.items()}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).strip().rstrip(".")[:200]

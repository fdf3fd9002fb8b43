"""The text tower of CLIP ViT-B/32 (Radford et al., 2021), the paper's text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import MissingDependencyError, ModelError

DEFAULT = "openai/clip-vit-base-patch32"
_BATCH = 64


class ClipEncoder:
    """Projected embeddings of whole texts, longest 77 tokens (what is longer is cut).

    Args:
        weights: folder or hub name of CLIP weights, :data:`DEFAULT` unless given.

    Raises:
        MissingDependencyError: transformers is not installed.
        ModelError: the weights are neither on this machine nor to be had.
    """

    def __init__(self, weights: str | None = None) -> None:
        try:
            from transformers import AutoTokenizer, CLIPTextModelWithProjection
        except ImportError as error:
            raise MissingDependencyError(
                "The text encoder clip needs transformers: pip install 'distilfuse[text]'."
            ) from error
        source = weights or DEFAULT
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(source)
            model: Any = CLIPTextModelWithProjection.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The CLIP weights {source} cannot be loaded: fetch them where a model hub can be reached, give a "
                "folder that holds them, or take the encoder minilm."
            ) from error
        self._model = model.eval().requires_grad_(False)
        self.name = f"clip:{source.rstrip('/').split('/')[-1]}"
        self.channels = int(self._model.config.projection_dim)

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """See :class:`distilfuse.text.encoders.TextEncoder`."""
        import torch

        rows = [np.zeros((0, self.channels), np.float32)]
        limit = min(77, int(self._model.config.max_position_embeddings))
        with torch.no_grad():
            for first in range(0, len(sentences), _BATCH):
                tokens = self._tokenizer(
                    list(sentences[first : first + _BATCH]),
                    padding=True,
                    truncation=True,
                    max_length=limit,
                    return_tensors="pt",
                )
                projected = self._model(
                    input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
                ).text_embeds
                rows.append(torch.nn.functional.normalize(projected, dim=1).numpy())
        return np.concatenate(rows).astype(np.float32)

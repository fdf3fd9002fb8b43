"""What is known of a released model: one frozen record, one JSON file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distilfuse.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """A model as it is released: where its weights are, what they take, what they were made of."""

    name: str
    """What ``Fuser.from_pretrained`` and ``--model`` know it by."""
    task: str
    """``ivif`` (infrared and visible) or ``medical`` (CT, PET or SPECT with MRI)."""
    summary: str
    """One sentence for people who choose."""
    architecture: dict[str, Any]
    """``kind`` of network and the values of the configuration that it was built from."""
    file: str
    """Name of the ONNX file."""
    sha256: str
    """Of that file; checked before it is loaded."""
    size: int
    """Of that file, in bytes."""
    parameters: int
    """Number of weights in the network."""
    flop_per_pixel: int
    """Floating-point operations a pixel."""
    visible_input: str
    """``luminance`` (one channel, BT.601) or ``rgb``."""
    multiple: int
    """Height and width must be multiples of it; the Fuser pads and crops."""
    halo: int
    """Pixels around a part of a picture that reach into it; 0 where every pixel depends on all others."""
    gauge: dict[str, Any]
    """Of a model that measures the whole picture first: ``file`` of the ONNX model that does so, beside the weights,
    its ``sha256``, and the ``channels`` of the reading. Empty for others."""
    colour: dict[str, Any]
    """Of a model of luminance: ``file`` of the ONNX model that does the same for 8-bit colours, bytes in and out,
    beside the weights, and its ``sha256``. Empty where there is none."""
    licence: str
    """SPDX name of the licence of the weights."""
    training_data: list[str]
    """Data sets seen in training."""
    data_terms: str
    """What the terms of these data sets mean for users of the weights."""
    scores: dict[str, dict[str, float]]
    """Test set to metric to mean value."""
    recipe: str
    """The recipe that it was trained with: its file's name without ending."""

    def __post_init__(self) -> None:
        if self.visible_input not in ("luminance", "rgb"):
            raise ModelError(
                f"The record of {self.name} has visible_input {self.visible_input!r}: it is luminance or rgb."
            )
        if self.multiple < 1:
            raise ModelError(f"The record of {self.name} has multiple {self.multiple}: it is at least 1.")
        if self.gauge and not self.gauge.keys() >= {"file", "sha256", "channels"}:
            raise ModelError(f"The record of {self.name} has a gauge without file, sha256 or channels: restore it.")
        if self.colour and not self.colour.keys() >= {"file", "sha256"}:
            raise ModelError(f"The record of {self.name} has a colour without file or sha256: restore it.")

    def to_json(self) -> str:
        """The record as it is stored."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


def load_record(path: Path) -> ModelRecord:
    """Read a record.

    Raises:
        ModelError: no such file, not JSON, or fields missing, unknown or of a wrong type.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"The model record {path} cannot be read ({error.strerror}): check the name.") from error
    except ValueError as error:
        raise ModelError(f"The model record {path} is not valid JSON ({error}): restore it.") from error
    if not isinstance(fields, dict):
        raise ModelError(f"The model record {path} is not a JSON object: restore it.")
    known = {field.name: str(field.type) for field in dataclasses.fields(ModelRecord)}
    if odd := sorted(fields.keys() ^ known.keys()):
        raise ModelError(f"The model record {path} has missing or unknown fields ({', '.join(odd)}): restore it.")
    kinds = {"str": str, "int": int, "dict": dict, "list": list}
    for name, kind in known.items():
        if not isinstance(fields[name], kinds[kind.split("[")[0]]):
            raise ModelError(f"The model record {path} has a wrong {name} ({fields[name]!r}): restore it.")
    return ModelRecord(**fields)

"""The models that come with the package: names, records, weights."""

from __future__ import annotations

import difflib
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from distilfuse.errors import ModelError
from distilfuse.zoo.record import ModelRecord, load_record

MODELS = Path(__file__).parent / "models"
"""``NAME.json``, the record, and the weights beside it: the same layout as a model of one's own has."""


def list_models() -> list[str]:
    """Names of the models that can be used right away, sorted.

    Example:
        >>> "nano-ivif" in list_models()
        True
    """
    return sorted(path.stem for path in MODELS.glob("*.json"))


@cache
def find_record(name: str) -> ModelRecord:
    """The record of a model.

    Raises:
        ModelError: no model has that name; the message holds near ones.
    """
    names = list_models()
    if name not in names:
        near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
        if near:
            mend = f"did you mean {' or '.join(near)}?"
        elif names:
            mend = f"choose one of {', '.join(names)}."
        else:
            mend = "this installation holds none, so reinstall distilfuse."
        raise ModelError(f"There is no model named {name!r}: {mend}")
    return load_record(MODELS / f"{name}.json")


def find_model(name: str) -> tuple[ModelRecord, Path]:
    """A model's record and the folder of its files.

    Args:
        name: one of :func:`list_models`, or the path of a record (``.json``) of one's own.

    Raises:
        ModelError: there is no such model, or the record is damaged.
    """
    path = Path(name)
    if path.suffix == ".json":
        return load_record(path), path.parent
    return find_record(name), MODELS


def read_weights(record: ModelRecord, path: Path | None = None) -> bytes:
    """The bytes of a model's ONNX file, checked against its record.

    Hashed and loaded are the same bytes, so that nothing can change between the two.

    Args:
        record: which model.
        path: where its file is; the package's own folder by default.

    Raises:
        ModelError: the file is missing or its sha256 is another.
    """
    return _read(record, path or MODELS / record.file, record.sha256)


def read_part(record: ModelRecord, part: Literal["gauge", "colour"], folder: Path = MODELS) -> bytes:
    """The bytes of the ONNX file of a model's gauge, or of the model for colours, checked against its record.

    Args:
        record: of a model that has one.
        part: which.
        folder: where its files are; the package's own by default.

    Raises:
        ModelError: the file is missing or its sha256 is another.
    """
    about: dict[str, Any] = getattr(record, part)
    return _read(record, folder / about["file"], about["sha256"])


def _read(record: ModelRecord, path: Path, sha256: str) -> bytes:
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The weights of {record.name} cannot be read from {path} ({error.strerror}): reinstall distilfuse."
        ) from error
    found = hashlib.sha256(weights).hexdigest()
    if found != sha256:
        raise ModelError(
            f"The weights of {record.name} in {path} are damaged (sha256 {found[:12]}..., not {sha256[:12]}...): "
            "reinstall distilfuse."
        )
    return weights

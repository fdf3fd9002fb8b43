"""The user's detector: found by name, called on one picture, its answer checked."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.detection.boxes import Boxes, make_boxes

Detector = Callable[[NDArray[np.uint8]], Any]
"""From a picture, ``H x W x 3`` uint8 (RGB; grey is repeated), to :class:`Boxes` or to rows of (left, top, right,
bottom, score, label): a list of tuples, or an ``N x 6`` array as most detectors give it."""


def load_detector(spec: str) -> Detector:
    """Find a detector by ``module:function`` or ``file.py:function``.

    Modules are looked for as ``python -m`` does, in the working directory first. The function may be any callable
    thing in the module, ``name.method`` too.

    Raises:
        ConfigError: not of that form, no such module, file or function, or the module fails when it is imported.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name:
        raise ConfigError(f"{spec!r} names no detector: write module:function or path/to/file.py:function.")
    try:
        found: Any = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    except ConfigError:
        raise
    except Exception as error:  # whatever the user's module does when it is imported
        raise ConfigError(
            f"The detector {spec!r} cannot be imported ({type(error).__name__}: {error}): mend it or its installation."
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"The detector {spec!r} is not there: {place} has no {name!r}.")
        found = getattr(found, part)
    if not callable(found):
        raise ConfigError(f"The detector {spec!r} cannot be called: name a function that takes a picture.")
    detector: Detector = found
    return detector


def detect(detector: Detector, picture: NDArray[np.uint8]) -> Boxes:
    """Boxes that a detector finds in a picture.

    Args:
        detector: see :data:`Detector`. It gets a copy that it may draw on.
        picture: ``H x W`` or ``H x W x 3`` uint8.

    Raises:
        InputError: the detector raised an error, or gave something that is no boxes; says what.
    """
    colour = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture.copy()
    try:
        answer = detector(colour)
    except Exception as error:  # the user's code: any error of it ends this picture only
        raise InputError(f"The detector failed ({type(error).__name__}: {error}).") from error
    if isinstance(answer, Boxes):
        return answer
    try:
        return _from_rows(answer)
    except InputError as error:
        raise InputError(f"The detector's answer cannot be used. {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The detector's answer is no list of (left, top, right, bottom, score, label) ({error})."
        ) from error


def _from_rows(rows: Iterable[Iterable[Any]]) -> Boxes:
    corners, scores, labels = [], [], []
    for row in rows:
        left, top, right, bottom, score, label = row
        corners.append([float(left), float(top), float(right), float(bottom)])
        scores.append(float(score))
        labels.append(_as_label(label))
    return make_boxes(corners, labels, scores=scores)


def _as_label(label: Any) -> str:
    """A name as it is; a class number as digits, also where an array made a float of it (``2.0``)."""
    if isinstance(label, str):
        return label
    number = float(label)
    return str(int(number)) if number.is_integer() else str(label)


def _import_module(name: str) -> ModuleType:
    _look_first_in(Path.cwd())
    return importlib.import_module(name)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"The detector's file {path} does not exist: check the name.")
    _look_first_in(path.resolve().parent)  # for what lies beside the file, as when Python runs it
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"The detector's file {path} cannot be imported: it must be Python code.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses and pickle look their module up by name
    spec.loader.exec_module(module)
    return module


def _look_first_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

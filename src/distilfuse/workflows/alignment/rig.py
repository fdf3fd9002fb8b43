"""The rig: two cameras fixed to one another, in a file (``rig.json``) that serves every later pair of pictures."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from distilfuse import __version__
from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.imaging.transforms import MODELS, Matrix, Size, flaw_of
from distilfuse.imaging.warping import Warper
from distilfuse.imaging.writing import write_bytes
from distilfuse.workflows.alignment.views import carried

VERSION = 1
"""Of the file's format."""
CONVENTION = "matrix maps (x, y, 1) of infrared to visible pixels; x right, y down, whole numbers are pixel centres"

Border = Literal["crop", "mask"]
"""What becomes of visible pixels without infrared: cut off, or left as they are."""
BORDERS: tuple[str, ...] = get_args(Border)

_SAME_SHAPE = 0.01
"""By how much, as a share, the ratio of width to height may differ: sizes are rounded."""
_LONGEST = 1_000_000
"""Pixels a side that no picture has."""
_LARGEST = 1e12
"""What no number of a rig is."""
_KEYS = {
    "version",
    "convention",
    "matrix",
    "model",
    "visible_size",
    "infrared_size",
    "confidence",
    "figures",
    "made_by",
    "date",
}


@dataclass(frozen=True)
class Registered:
    """A pair on the visible camera's pixels, ready to be fused."""

    visible: NDArray[Any]
    infrared: NDArray[Any]
    warper: Warper
    border: Border

    def finish(self, fused: NDArray[Any]) -> NDArray[Any]:
        """What to show of the fused picture: all of a cropped one, else the visible one where there is no infrared."""
        return fused if self.border == "crop" else self.warper.within(fused, self.visible)

    def cut(self, plane: NDArray[Any]) -> NDArray[Any]:
        """The same part of another plane of the visible picture, such as its alpha."""
        return self.warper.crop(plane) if self.border == "crop" else plane


@dataclass(frozen=True, eq=False)
class Rig:
    """Two cameras."""

    matrix: Matrix
    """Infrared to visible pixels, 3 x 3, see :mod:`distilfuse.imaging.transforms`."""
    visible_size: Size
    """Width, height of the pictures that it was made from."""
    infrared_size: Size
    model: str
    confidence: float | None
    """0..1, see :mod:`distilfuse.workflows.alignment.confidence`; None for points set by hand."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What the confidence is from."""
    made_by: str = f"distilfuse {__version__}"
    date: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    _kept: dict[tuple[Size, Size], Warper] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def read(cls, path: Path) -> Rig:
        """Read a rig.

        Raises:
            InputError: no such file, not JSON, or another kind of file.
            ConfigError: a key that is missing, unknown or of a wrong value; names the file and the key.
        """
        try:
            content = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: make it with distilfuse align.") from None
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}): check the file.") from error
        except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of thousands of digits
            raise InputError(f"{path} is not JSON: name a rig that distilfuse align wrote.") from None
        if not isinstance(content, dict) or "matrix" not in content:
            raise InputError(f"{path} is not a rig: name a file that distilfuse align wrote.")
        return _parse(path, content)

    def write(self, path: Path) -> None:
        """Write the rig, whole or not at all; a file that exists is replaced.

        Raises:
            OutputError: the write failed.
        """
        content = {
            "version": VERSION,
            "convention": CONVENTION,
            "matrix": [[float(value) for value in row] for row in self.matrix],
            "model": self.model,
            "visible_size": list(self.visible_size),
            "infrared_size": list(self.infrared_size),
            "confidence": self.confidence,
            "figures": dict(self.figures),
            "made_by": self.made_by,
            "date": self.date,
        }
        write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())

    def matrix_for(self, visible_size: Size, infrared_size: Size) -> Matrix:
        """The matrix for pictures of other sizes of the same cameras: resized as a whole, never cropped.

        Raises:
            InputError: another ratio of width to height, as a cropped picture or another camera has.
        """
        for name, mine, yours in (
            ("visible", self.visible_size, visible_size),
            ("infrared", self.infrared_size, infrared_size),
        ):
            # A pixel more or less is rounding, whatever share of a small picture it is.
            off = abs(yours[0] * mine[1] / mine[0] - yours[1])
            if off > max(1.0, _SAME_SHAPE * yours[1]):
                raise InputError(
                    f"The {name} picture is {yours[0]}x{yours[1]} pixels but the rig was made for "
                    f"{mine[0]}x{mine[1]}, another ratio of sides: align these pictures anew."
                )
        return carried(self.matrix, (self.visible_size, self.infrared_size), (visible_size, infrared_size))

    def warper(self, visible_size: Size, infrared_size: Size) -> Warper:
        """What moves infrared pictures onto visible ones of these sizes; the last one is kept, for a video.

        Raises:
            InputError: see :meth:`matrix_for` and :class:`distilfuse.imaging.warping.Warper`.
            MissingDependencyError: OpenCV (extra ``align``) is not installed.
        """
        sizes = (visible_size, infrared_size)
        kept = self._kept.get(sizes)
        if kept is None:
            if sizes != (self.visible_size, self.infrared_size):
                made, here = (
                    " and ".join(f"{width}x{height}" for width, height in pair)
                    for pair in ((self.visible_size, self.infrared_size), sizes)
                )
                warnings.warn(
                    f"The rig was made for pictures of {made} pixels and is scaled to {here}: right only for the "
                    "same two cameras.",
                    PictureWarning,
                    stacklevel=3,
                )
            kept = Warper(self.matrix_for(*sizes), infrared_size, visible_size)
            self._kept.clear()
            self._kept[sizes] = kept
        return kept

    def warp(self, infrared: NDArray[Any], visible_size: Size) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Move an infrared picture onto the visible camera's pixels.

        Args:
            infrared: ``H x W`` or ``H x W x C``.
            visible_size: width, height of the visible picture.

        Returns:
            The moved picture with its edge repeated, and ``H x W``: where it shows what the camera saw.

        Raises:
            InputError, MissingDependencyError: see :meth:`warper`.
        """
        warper = self.warper(visible_size, (infrared.shape[1], infrared.shape[0]))
        return warper(infrared), warper.valid

    def register(self, visible: NDArray[Any], infrared: NDArray[Any], border: Border = "crop") -> Registered:
        """A pair ready to be fused; :meth:`Registered.finish` completes what comes of it.

        Args:
            visible: ``H x W`` or ``H x W x C``.
            infrared: the same, of its own size.
            border: ``crop``: only the largest rectangle that both cameras see; ``mask``: the whole visible picture.

        Raises:
            InputError, MissingDependencyError: see :meth:`warper`.
        """
        warper = self.warper((visible.shape[1], visible.shape[0]), (infrared.shape[1], infrared.shape[0]))
        moved = warper(infrared)
        if border == "crop":
            return Registered(warper.crop(visible), warper.crop(moved), warper, border)
        return Registered(visible, moved, warper, border)


def _parse(path: Path, content: Mapping[str, Any]) -> Rig:
    def refuse(key: str, wanted: str) -> ConfigError:
        return ConfigError(f"{path}: {key} must be {wanted}: make the rig anew with distilfuse align.")

    if content.get("version") != VERSION:
        raise ConfigError(
            f"{path} has the version {content.get('version')!r} but this distilfuse reads {VERSION}: make the rig anew."
        )
    if missing := sorted(_KEYS - content.keys()):
        raise ConfigError(f"{path} lacks {', '.join(missing)}: make the rig anew with distilfuse align.")
    if unknown := sorted(content.keys() - _KEYS):
        raise ConfigError(f"{path} has an unknown key {unknown[0]!r}: remove it.")
    sizes: dict[str, Size] = {}
    for key in ("visible_size", "infrared_size"):
        size = content[key]
        if not (
            isinstance(size, list)
            and len(size) == 2
            and all(type(side) is int and 0 < side < _LONGEST for side in size)
        ):
            raise refuse(key, "[width, height] in pixels")
        sizes[key] = (size[0], size[1])
    if not _is_matrix(content["matrix"]):
        raise refuse("matrix", "3 rows of 3 numbers")
    matrix = np.array(content["matrix"], np.float64)
    if flaw := flaw_of(matrix, sizes["infrared_size"]):
        raise refuse("matrix", f"one that maps a picture, but it is unfit ({flaw})")
    if content["model"] not in MODELS:
        raise refuse("model", f"one of {', '.join(MODELS)}")
    confidence, figures = content["confidence"], content["figures"]
    if confidence is not None and not (_is_number(confidence) and 0 <= confidence <= 1):
        raise refuse("confidence", "null or a number from 0 to 1")
    if not (isinstance(figures, dict) and all(_is_number(value) for value in figures.values())):
        raise refuse("figures", "names and numbers")
    for key in ("made_by", "date", "convention"):
        if not isinstance(content[key], str):
            raise refuse(key, "text")
    if content["convention"] != CONVENTION:
        raise refuse("convention", f'"{CONVENTION}"')
    return Rig(
        matrix=matrix / matrix[2, 2],
        model=content["model"],
        confidence=None if confidence is None else float(confidence),
        figures={key: float(value) for key, value in figures.items()},
        made_by=content["made_by"],
        date=content["date"],
        **sizes,
    )


def _is_number(value: object) -> bool:
    """Finite, and not so large that arithmetic with it would not be."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_matrix(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(row, list) and len(row) == 3 and all(map(_is_number, row)) for row in value)
    )

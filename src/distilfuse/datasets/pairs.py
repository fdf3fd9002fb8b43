"""Pairs of clean pictures in memory, by set and stem."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import ConfigError, InputError

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Pair:
    """One registered pair."""

    name: str
    """``SET/STEM``."""
    visible: NDArray[np.uint8]
    """``H x W x 3``, RGB."""
    infrared: NDArray[np.uint8]
    """``H x W``."""


def split_stems(dataset: str, split: str) -> list[str]:
    """Stems of a published split.

    ``validation`` is every ninth pair of the original training list, ``train`` the rest of it, ``test`` the
    original test list; nothing is trained or chosen on ``test``.

    Raises:
        ConfigError: an unknown data set, or one without that split.
    """
    splits = json.loads(resources.files("distilfuse.datasets").joinpath("splits.json").read_text("utf-8"))
    if dataset not in splits:
        raise ConfigError(f"There is no split list for data set {dataset!r}: choose from {', '.join(sorted(splits))}.")
    original = "test" if split == "test" else "train"
    stems: list[str] | None = splits[dataset].get(original)
    if stems is None:
        raise ConfigError(f"Data set {dataset!r} has no {split!r} split: it is for {', '.join(splits[dataset])} only.")
    if split == "test":
        return stems
    if split not in ("train", "validation"):
        raise ConfigError(f"Unknown split {split!r}: choose from train, validation, test.")
    return [stem for k, stem in enumerate(stems) if (k % 9 == 4) == (split == "validation")]


def load_pairs(root: Path, dataset: str, split: str, *, reduce: int = 1) -> list[Pair]:
    """Read the pairs of ``root/dataset/{vi,ir}`` that a split names.

    Args:
        root: folder that holds the data sets.
        dataset: its folder's name, for example ``roadscene``.
        split: ``train``, ``validation`` or ``test``.
        reduce: pictures are averaged over cells of this many pixels a side (2 halves them).

    Raises:
        InputError: a picture is missing, unreadable, or the two of a pair differ in size.
        ConfigError: see :func:`split_stems`.
    """
    return list(_read(root, dataset, split_stems(dataset, split), reduce))


def _read(root: Path, dataset: str, stems: Sequence[str], reduce: int) -> Iterator[Pair]:
    for stem in stems:
        visible = _picture(root / dataset / "vi", stem, "RGB")
        infrared = _picture(root / dataset / "ir", stem, "L")
        # Before reducing: a column more or less may vanish in it, and the pair would not be registered.
        if visible.size != infrared.size:
            raise InputError(
                f"The pair {dataset}/{stem} differs in size, {visible.width}x{visible.height} and "
                f"{infrared.width}x{infrared.height} pixels: check the data set's files."
            )
        if reduce > 1:
            visible, infrared = visible.reduce(reduce), infrared.reduce(reduce)
        yield Pair(f"{dataset}/{stem}", np.asarray(visible), np.asarray(infrared))


def _picture(folder: Path, stem: str, mode: str) -> Image.Image:
    for suffix in _SUFFIXES:
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            try:
                with Image.open(path) as image:
                    picture: Image.Image = image.convert(mode)
                    return picture
            except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, TypeError, ...
                raise InputError(f"The picture {path} cannot be read ({error}): fetch the data set again.") from error
    raise InputError(f"There is no picture {folder / stem} (.png, .jpg, ...): check the path of the data set.")

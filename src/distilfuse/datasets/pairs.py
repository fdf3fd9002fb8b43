"""Pairs of clean pictures by set and split: their files, and the pictures in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.datasets.catalogue import DATASETS, FOLDER, find_dataset
from distilfuse.datasets.layouts import FoundLayout, find_layout
from distilfuse.datasets.record import DatasetRecord
from distilfuse.datasets.splits import divide, is_listed, split_stems
from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.pairs import Pair as PairFiles


@dataclass(frozen=True)
class Pair:
    """One registered pair."""

    name: str
    """``SET/STEM``."""
    visible: NDArray[np.uint8]
    """``H x W x 3``, RGB; of medical sets A (grey CT has three equal channels)."""
    infrared: NDArray[np.uint8]
    """``H x W``; of medical sets B."""


def find_pairs(name: str, root: Path, split: str | None = None) -> tuple[PairFiles, ...]:
    """The files of a set's pairs, sorted by name or in the order of the list.

    Args:
        name: of the set, see :func:`distilfuse.datasets.catalogue.find_dataset`.
        root: the set's folder, or one that holds it; any known layout, see :mod:`distilfuse.datasets.layouts`.
        split: None for every pair that is there. Else a split of the archive where that has folders for them and
            our list names only a part of it (``test`` of MSRS: 361 pairs), else one of our lists (``train``,
            ``validation``, ``test``).

    Raises:
        InputError: the set is not there in a known layout, or a listed picture is missing.
        ConfigError: an unknown set or split.
    """
    record = find_dataset(name)
    found = find_layout(record, root)
    if split is None:
        pairs = [pair for part in found.splits for pair in found.matching(part).pairs]
        return tuple(sorted(pairs, key=lambda pair: pair.name))
    if split in found.layout.splits and not record.complete:
        return found.matching(split).pairs
    if not record.listed:
        parts = ", ".join(found.layout.splits)
        mend = f"choose from {parts}" if parts else "leave the split out"
        raise ConfigError(f"Data set {name!r} has no {split!r} split in {found.folder}: {mend}.")
    return tuple(_listed_files(found, split, split_stems(name, split)))


def load_pairs(root: Path, dataset: str, split: str, *, reduce: int = 1) -> list[Pair]:
    """Read the pairs that a split of our lists names, in the list's order; of a set of your own, all pairs by name.

    Args:
        root: folder that holds the data sets, or the set's own folder; any known layout.
        dataset: its name, for example ``roadscene`` or ``ct-mri``; a name without record is a folder
            ``root/dataset`` with ``vi`` and ``ir`` in it.
        split: ``train``, ``validation`` or ``test``; a set of your own is for training, every ninth
            pair for validation.
        reduce: pictures are averaged over cells of this many pixels a side (2 halves them).

    Raises:
        InputError: a picture is missing, unreadable, or the two of a pair differ in size.
        ConfigError: see :func:`distilfuse.datasets.splits.split_stems`.
    """
    found = find_layout(_record(dataset), root)
    if is_listed(dataset) or split == "test":
        stems = split_stems(dataset, split)
    else:
        stems = divide(sorted(pair.name for pair in found.matching("").pairs), split)
    return [_read(dataset, files, reduce) for files in _listed_files(found, split, stems)]


def _record(dataset: str) -> DatasetRecord:
    known = {*DATASETS, *(record.listed for record in DATASETS.values())}
    return find_dataset(dataset) if dataset in known else replace(FOLDER, name=dataset, folders=(dataset,))


def _listed_files(found: FoundLayout, split: str, stems: Sequence[str]) -> Iterator[PairFiles]:
    part = ("test" if split == "test" else "train") if found.layout.splits else ""
    matching = found.matching(part)
    by_name = {pair.name: pair for pair in matching.pairs}
    lone = {path.stem for path in matching.unmatched_visible}
    for stem in stems:
        if stem not in by_name:
            if found.layout.scenes:
                raise InputError(
                    f"The list names numbered pairs such as {stem}, but {found.folder} is the archive with folders by "
                    "scene: use a flat copy (vi and ir), or leave the split out."
                )
            folder = found.folders(part)[1 if stem in lone else 0]
            raise InputError(f"There is no picture {folder / stem} (.png, .jpg, ...): check the path of the data set.")
        yield by_name[stem]


def _read(dataset: str, files: PairFiles, reduce: int) -> Pair:
    visible, infrared = _picture(files.visible, "RGB"), _picture(files.infrared, "L")
    # Before reducing: a column more or less may vanish in it, and the pair would not be registered.
    if visible.size != infrared.size:
        raise InputError(
            f"The pair {dataset}/{files.name} differs in size, {visible.width}x{visible.height} and "
            f"{infrared.width}x{infrared.height} pixels: check the data set's files."
        )
    if reduce > 1:
        visible, infrared = visible.reduce(reduce), infrared.reduce(reduce)
    return Pair(f"{dataset}/{files.name}", np.asarray(visible), np.asarray(infrared))


def _picture(path: Path, mode: str) -> Image.Image:
    try:
        with Image.open(path) as image:
            picture: Image.Image = image.convert(mode)
            return picture
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, TypeError, ...
        raise InputError(f"The picture {path} cannot be read ({error}): fetch the data set again.") from error

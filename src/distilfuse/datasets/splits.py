"""Which pair belongs to which split, and the SHA-256 of each listed file.

The lists are those this project trained and measured with, of the files as they are distributed: RoadScene and LLVIP
as JPEG, MSRS, TNO and the Harvard slices as PNG. ``sha256/SET.txt`` has the form of ``sha256sum``, so that
``sha256sum -c`` checks a set in our layout as well. A file that was stored again (another format, quality or tool)
has other bytes and perhaps other pixels; scores on it are not comparable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import PurePosixPath

from distilfuse.datasets.catalogue import DATASETS
from distilfuse.errors import ConfigError


@dataclass(frozen=True)
class ListedPair:
    """One pair of the lists, in our own layout."""

    name: str
    split: str
    """``train`` or ``test``: the original list."""
    visible: str
    """Path within the set's folder: ``vi/NAME.jpg``, ``train/a/NAME.png``."""
    infrared: str
    visible_sha256: str
    infrared_sha256: str


def split_stems(dataset: str, split: str) -> list[str]:
    """Stems of a published split.

    ``validation`` is every ninth pair of the original training list, ``train`` the rest of it, ``test`` the
    original test list; nothing is trained or chosen on ``test``.

    Raises:
        ConfigError: an unknown data set, or one without that split.
    """
    splits = _lists()
    listed = DATASETS[dataset].listed if dataset in DATASETS else dataset
    if listed not in splits:
        raise ConfigError(f"There is no split list for data set {dataset!r}: choose from {', '.join(sorted(splits))}.")
    original = "test" if split == "test" else "train"
    stems = splits[listed].get(original)
    if stems is None:
        raise ConfigError(f"Data set {dataset!r} has no {split!r} split: it is for {', '.join(splits[listed])} only.")
    if split == "test":
        return list(stems)
    return divide(stems, split)


def is_listed(dataset: str) -> bool:
    """Whether there are split lists of a data set; there are none of a set of your own."""
    return (DATASETS[dataset].listed if dataset in DATASETS else dataset) in _lists()


def divide(stems: Sequence[str], split: str) -> list[str]:
    """The part of a training list that is trained on, or the one that is kept for validation: every ninth.

    Raises:
        ConfigError: neither ``train`` nor ``validation``.
    """
    if split not in ("train", "validation"):
        raise ConfigError(f"Unknown split {split!r}: choose from train, validation, test.")
    return [stem for k, stem in enumerate(stems) if (k % 9 == 4) == (split == "validation")]


@lru_cache(maxsize=16)
def listed_pairs(listed: str) -> tuple[ListedPair, ...]:
    """All pairs of a set's lists with their checksums, train before test, in the lists' order.

    Args:
        listed: a record's :attr:`~distilfuse.datasets.record.DatasetRecord.listed`.
    """
    text = resources.files("distilfuse.datasets").joinpath("sha256").joinpath(f"{listed}.txt").read_text("utf-8")
    files: dict[tuple[str, str], tuple[str, str]] = {}
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        pure = PurePosixPath(path)
        files[str(pure.parent), pure.stem] = (path, digest)
    pairs = []
    for split, stems in _lists()[listed].items():
        for stem in stems:
            first, second = ("vi", "ir") if ("vi", stem) in files else (f"{split}/a", f"{split}/b")
            (visible, visible_sha), (infrared, infrared_sha) = files[first, stem], files[second, stem]
            pairs.append(ListedPair(stem, split, visible, infrared, visible_sha, infrared_sha))
    return tuple(pairs)


@lru_cache(maxsize=1)
def _lists() -> Mapping[str, Mapping[str, list[str]]]:
    text = resources.files("distilfuse.datasets").joinpath("splits.json").read_text("utf-8")
    lists: Mapping[str, Mapping[str, list[str]]] = json.loads(text)
    return lists

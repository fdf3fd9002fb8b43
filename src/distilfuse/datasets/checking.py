"""Is a set complete and whole: every listed file there, readable, with the bytes it was listed with, sizes equal."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distilfuse.datasets.layouts import FoundLayout, find_layout
from distilfuse.datasets.record import DatasetRecord
from distilfuse.datasets.splits import ListedPair, listed_pairs, split_stems
from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.pairs import Matching
from distilfuse.imaging.reading import read_image

PROBLEMS = {
    "missing": "listed, but not there",
    "corrupted": "cannot be decoded",
    "another version": "readable, but other bytes than listed: scores on it are not comparable",
    "sizes differ": "the two of a pair differ in size",
    "no partner": "the other picture of the pair is not there",
    "ambiguous": "several files claim one name",
    "extra": "there, but not listed",
    "incomplete": "fewer or more pairs than the split has",
}
"""What can be wrong, and in words."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    kind: str
    """A key of :data:`PROBLEMS`."""
    what: str
    """File or pair."""
    detail: str = ""


@dataclass(frozen=True)
class Item:
    """One pair to look at."""

    name: str
    visible: Path
    infrared: Path
    listed: ListedPair | None


@dataclass(frozen=True, kw_only=True)
class CheckPlan:
    """What will be looked at, and what is wrong by the names alone."""

    found: FoundLayout
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    unlisted: int
    """Pairs beyond a list that names only a part of the set: no fault."""


def plan_check(record: DatasetRecord, root: Path, split: str | None = None) -> CheckPlan:
    """Compare the names under a folder with the lists.

    Args:
        record: the set.
        root: see :func:`distilfuse.datasets.layouts.find_layout`.
        split: only this one: ``train``, ``validation`` or ``test`` of the lists, or a folder of the archive.

    Raises:
        InputError: the set is not there in a known layout, or holds no pictures.
        ConfigError: an unknown split.
    """
    found = find_layout(record, root)
    listed = _listed(record, found, split)
    items: list[Item] = []
    problems: list[Problem] = []
    unlisted = 0
    for part in _parts(record, found, split):
        matching = found.matching(part)
        expected = {pair.name: pair for pair in listed if part in ("", pair.split)}
        # In one folder for all splits, a file of another split is neither missing nor extra.
        others = {pair.name for pair in _all_listed(record)} - expected.keys() if not part else set()
        problems += _missing(found, part, matching, expected, others)
        for pair in matching.pairs:
            if pair.name in others:
                continue
            if pair.name not in expected and record.complete:
                problems.append(Problem("extra", str(pair.visible)))
            elif pair.name not in expected and expected:
                unlisted += 1
            items.append(Item(pair.name, pair.visible, pair.infrared, expected.get(pair.name)))
        official = record.pairs.get(part)
        if official is not None and not record.complete and len(matching.pairs) != official:
            problems.append(Problem("incomplete", part, f"{len(matching.pairs)} pairs of {official}"))
    return CheckPlan(found=found, items=tuple(items), problems=tuple(problems), unlisted=unlisted)


def run_check(plan: CheckPlan) -> Iterator[tuple[Item, tuple[Problem, ...]]]:
    """Read pair after pair; for each what is wrong with it."""
    for item in plan.items:
        problems: list[Problem] = []
        sizes = []
        listed = item.listed
        for path, digest in (
            (item.visible, listed.visible_sha256 if listed else None),
            (item.infrared, listed.infrared_sha256 if listed else None),
        ):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of depth and the like, which is no fault of the file
                    sizes.append(read_image(path).size)
            except InputError as error:
                problems.append(Problem("corrupted", str(path), str(error)))
                continue
            if digest is not None and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                problems.append(Problem("another version", str(path)))
        if len(sizes) == 2 and sizes[0] != sizes[1]:
            detail = " and ".join(f"{width}x{height}" for width, height in sizes)
            problems.append(Problem("sizes differ", item.name, detail))
        yield item, tuple(problems)


def _all_listed(record: DatasetRecord) -> tuple[ListedPair, ...]:
    return listed_pairs(record.listed) if record.listed else ()


def _listed(record: DatasetRecord, found: FoundLayout, split: str | None) -> tuple[ListedPair, ...]:
    """The listed pairs that are looked for."""
    if found.layout.scenes:
        return ()  # the lists name the pairs of a flat copy
    every = _all_listed(record)
    if split is None:
        return every
    if split in found.layout.splits and not any(pair.split == split for pair in every):
        return ()
    if not record.listed:
        parts = ", ".join(found.layout.splits)
        raise ConfigError(
            f"Data set {record.name!r} has no {split!r} split: "
            + (f"choose from {parts}." if parts else "leave the split out.")
        )
    stems = set(split_stems(record.name, split))
    original = "test" if split == "test" else "train"
    return tuple(pair for pair in every if pair.split == original and pair.name in stems)


def _parts(record: DatasetRecord, found: FoundLayout, split: str | None) -> tuple[str, ...]:
    """The split folders to look at."""
    if not found.layout.splits:
        return ("",)
    if split is None:
        # Whoever has only one part of a large set has not lost the other, unless the lists name pairs of it.
        needed = {pair.split for pair in _all_listed(record)} if record.complete else set()
        return tuple(part for part in found.layout.splits if part in found.splits or part in needed)
    return (split if split in found.layout.splits else "train",)


def _missing(
    found: FoundLayout,
    part: str,
    matching: Matching,
    expected: dict[str, ListedPair],
    others: set[str],
) -> list[Problem]:
    """Listed files that are not there, and files without the other one of their pair."""
    paired = {pair.name for pair in matching.pairs}
    claimed = {path.stem for group in matching.ambiguous for path in group}
    problems = [Problem("ambiguous", ", ".join(map(str, group))) for group in matching.ambiguous]
    lone = ({path.stem for path in matching.unmatched_visible}, {path.stem for path in matching.unmatched_infrared})
    if expected:
        folders = found.folders(part)
        for name in expected.keys() - paired - claimed:
            for folder, there in zip(folders, lone, strict=True):
                if name not in there:
                    problems.append(Problem("missing", str(folder / name)))
    for path in (*matching.unmatched_visible, *matching.unmatched_infrared):
        if path.stem not in expected and path.stem not in others:
            problems.append(Problem("no partner", str(path)))
    return sorted(problems, key=lambda problem: problem.what)

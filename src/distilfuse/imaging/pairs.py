"""Pairs by name: which file of one folder belongs to which of the other.

Never by order of listing: one missing file would then pair every later picture with a stranger.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from distilfuse.errors import InputError
from distilfuse.imaging.reading import READABLE

VISIBLE_WORDS = ("visible", "vis", "vi", "rgb", "colour", "color", "eo", "w", "v")
INFRARED_WORDS = ("infrared", "thermal", "lwir", "tir", "ir", "t", "i")
"""What recorders and data sets put before or behind a name, set off by ``_``, ``-``, ``.`` or a space."""


@dataclass(frozen=True)
class Pair:
    """Two files that show one scene."""

    name: str
    """The visible file's stem, behind the sub-folder that it lies in."""
    visible: Path
    infrared: Path


@dataclass(frozen=True)
class Matching:
    """What became of each file of two folders."""

    pairs: tuple[Pair, ...]
    """Sorted by name."""
    unmatched_visible: tuple[Path, ...]
    unmatched_infrared: tuple[Path, ...]
    ambiguous: tuple[tuple[Path, ...], ...]
    """Files that lay claim to one name: none of them is paired."""


def list_pictures(folder: Path, recursive: bool = False, without: Path | None = None) -> list[Path]:
    """The picture files in a folder, sorted by name, hidden ones left out.

    Args:
        folder: to look into.
        recursive: look into its sub-folders, too.
        without: a folder to leave out.

    Raises:
        InputError: no such folder, not a folder, or no pictures in it.
    """
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {state}: name a folder with pictures.")
    left_out = without.resolve() if without else None
    files = sorted(
        path
        for path in (folder.rglob("*") if recursive else folder.iterdir())
        if path.suffix.lower() in READABLE
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
        and (not recursive or left_out is None or left_out not in path.resolve().parents)
    )
    if not files:
        mend = "name another folder"
        if not recursive and any(path.suffix.lower() in READABLE for path in folder.rglob("*")):
            mend = "its sub-folders do, which --recursive (recursive=True) looks into"
        raise InputError(f"{folder} holds no pictures ({', '.join(READABLE)}): {mend}.")
    return files


def match_folders(visible: Path, infrared: Path, *, recursive: bool = False, without: Path | None = None) -> Matching:
    """Pair the pictures of two folders by stem.

    Equal stems belong together, whatever their suffix and letter case. Among the rest, stems are compared
    without the words of :data:`VISIBLE_WORDS` and :data:`INFRARED_WORDS` at either end: ``01_vis.png`` and
    ``IR-01.tif`` are a pair. Both arguments may be the same folder; such words then tell the two apart.

    Args:
        visible: a folder.
        infrared: a folder.
        recursive: pair the pictures of sub-folders, too, each with those of the sub-folder of the same name.
        without: a folder to leave out, such as that of results.

    Raises:
        InputError: see :func:`list_pictures`; or not a single name matches.
    """
    visible_files, infrared_files = (list_pictures(folder, recursive, without) for folder in (visible, infrared))
    if visible.resolve() == infrared.resolve():
        infrared_files = [path for path in infrared_files if _bare(path, INFRARED_WORDS) != _stem(path)]
        visible_files = [path for path in visible_files if path not in set(infrared_files)]
    left, right = (
        _by_folder(files, folder) for files, folder in ((visible_files, visible), (infrared_files, infrared))
    )
    parts = [_within(where, match(left[where], right[where])) for where in sorted({*left, *right})]
    matching = Matching(
        *(tuple(file for part in parts for file in getattr(part, of)) for of in Matching.__dataclass_fields__)
    )
    if not matching.pairs and not matching.ambiguous:
        examples = " and ".join(files[0].name for files in (visible_files, infrared_files) if files)
        raise InputError(
            f"No name in {visible} matches one in {infrared} (there are files such as {examples}): name both "
            "files of a pair alike, apart from endings such as _vis and _ir."
        )
    return matching


def match(
    visible: Iterable[Path],
    infrared: Iterable[Path],
    *,
    words: tuple[tuple[str, ...], tuple[str, ...]] = (VISIBLE_WORDS, INFRARED_WORDS),
) -> Matching:
    """Pair files by stem, as :func:`match_folders` does; ``words`` are those left out of the one and the other."""
    pairs: list[Pair] = []
    ambiguous: list[tuple[Path, ...]] = []
    left, right = list(visible), list(infrared)
    for visible_words, infrared_words in (((), ()), words):
        left_by_key = _group(left, visible_words)
        right_by_key = _group(right, infrared_words)
        used: set[Path] = set()
        for key in left_by_key.keys() & right_by_key.keys():
            lefts, rights = left_by_key[key], right_by_key[key]
            if len(lefts) == 1 and len(rights) == 1:
                pairs.append(Pair(lefts[0].stem, lefts[0], rights[0]))
            else:
                ambiguous.append((*lefts, *rights))
            used.update(lefts, rights)
        left = [path for path in left if path not in used]
        right = [path for path in right if path not in used]
    return Matching(
        pairs=tuple(sorted(pairs, key=lambda pair: (pair.name, pair.visible))),
        unmatched_visible=tuple(left),
        unmatched_infrared=tuple(right),
        ambiguous=tuple(sorted(ambiguous)),
    )


def _by_folder(files: Iterable[Path], top: Path) -> defaultdict[Path, list[Path]]:
    folders: defaultdict[Path, list[Path]] = defaultdict(list)
    for path in files:
        folders[path.parent.relative_to(top)].append(path)
    return folders


def _within(where: Path, matching: Matching) -> Matching:
    """The names of pairs with the sub-folder that they lie in."""
    pairs = tuple(replace(pair, name=(where / pair.name).as_posix()) for pair in matching.pairs)
    return replace(matching, pairs=pairs)


def _group(files: Iterable[Path], words: tuple[str, ...]) -> Mapping[str, list[Path]]:
    groups: defaultdict[str, list[Path]] = defaultdict(list)
    for path in files:
        groups[_bare(path, words)].append(path)
    return groups


def _stem(path: Path) -> str:
    return path.stem.casefold()


def _bare(path: Path, words: tuple[str, ...]) -> str:
    """The stem without one word at the end or, failing that, at the beginning."""
    stem = _stem(path)
    if not words:
        return stem
    choice = "|".join(words)
    for pattern in (rf"^(?P<rest>.+)[_\-. ](?:{choice})$", rf"^(?:{choice})[_\-. ](?P<rest>.+)$"):
        if found := re.match(pattern, stem):
            return found["rest"]
    return stem

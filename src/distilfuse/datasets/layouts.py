"""How a set lies on this disk: which of its known layouts, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from distilfuse.datasets.record import DatasetRecord, Layout
from distilfuse.datasets.tno_scenes import match_scenes
from distilfuse.errors import InputError
from distilfuse.imaging.pairs import Matching, Pair, list_pictures, match


@dataclass(frozen=True)
class FoundLayout:
    """A layout that was met."""

    layout: Layout
    folder: Path
    """What the layout's folders are relative to."""
    splits: tuple[str, ...]
    """Split folders that are there; ``("",)`` where all pairs lie together."""

    def folders(self, split: str) -> tuple[Path, Path]:
        """Folders of A and B.

        Args:
            split: one of :attr:`splits`.

        Raises:
            InputError: the split's folders are not there.
        """
        found = _both(self.folder, self.layout, split)
        if found is None:
            where = self.folder / self.layout.visible.format(split=split)
            raise InputError(f"There is no folder {where} or none beside it: check the path of the data set.")
        return found

    def matching(self, split: str) -> Matching:
        """The pairs of a split's folders and what is left over, by name.

        Raises:
            InputError: a folder is missing or holds no pictures.
        """
        if self.layout.scenes:
            return match_scenes(self.folder)
        visible, infrared = self.folders(split)
        return _match_stems(list_pictures(visible), list_pictures(infrared))

    @property
    def boxes(self) -> Path | None:
        """Folder of the boxes for detection, if it is there."""
        return _descend(self.folder, self.layout.boxes) if self.layout.boxes else None

    def __str__(self) -> str:
        """For messages: the title and the folders."""
        if self.layout.scenes:
            return f"{self.layout.title} in {self.folder}"
        splits = f", {', '.join(self.splits)}" if self.splits != ("",) else ""
        return f"{self.layout.title} ({self.layout.visible} and {self.layout.infrared}{splits}) in {self.folder}"


def find_layout(record: DatasetRecord, root: Path) -> FoundLayout:
    """Find out how a set lies under a folder.

    Args:
        record: the set.
        root: the set's folder, or one that holds it under one of the names that it goes by.

    Raises:
        InputError: no such folder, or none of the known layouts is there; the message names them.
    """
    if not root.is_dir():
        state = "is not a folder" if root.exists() else "does not exist"
        raise InputError(f"{root} {state}: check the path of the data set.")
    for folder in _candidates(record, root):
        for layout in record.layouts:
            if layout.scenes:
                if any(_descend(folder, name) for name in layout.scenes):
                    return FoundLayout(layout, folder, ("",))
                continue
            splits = tuple(split for split in layout.splits or ("",) if _both(folder, layout, split))
            if splits:
                return FoundLayout(layout, folder, splits)
    known = "; ".join(dict.fromkeys(_words(layout) for layout in record.layouts))
    raise InputError(
        f"{root} holds no {record.name} in a layout that is known ({known}): check the path of the data set."
    )


def _words(layout: Layout) -> str:
    if layout.scenes:
        return f"{layout.scenes[0]}, ..."
    split = "|".join(layout.splits)
    return " and ".join(part.format(split=f"({split})") for part in (layout.visible, layout.infrared))


def _candidates(record: DatasetRecord, root: Path) -> Iterator[Path]:
    """Folders under a name of the set before the folder itself; archives often unpack one into another."""
    names = {name.casefold() for name in record.folders}
    children = _children(root, names)
    for child in children:
        yield from _children(child, names)
        yield child
    yield root


def _children(folder: Path, names: set[str]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.casefold() in names and path.is_dir())


def _both(folder: Path, layout: Layout, split: str) -> tuple[Path, Path] | None:
    visible = _descend(folder, layout.visible.format(split=split))
    infrared = _descend(folder, layout.infrared.format(split=split))
    return (visible, infrared) if visible and infrared else None


def _descend(folder: Path, relative: str) -> Path | None:
    """The folder at a relative path, in whatever letter case; an exact name goes first."""
    for part in Path(relative).parts:
        exact = folder / part
        if exact.is_dir():
            folder = exact
            continue
        alike = _children(folder, {part.casefold()})
        if not alike:
            return None
        folder = alike[0]
    return folder


def _match_stems(visible: list[Path], infrared: list[Path]) -> Matching:
    """As :func:`distilfuse.imaging.pairs.match`, but quick where thousands of names are simply equal."""
    left, right = _by_stem(visible), _by_stem(infrared)
    plain = {stem for stem in left.keys() & right.keys() if len(left[stem]) == len(right[stem]) == 1}
    pairs = [Pair(left[stem][0].stem, left[stem][0], right[stem][0]) for stem in plain]
    rest = match(
        (path for stem, paths in left.items() if stem not in plain for path in paths),
        (path for stem, paths in right.items() if stem not in plain for path in paths),
    )
    return Matching(
        tuple(sorted((*pairs, *rest.pairs), key=lambda pair: (pair.name, pair.visible))),
        rest.unmatched_visible,
        rest.unmatched_infrared,
        rest.ambiguous,
    )


def _by_stem(files: Iterable[Path]) -> dict[str, list[Path]]:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for path in files:
        found[path.stem.casefold()].append(path)
    return dict(found)

"""What is known of a published set of picture pairs, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the pictures lie in one distribution of a set. Letter case of folders does not matter."""

    title: str
    visible: str
    """Folder of A, relative to the set's folder; ``{split}`` stands for one of :attr:`splits`."""
    infrared: str
    """Folder of B, likewise."""
    splits: tuple[str, ...] = ()
    """Splits that are folders of their own; empty where all pairs lie together."""
    boxes: str = ""
    """Folder of the boxes for detection, where the set has them."""
    scenes: tuple[str, ...] = ()
    """Only for TNO's archive: its folders by camera, one of which must be there; pairs lie in folders by scene."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Public addresses of single files; ``{name}`` stands for the pair's name."""

    visible: str
    infrared: str
    split: str = ""
    """For this split only; empty for all."""
    starts: tuple[str, ...] = ("",)
    """For names that begin so."""


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """One set."""

    name: str
    """``msrs``, ``harvard-ct-mri``, ..."""
    title: str
    a: str
    """What the picture in the visible place shows."""
    b: str
    """What the picture in the infrared place shows."""
    pairs: Mapping[str, int]
    """Official split (or part) to its number of pairs."""
    size: str
    """Of the pictures, in pixels, and their format."""
    page: str
    """Official public page or repository."""
    get: str
    """How to get it by hand: one sentence."""
    terms: str
    """Licence or terms: one sentence."""
    reference: str
    """The paper to cite."""
    use: str
    """What this project uses it for: one sentence."""
    folders: tuple[str, ...]
    """Names that the set's folder goes by, also as unpacked from archives."""
    layouts: tuple[Layout, ...]
    """Those known, in the order in which they are tried."""
    listed: str = ""
    """Its name in the split lists and of its folder there; empty where there is no list."""
    complete: bool = False
    """Whether the lists name every pair of the set; else they name a part of it."""
    remote: tuple[Remote, ...] = field(default=())
    """Where the listed files can be fetched one by one; empty where there is no direct public address."""

"""The pictures of a report: which pairs, how large, and as text that lies in the page."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import DistilfuseError
from distilfuse.evaluation.scores import ScoreTable
from distilfuse.evaluation.sources import read_picture
from distilfuse.imaging.scaling import PictureWarning
from distilfuse.metrics import METRICS

LOSSLESS_SIDE = 256
"""Pictures up to this size stay as they are, in PNG; larger ones become JPEG."""

STEPS = ((640, 90), (640, 80), (512, 75), (384, 70), (256, 70))
"""Longest side and JPEG quality, tried in this order until all pictures fit."""

Fused = Callable[[str, str, str], NDArray[np.uint8] | None]


@dataclass(frozen=True)
class Encoded:
    """One picture as it lies in the page."""

    kind: str
    """``png`` or ``jpeg``."""
    content: bytes

    @property
    def size(self) -> int:
        """Characters of :attr:`address`, nearly."""
        return 4 * len(self.content) // 3 + 32

    @property
    def address(self) -> str:
        """The picture as a ``data:`` address."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode('ascii')}"


@dataclass(frozen=True)
class Views:
    """The pictures of one pair: visible, infrared, then one a method."""

    dataset: str
    name: str
    pictures: tuple[Encoded | None, ...]
    reasons: Mapping[int, str] = field(default_factory=dict)
    """Which picture could not be had, and why."""

    @property
    def size(self) -> int:
        """Characters that the pictures take in the page."""
        return sum(picture.size for picture in self.pictures if picture)


@dataclass(frozen=True)
class Gallery:
    """What is embedded."""

    pairs: tuple[Views, ...] = ()
    """Worst first."""
    side: int = STEPS[0][0]
    quality: int = STEPS[0][1]
    """Of JPEG."""
    dropped: int = 0
    """Pairs that were chosen but did not fit."""


def choose_pairs(
    table: ScoreTable, *, metric: str, among: Container[tuple[str, str]], count: int
) -> list[tuple[str, str]]:
    """The pairs that some method fuses worst: every set's, every method's worst, then each one's second worst, ...

    Args:
        table: the scores.
        metric: decides what is bad; pairs without a value in it are not chosen.
        among: (set, pair) that there are pictures of.
        count: how many at most.

    Returns:
        (set, pair), worst first.
    """
    sign = 1 if METRICS[metric].higher_is_better else -1
    scored: dict[str, dict[str, list[tuple[float, str]]]] = {}
    for row in table.rows:
        value = row.values[metric]
        if not np.isnan(value) and (row.dataset, row.name) in among:
            scored.setdefault(row.dataset, {}).setdefault(row.method, []).append((sign * value, row.name))
    by_set = [
        list(
            dict.fromkeys(_in_turn([[(dataset, name) for _, name in sorted(entries)] for entries in methods.values()]))
        )
        for dataset, methods in scored.items()
    ]
    return list(islice(_in_turn(by_set), max(0, count)))


def embed(
    chosen: Sequence[tuple[str, str]],
    *,
    sources: Mapping[tuple[str, str], tuple[Path, Path]],
    fused: Fused,
    methods: Sequence[str],
    budget: int,
) -> Gallery:
    """Read, fuse and encode the chosen pairs; where they do not fit, shrink all, then leave out the least bad.

    Args:
        chosen: (set, pair), worst first.
        sources: (set, pair) to the visible and the infrared file.
        fused: method, set, pair to the fused picture or None.
        methods: in the order of the report.
        budget: characters that all pictures may take together.
    """
    side, quality = STEPS[0]
    pairs = [_views(dataset, name, sources[dataset, name], fused, methods) for dataset, name in chosen]
    for side, quality in STEPS:
        if (side, quality) != STEPS[0]:
            pairs = [_shrunk(views, side, quality) for views in pairs]
        if sum(views.size for views in pairs) <= budget:
            break
    kept = list(pairs)
    while kept and sum(views.size for views in kept) > budget:
        kept.pop()
    return Gallery(tuple(kept), side, quality, len(pairs) - len(kept))


def encode(image: Image.Image, *, side: int, quality: int) -> Encoded:
    """A grey or RGB picture at no more than ``side`` pixels; PNG and untouched up to :data:`LOSSLESS_SIDE`."""
    content = io.BytesIO()
    if max(image.size) <= LOSSLESS_SIDE:
        image.save(content, "PNG")
        return Encoded("png", content.getvalue())
    if max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    image.save(content, "JPEG", quality=quality, subsampling=0)
    return Encoded("jpeg", content.getvalue())


def _in_turn(orders: Sequence[Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    return (item for items in zip_longest(*orders) for item in items if item is not None)


def _views(dataset: str, name: str, files: tuple[Path, Path], fused: Fused, methods: Sequence[str]) -> Views:
    makers: list[Callable[[], Image.Image | None]] = [partial(_read, file) for file in files]
    makers += [partial(_fetch, fused, method, dataset, name) for method in methods]
    pictures: list[Encoded | None] = []
    reasons = {}
    side, quality = STEPS[0]
    for place, make in enumerate(makers):
        try:
            image = make()
        except DistilfuseError as error:  # a report without one picture is better than none
            image = None
            reasons[place] = str(error)
        pictures.append(encode(image, side=side, quality=quality) if image else None)
    return Views(dataset, name, tuple(pictures), reasons)


def _read(file: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PictureWarning)  # said when the pair was scored
        return Image.fromarray(read_picture(file)[0])


def _fetch(fused: Fused, method: str, dataset: str, name: str) -> Image.Image | None:
    pixels = fused(method, dataset, name)
    return None if pixels is None else Image.fromarray(np.ascontiguousarray(pixels, np.uint8))


def _shrunk(views: Views, side: int, quality: int) -> Views:
    """The same pictures smaller; those in PNG are small already."""

    def again(picture: Encoded | None) -> Encoded | None:
        if picture is None or picture.kind == "png":
            return picture
        with Image.open(io.BytesIO(picture.content)) as image:
            return encode(image, side=side, quality=quality)

    return replace(views, pictures=tuple(again(picture) for picture in views.pictures))

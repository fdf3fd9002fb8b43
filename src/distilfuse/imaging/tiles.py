"""Tiles: a large picture in parts that fit into memory, each with what surrounds it, covering every pixel once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """A part of a picture and what is read to compute it. Rows and columns are half-open, from 0."""

    core: tuple[slice, slice]
    """Rows and columns of the picture that this tile answers for."""
    whole: tuple[slice, slice]
    """The core and its surroundings, cut off where the picture ends."""

    @property
    def inner(self) -> tuple[slice, slice]:
        """The core as it lies in :attr:`whole`."""
        rows, columns = (
            slice(core.start - whole.start, core.stop - whole.start)
            for core, whole in zip(self.core, self.whole, strict=True)
        )
        return rows, columns


def tiles(height: int, width: int, *, side: int, halo: int, multiple: int) -> Iterator[Tile]:
    """Cover a picture, row by row.

    Every tile begins at a multiple of ``multiple``, so that a network with strides sees each pixel at the place in its
    grid that it has in the whole picture.

    Args:
        height: of the picture, at least 1.
        width: of the picture, at least 1.
        side: of a core, rounded down to a multiple (but at least one); the last may be smaller.
        halo: pixels around the core that reach into it, rounded up to a multiple.
        multiple: at least 1.
    """
    step = max(1, side // multiple) * multiple
    margin = -(-halo // multiple) * multiple
    for top in range(0, height, step):
        for left in range(0, width, step):
            bottom, right = min(top + step, height), min(left + step, width)
            yield Tile(
                core=(slice(top, bottom), slice(left, right)),
                whole=(
                    slice(max(0, top - margin), min(height, bottom + margin)),
                    slice(max(0, left - margin), min(width, right + margin)),
                ),
            )

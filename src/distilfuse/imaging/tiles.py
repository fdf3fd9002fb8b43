"""Tiles: a large picture in parts that fit into memory, each with what surrounds it, covering every pixel once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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


def blend(target: NDArray[Any], part: NDArray[Any], tile: Tile) -> None:
    """Lay a tile over what the tiles above and to the left left there: from theirs to its own across the overlap.

    Args:
        target: the tile's whole part of the picture, ``H x W`` or ``H x W x 3``; written to.
        part: what the tile makes of it, of that shape and type.
        tile: where it lies.
    """
    # Half of the overlap lies on either side of the core's border; at the picture's there is none.
    ramps = [
        np.minimum((np.arange(size, dtype=np.float32) + 0.5) / max(0.5, 2 * inner.start), 1)
        for inner, size in zip(tile.inner, part.shape[:2], strict=True)
    ]
    weight = np.minimum.outer(*ramps).reshape(part.shape[:2] + (1,) * (part.ndim - 2))
    mixed = target + weight * (part.astype(np.float32) - target)
    target[...] = mixed if part.dtype.kind == "f" else np.rint(mixed)

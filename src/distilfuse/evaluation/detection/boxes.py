"""Boxes about things in a picture: found by a detector, or known to be there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distilfuse.errors import InputError


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes of one picture. Made by :func:`make_boxes`, which checks them."""

    corners: NDArray[np.float64]
    """``N x 4``: left, top, right, bottom edge in pixels from the upper left corner of the picture."""
    labels: tuple[str, ...]
    """Class of each. The case of letters counts for nothing."""
    scores: NDArray[np.float64]
    """``N``: how sure the detector is, higher is surer; 1 where the box is known to be there."""
    optional: NDArray[np.bool_]
    """``N``: a known box that may be found or not (VOC's "difficult", COCO's "crowd"); neither counts."""

    def __len__(self) -> int:
        return len(self.labels)


def make_boxes(
    corners: ArrayLike,
    labels: tuple[str, ...] | list[str],
    *,
    scores: ArrayLike | None = None,
    optional: ArrayLike | None = None,
) -> Boxes:
    """Boxes from plain numbers.

    Args:
        corners: ``N x 4``, see :class:`Boxes`; ``[]`` for none.
        labels: N names.
        scores: N numbers, by default 1.
        optional: N truth values, by default False.

    Raises:
        InputError: numbers that do not agree in count, NaN or infinity, or a right edge left of the left one.
    """
    count = len(labels)
    edges = np.asarray(corners, np.float64).reshape(-1, 4) if np.size(corners) else np.empty((0, 4))
    sure = np.ones(count) if scores is None else np.asarray(scores, np.float64).reshape(-1)
    may_miss = np.zeros(count, np.bool_) if optional is None else np.asarray(optional, np.bool_).reshape(-1)
    if not len(edges) == count == len(sure) == len(may_miss):
        raise InputError(f"{len(edges)} boxes with {count} labels and {len(sure)} scores: give one of each a box.")
    if not (np.isfinite(edges).all() and np.isfinite(sure).all()):
        raise InputError("A box has NaN or infinity among its corners or as its score.")
    turned = (edges[:, 2] < edges[:, 0]) | (edges[:, 3] < edges[:, 1])
    if turned.any():
        bad = ", ".join(f"{value:g}" for value in edges[int(np.argmax(turned))])
        raise InputError(f"The box ({bad}) ends before it begins: the order is left, top, right, bottom.")
    return Boxes(edges, tuple(labels), sure, may_miss)

"""The coarse step: where the infrared picture may lie on the visible one, at any shift, many scales and angles.

For each scale and angle the structure maps of both are correlated at all shifts at once, in the frequency domain, and
normalised by what lies in the overlap (after Padfield, "Masked object registration in the Fourier domain", TIP 2012,
doi 10.1109/TIP.2011.2181402). A correlation over little overlap is high by chance, as 1 over the root of its area, so
it is ranked times that root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.structure import structure
from distilfuse.imaging.transforms import Matrix, Size, distance
from distilfuse.workflows.alignment.views import View

SIDE = 128
"""Longer side of the pictures in this step."""
SCALES = tuple(float(value) for value in np.geomspace(0.5, 1.35, 15))
"""Size of the infrared picture on the visible one, 1 where it just fits in: steps of 7 %."""
ANGLES = (-6.0, -3.0, 0.0, 3.0, 6.0)
"""Degrees, counter-clockwise on the screen."""
APART = 0.06
"""Share of the visible's longer side by which two candidates must differ to be two."""

_LEAST_OVERLAP = 0.6
"""Share of the smaller of the two pictures that must lie on the other."""
_PEAKS = 3
"""Shifts kept of each scale and angle."""


@dataclass(frozen=True)
class Candidate:
    """One place where the infrared picture may lie."""

    matrix: Matrix
    """Infrared to visible pixels, in the views searched."""
    score: float
    """Correlation times the root of the share of the visible picture that it is over."""


def search(
    views: Sequence[View], *, most: int = 6, advance: Callable[[int, int], None] = lambda done, total: None
) -> list[Candidate]:
    """The best places, best first; none where there is nothing to go by.

    Args:
        views: pairs of one rig, reduced to :data:`SIDE`.
        most: how many to return at most.
        advance: told how many of how many scales are done.
    """
    visible_size, infrared_size = views[0].visible_size, views[0].infrared_size
    # Pixels are square in both pictures: one scale for both directions.
    fitting = min(v / i for v, i in zip(visible_size, infrared_size, strict=True))
    field = _Field(views, reach=int(np.ceil(max(infrared_size) * fitting * max(SCALES))))
    found: list[Candidate] = []
    for number, scale in enumerate(SCALES):
        for angle in ANGLES:
            found.extend(field.best(fitting * scale, angle))
        advance(number + 1, len(SCALES))
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda one: -one.score):
        apart = APART * max(visible_size)
        if all(distance(candidate.matrix, other.matrix, infrared_size) > apart for other in kept):
            kept.append(candidate)
        if len(kept) == most:
            break
    return kept


class _Field:
    """The visible pictures in the frequency domain."""

    def __init__(self, views: Sequence[View], reach: int) -> None:
        self._views = views
        self._size: Size = views[0].visible_size
        width, height = self._size
        self._area = float(width * height)
        # Long enough that no shift with the least overlap meets the picture's repetition.
        self._shape = _fast(height + reach // 2), _fast(width + reach // 2)
        maps = [structure(view.visible) for view in views]
        self._maps = [self._forward(one) for one in maps]
        self._energy = self._forward(np.sum([np.square(one).sum(axis=0) for one in maps], axis=0))
        self._mask = self._forward(np.ones((height, width), np.float32))

    def best(self, scale: float, angle: float) -> Iterator[Candidate]:
        """The best shifts of the infrared pictures at one scale and angle."""
        cv2 = opencv()
        turn, frame = _turned(self._views[0].infrared_size, scale, angle)
        mask = _inside(self._views[0].infrared_size, turn, frame)
        product, energy = np.zeros((self._shape[0], self._shape[1] // 2 + 1), np.complex64), 0.0
        for view, maps in zip(self._views, self._maps, strict=True):
            moved = structure(cv2.warpPerspective(view.infrared, turn, frame, borderMode=cv2.BORDER_REPLICATE)) * mask
            product += (maps * self._forward(moved).conj()).sum(axis=0)
            energy += float(np.square(moved).sum())
        area = float(mask.sum())
        if not (energy and area):
            return
        shadow = self._forward(mask).conj()
        overlap, own = self._back(self._mask * shadow), self._back(self._energy * shadow)
        # What the infrared holds in the overlap is taken as its share of the area.
        their = overlap * (energy / area)
        with np.errstate(invalid="ignore", divide="ignore"):
            score = self._back(product) / np.sqrt(own * their) * np.sqrt(overlap / self._area)
        score[(overlap < _LEAST_OVERLAP * min(area, self._area)) | ~np.isfinite(score)] = -1
        radius = int(np.ceil(APART * max(self._size)))
        for _ in range(_PEAKS):
            y, x = divmod(int(score.argmax()), score.shape[1])
            value = float(score[y, x])
            if value <= 0:
                return
            # Shifts beyond the visible picture are negative ones, wrapped around.
            dx = x if x < self._size[0] else x - score.shape[1]
            dy = y if y < self._size[1] else y - score.shape[0]
            yield Candidate(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]]) @ turn, value)
            rows, columns = np.arange(y - radius, y + radius + 1), np.arange(x - radius, x + radius + 1)
            score[np.ix_(rows % score.shape[0], columns % score.shape[1])] = -1

    def _forward(self, planes: NDArray[np.float32]) -> NDArray[np.complex64]:
        return np.fft.rfft2(planes, self._shape).astype(np.complex64, copy=False)

    def _back(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        return np.fft.irfft2(spectrum, self._shape).astype(np.float32, copy=False)


def _fast(length: int) -> int:
    """The next length with no prime factor above 5: a Fourier transform of it is quick."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def _turned(size: Size, scale: float, angle: float) -> tuple[Matrix, Size]:
    """Scaled and turned, in the smallest frame that holds it all."""
    cos, sin = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    width, height = size
    wide = int(np.ceil(abs(cos) * width + abs(sin) * height))
    high = int(np.ceil(abs(sin) * width + abs(cos) * height))
    (cx, cy), (tx, ty) = ((width - 1) / 2, (height - 1) / 2), ((wide - 1) / 2, (high - 1) / 2)
    matrix = np.array([[cos, sin, tx - cos * cx - sin * cy], [-sin, cos, ty + sin * cx - cos * cy], [0, 0, 1]])
    return matrix, (wide, high)


def _inside(size: Size, matrix: Matrix, frame: Size) -> NDArray[np.float32]:
    """1 where a frame shows a picture that was moved into it, 0 at its edges and beyond."""
    cv2 = opencv()
    mask = cv2.warpPerspective(np.ones(size[::-1], np.uint8), matrix, frame, flags=cv2.INTER_NEAREST)
    return np.asarray(cv2.erode(mask, np.ones((5, 5), np.uint8), borderValue=0), np.float32)

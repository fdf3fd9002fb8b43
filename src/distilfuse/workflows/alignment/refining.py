"""The fine step: a transformation improved until the structure maps of both pictures agree best.

The enhanced correlation coefficient of Evangelidis & Psarakis ("Parametric image alignment using enhanced correlation
coefficient maximization", TPAMI 2008, doi 10.1109/TPAMI.2008.113), written out for what ``findTransformECC`` of OpenCV
lacks: several channels, several pairs of one rig at once, and parts of the picture that are held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.structure import structure
from distilfuse.imaging.transforms import Matrix, distance
from distilfuse.workflows.alignment.views import View

Mask = NDArray[np.bool_]

Cell = tuple[slice, slice]

CELLS = 8
"""Cells of the checkerboard along the longer side."""

_STILL = 0.02
"""Pixels of mean movement below which a step is the last."""
_LEAST = 0.15
"""Share of the visible picture that the infrared must cover."""
_MARGIN = np.ones((7, 7), np.uint8)
"""What is left out along the infrared's edge: structure there is that of the repeated border."""


@dataclass(frozen=True)
class Fine:
    """A refined transformation."""

    matrix: Matrix
    """Infrared to visible pixels of the views."""
    correlation: float
    """Of the structure maps over the overlap, -1..1."""
    cover: float
    """Share of the visible picture that is looked at: the overlap, or the part of it in half of the cells."""

    @property
    def score(self) -> float:
        """What to compare places by: over little overlap a correlation is high by chance."""
        return self.correlation * float(np.sqrt(self.cover))


class Refiner:
    """Pairs of one rig at one resolution, with the visible's structure maps kept."""

    def __init__(self, views: Sequence[View], *, stride: int = 1) -> None:
        """Prepare.

        Args:
            views: pairs of equal sizes.
            stride: maps are compared at every so many pixels; they are smooth, so that 2 loses nothing.
        """
        self.views = views
        self.size = views[0].visible_size
        self.infrared_size = views[0].infrared_size
        self._stride = stride
        self._targets = [self._maps(view.visible) for view in views]
        self._outline = np.ones(self.infrared_size[::-1], np.uint8)
        width, height = self.size
        # Coordinates about the centre in units of half the longer side: all parameters are of one magnitude then.
        unit = 2.0 / max(width, height)
        self._to_unit = np.array([[unit, 0, -unit * (width - 1) / 2], [0, unit, -unit * (height - 1) / 2], [0, 0, 1]])
        x, y = (np.arange(0, side, stride, dtype=np.float32) for side in self.size)
        grid = np.broadcast_arrays(x * unit + self._to_unit[0, 2], (y * unit + self._to_unit[1, 2])[:, None])
        self._x, self._y = (np.array(axis, np.float32).ravel() for axis in grid)

    def cells(self) -> tuple[list[Cell], list[Cell]]:
        """The white and the black cells of a checkerboard over the visible picture, as parts of the maps."""
        height, width = self._targets[0].shape[1:]
        side = -(-max(height, width) // CELLS)
        colours: tuple[list[Cell], list[Cell]] = ([], [])
        for row, top in enumerate(range(0, height, side)):
            for column, left in enumerate(range(0, width, side)):
                cell = slice(top, min(top + side, height)), slice(left, min(left + side, width))
                colours[(row + column) % 2].append(cell)
        return colours

    def part(self, cells: Sequence[Cell]) -> Mask:
        """The part of the visible picture that some cells make up, for :meth:`refine`."""
        mask = np.zeros(self._targets[0].shape[1:], bool)
        for cell in cells:
            mask[cell] = True
        return mask

    def maps(self, matrix: Matrix, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32], Mask]:
        """The structure maps of one pair, of the visible and of the moved infrared picture, and where both are."""
        cv2 = opencv()
        moved = cv2.warpPerspective(self.views[number].infrared, matrix, self.size, borderMode=cv2.BORDER_REPLICATE)
        return self._targets[number], self._maps(moved), self._overlap(matrix)

    def look(self, matrix: Matrix, part: Mask | None = None) -> Fine:
        """A transformation as it is, judged within a part of the visible picture."""
        return self._look(matrix, part, None)[0]

    def refine(self, matrix: Matrix, model: str, *, part: Mask | None = None, iterations: int = 12) -> Fine:
        """Follow the correlation uphill.

        Args:
            matrix: where to begin.
            model: how the infrared may move from there, one of :data:`distilfuse.imaging.transforms.MODELS`.
            part: what to look at, as from :meth:`part`; by default everything.
            iterations: at most.

        Returns:
            The best transformation met; its correlation is -1 where there is hardly an overlap.
        """
        best, step = self._look(matrix, part, model)
        for _ in range(iterations - 1):
            if step is None:
                break
            moved = step @ best.matrix
            moved = moved / moved[2, 2]
            if distance(moved, best.matrix, self.infrared_size) < _STILL:
                break
            there, step = self._look(moved, part, model)
            if there.correlation <= best.correlation:
                break
            best = there
        return best

    def _maps(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ascontiguousarray(structure(plane)[:, :: self._stride, :: self._stride])

    def _overlap(self, matrix: Matrix) -> Mask:
        cv2 = opencv()
        mask = cv2.warpPerspective(self._outline, matrix, self.size, flags=cv2.INTER_NEAREST)
        mask = cv2.erode(mask, _MARGIN, borderValue=0)
        return np.asarray(mask[:: self._stride, :: self._stride], bool)

    def _look(self, matrix: Matrix, part: Mask | None, model: str | None) -> tuple[Fine, Matrix | None]:
        """What a transformation is worth, and the step of a model that should make it better."""
        cv2 = opencv()
        mask = self._overlap(matrix)
        if mask.mean() < _LEAST:
            return Fine(matrix, -1.0, 0.0), None
        if part is not None:
            mask &= part
        visible = infrared = both = 0.0
        fields = np.zeros((7, *mask.shape), np.float32)
        half = 0.5 / self._stride
        for number in range(len(self.views)):
            target, maps, _ = self.maps(matrix, number)
            for aim, channel in zip(target * mask, maps, strict=True):
                inside = channel * mask
                visible += float(np.vdot(aim, aim))
                infrared += float(np.vdot(inside, inside))
                both += float(np.vdot(inside, aim))
                if model is not None:
                    gx = cv2.Sobel(channel, cv2.CV_32F, 1, 0, ksize=1, scale=half)
                    gy = cv2.Sobel(channel, cv2.CV_32F, 0, 1, ksize=1, scale=half)
                    factors = ((gx, gx), (gx, gy), (gy, gy), (gx, inside), (gy, inside), (gx, aim), (gy, aim))
                    for field, (one, other) in zip(fields, factors, strict=True):
                        field += one * other
        if visible <= 0 or infrared <= 0:
            return Fine(matrix, -1.0, 0.0), None
        seen = Fine(matrix, both / float(np.sqrt(visible * infrared)), float(mask.mean()))
        if model is None:
            return seen, None
        fields *= mask
        return seen, self._step(model, fields, infrared, both)

    def _step(self, model: str, fields: NDArray[np.float32], infrared: float, both: float) -> Matrix | None:
        """Equations 14 to 17 of the paper; the sums over channels and pairs are done, those over pixels follow."""
        jx, jy = _generators(model, self._x, self._y)
        xx, xy, yy, ix, iy, vx, vy = fields.reshape(7, -1)
        normal = ((jx * xx + jy * xy) @ jx.T + (jx * xy + jy * yy) @ jy.T).astype(np.float64)
        of_infrared = (jx @ ix + jy @ iy).astype(np.float64)
        of_visible = (jx @ vx + jy @ vy).astype(np.float64)
        try:
            back_i, back_v = np.linalg.solve(normal, np.stack([of_infrared, of_visible], axis=1)).T
        except np.linalg.LinAlgError:
            return None
        denominator = both - of_visible @ back_i
        if denominator <= 0:
            return None
        step = (infrared - of_infrared @ back_i) / denominator * back_v - back_i
        # In pixels so far; and it moves where the infrared is read, so that the picture itself moves the other way.
        read = np.eye(3) + _combined(model, step * self._to_unit[0, 0])
        if not np.isfinite(read).all() or abs(np.linalg.det(read)) < 1e-3:
            return None
        moved: Matrix = np.linalg.inv(self._to_unit) @ np.linalg.inv(read) @ self._to_unit
        return moved


def _generators(
    model: str, x: NDArray[np.float32], y: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far x and y move with each parameter, ``P x N`` each."""
    one, zero = np.ones_like(x), np.zeros_like(x)
    if model == "similarity":
        return np.stack([one, zero, x, -y]), np.stack([zero, one, y, x])
    across, down = [one, zero, x, y, zero, zero], [zero, one, zero, zero, x, y]
    if model == "homography":
        across += [-x * x, -x * y]
        down += [-x * y, -y * y]
    return np.stack(across), np.stack(down)


def _combined(model: str, p: NDArray[np.float64]) -> Matrix:
    """The same parameters as what a matrix differs by from the identity."""
    if model == "similarity":
        return np.array([[p[2], -p[3], p[0]], [p[3], p[2], p[1]], [0, 0, 0]])
    g, h = (p[6], p[7]) if model == "homography" else (0.0, 0.0)
    return np.array([[p[2], p[3], p[0]], [p[4], p[5], p[1]], [g, h, 0]])

"""A volume on the grid of another, by their affines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.volumes.volume import Grid, Volume

_FWHM = 2.354820045
"""Full width at half maximum of a Gaussian, in standard deviations."""


def resample(volume: Volume, grid: Grid, *, outside: float) -> Iterator[NDArray[np.float32]]:
    """Resample by trilinear interpolation, one slice of the other grid after the other: the whole is never held.

    Where the other grid is coarser, the volume is smoothed first to what a voxel of that grid covers (a Gaussian whose
    full width at half maximum is the voxel), or it would be aliased.

    Args:
        volume: what to resample.
        grid: the other one.
        outside: the value beyond the volume's border.

    Yields:
        ``I x J`` for each index k of the other grid.
    """
    from scipy.ndimage import affine_transform

    matrix = np.linalg.inv(volume.grid.affine) @ grid.affine
    values = _smoothed(volume.values, matrix[:3, :3])
    for k in range(grid.shape[2]):
        # "grid-constant" lets the values run out within a voxel beyond the last centre. "constant" ends at the
        # centre, where an affine that is off in the sixteenth digit already loses the outermost slice.
        yield affine_transform(
            values,
            matrix[:3, :3],
            offset=matrix[:3, :3] @ (0, 0, k) + matrix[:3, 3],
            output_shape=(*grid.shape[:2], 1),
            output=np.float32,
            order=1,
            mode="grid-constant",
            cval=outside,
        )[..., 0]


def _smoothed(values: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    covered = np.linalg.norm(matrix, axis=1)  # by a voxel of the other grid, along each axis and in voxels of this one
    sigma = np.sqrt(np.maximum(covered**2 - 1, 0)) / _FWHM
    if sigma.max() < 0.1:  # less than a hundredth of a neighbour comes in
        return values
    smoothed: NDArray[np.float32] = gaussian_filter(values, sigma, mode="nearest")
    return smoothed


def share_covered(grid: Grid, by: Grid) -> float:
    """The share of a grid's voxels whose centres lie in another grid, 0..1; of large grids that of a sample."""
    points = np.meshgrid(*(np.unique(np.linspace(0, n - 1, min(n, 64)).round()) for n in grid.shape), indexing="ij")
    index = np.stack([*(axis.ravel() for axis in points), np.ones(points[0].size)])
    where = (np.linalg.inv(by.affine) @ grid.affine @ index)[:3]
    inside = (where >= -0.5) & (where <= np.array(by.shape)[:, None] - 0.5)
    return float(inside.all(axis=0).mean())

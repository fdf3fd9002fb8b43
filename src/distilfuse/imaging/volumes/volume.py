"""A volume: values on a grid, and where that grid lies in the patient.

World coordinates are NIfTI's, in millimetres: x grows towards the patient's right, y towards anterior, z towards
superior (RAS+). DICOM's x and y grow the other way (LPS+) and are turned when a series is read. An index (i, j, k)
names the centre of a voxel, so the grid itself reaches from -0.5 to n - 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header
    from pydicom import Dataset

_FLAT = 1e-4
"""A grid whose cell has less than this share of the volume of a box with the same edges is no grid."""

Shape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where voxels lie, and the header that an output on the same grid keeps."""

    name: str
    """The path it was read from, for messages."""
    shape: Shape
    """Voxels along i, j and k."""
    affine: NDArray[np.float64]
    """``4 x 4``: (i, j, k, 1) to (x, y, z, 1) in millimetres, RAS+."""
    header: Nifti1Header | None = None
    """Of a NIfTI file."""
    datasets: tuple[Dataset, ...] = ()
    """Of a DICOM series, one a slice (k), without pixels."""

    def __post_init__(self) -> None:
        """Refuse what is no grid.

        Raises:
            InputError: no voxels along an axis; an affine that is not finite, or singular: an axis without length, or
                two along one line.
        """
        if 0 in self.shape:
            raise InputError(f"{self.name} has the shape {self.shape} and so holds nothing: export it again.")
        if not np.isfinite(self.affine).all():
            raise InputError(f"{self.name} has an affine with NaN or infinite entries: repair its header.")
        if not abs(np.linalg.det(self.affine[:3, :3])) > _FLAT * self.spacing.prod():
            raise InputError(
                f"{self.name} has a singular affine, so that its voxels lie in a plane or on a line: repair its header."
            )

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """Millimetres from voxel to voxel along i, j and k."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths

    @cached_property
    def orientation(self) -> Orientation:
        """How its axes run in the patient; that of an oblique grid is the nearest of the 48."""
        cosines = self.affine[:3, :3] / self.spacing  # cosines[x, i]: how far axis i runs along x
        axes = max(permutations(range(3)), key=lambda order: sum(abs(cosines[x, i]) for x, i in enumerate(order)))
        signs = [1 if cosines[x, i] > 0 else -1 for x, i in enumerate(axes)]
        return Orientation((axes[0], axes[1], axes[2]), (signs[0], signs[1], signs[2]))


@dataclass(frozen=True)
class Orientation:
    """How the axes of a grid are exchanged and turned to run nearest to right, anterior and superior."""

    axes: Shape
    """Which axis of the grid runs along x, y and z."""
    signs: Shape
    """1 where it runs towards right, anterior or superior, -1 where it runs away."""

    def view(self, array: NDArray[Any]) -> NDArray[Any]:
        """The same memory with its first three axes along right, anterior and superior; further axes stay."""
        turned: NDArray[Any] = array.transpose(*self.axes, *range(3, array.ndim))
        turned = turned[tuple(slice(None, None, sign) for sign in self.signs)]
        return turned

    def grid(self, grid: Grid) -> Grid:
        """The grid on which the :meth:`view` of an array of that grid lies."""
        back = np.zeros((4, 4))  # from an index of the view to one of the array
        back[3, 3] = 1
        for axis, (source, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            back[source, axis] = sign
            back[source, 3] = 0 if sign > 0 else grid.shape[source] - 1
        i, j, k = (grid.shape[axis] for axis in self.axes)
        return Grid(name=grid.name, shape=(i, j, k), affine=grid.affine @ back)


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Values on a grid."""

    grid: Grid
    values: NDArray[np.float32]
    """``I x J x K``, all finite, in the units of the file (rescaled by its slope and intercept)."""
    modality: str = ""
    """DICOM's code: PT, CT, MR. Empty for NIfTI, which does not say."""
    remarks: tuple[str, ...] = ()
    """What the user should know of how it was read."""

    def __post_init__(self) -> None:
        """Refuse values that are none.

        Raises:
            InputError: there is a NaN or an infinity.
        """
        low, high = float(self.values.min()), float(self.values.max())  # a NaN anywhere makes both NaN
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = int(self.values.size - np.isfinite(self.values).sum())
            raise InputError(f"{self.name} holds {bad} NaN or infinite values: replace them (0 outside of the body).")

    @property
    def name(self) -> str:
        """The path it was read from."""
        return self.grid.name

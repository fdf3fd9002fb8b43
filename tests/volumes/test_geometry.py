"""Where things lie: phantoms of known geometry, on every kind of grid."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import phantoms
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import GRIDS, LARGE, MARKER, centroid, sample, save_phantom, uptake, world

from distilfuse.errors import InputError
from distilfuse.imaging.volumes.nifti import read_nifti
from distilfuse.imaging.volumes.resampling import resample, share_covered
from distilfuse.imaging.volumes.volume import Grid, Volume

RNG = np.random.default_rng(11)


def volume_of(name: str) -> Volume:
    shape, affine = GRIDS[name]
    return Volume(grid=Grid(name=name, shape=shape, affine=affine), values=sample(name, uptake).astype(np.float32))


def on_grid(volume: Volume, grid: Grid, outside: float = 0.0) -> np.ndarray:
    return np.stack(list(resample(volume, grid, outside=outside)), axis=-1)


@pytest.mark.parametrize(
    ("source", "target"),
    [("RAS", target) for target in GRIDS]
    + [(source, "oblique") for source in GRIDS if source != "RAS"]
    + [("anisotropic", "sagittal"), ("sagittal", "anisotropic"), ("sheared", "LPS"), ("LAS", "RPI")],
)
def test_a_marker_stays_where_it_is_in_the_patient(source: str, target: str) -> None:
    shape, affine = GRIDS[target]
    grid = Grid(name=target, shape=shape, affine=affine)
    moved = on_grid(volume_of(source), grid)
    assert moved.shape == shape
    for lesion, reach in ((MARKER, 14), (LARGE, 20)):
        off = np.abs(np.linalg.inv(affine[:3, :3]) @ (centroid(moved, affine, lesion, reach) - lesion))
        assert off.max() < 0.5, "voxels"
    truth = sample(target, uptake)
    coarse = max(np.linalg.norm(GRIDS[name][1][:3, :3], axis=0).max() for name in (source, target))
    assert np.abs(moved - truth).max() < (0.15 if coarse < 3 else 0.35) * truth.max()
    assert np.unravel_index(moved.argmax(), shape) == pytest.approx(np.unravel_index(truth.argmax(), shape), abs=1)


def test_a_volume_on_its_own_grid_is_itself_up_to_the_border() -> None:
    values = RNG.random((7, 6, 5), np.float32)
    affine = phantoms.affine_of(values.shape, (1.1, 0.7, 3.3), phantoms.rotation(31, 12, -50))
    grid = Grid(name="same", shape=values.shape, affine=affine)
    np.testing.assert_allclose(on_grid(Volume(grid=grid, values=values), grid, outside=-9.0), values, atol=1e-4)


def test_one_slice_is_not_lost() -> None:
    grid = Grid(name="one", shape=(5, 4, 1), affine=np.diag([2.0, 2, 6, 1]))
    volume = Volume(grid=grid, values=np.ones((5, 4, 1), np.float32))
    assert on_grid(volume, grid).min() == pytest.approx(1)


def test_outside_is_the_value_that_was_asked_for() -> None:
    inner = Grid(name="inner", shape=(4, 4, 4), affine=np.eye(4))
    outer = np.eye(4)
    outer[:3, 3] = -6
    moved = on_grid(
        Volume(grid=inner, values=np.full((4, 4, 4), 5, np.float32)),
        Grid(name="o", shape=(16,) * 3, affine=outer),
        -100,
    )
    assert (moved == 5).sum() == 64
    assert (moved == -100).sum() == 16**3 - 64


def test_a_coarser_grid_gets_means_and_no_aliasing() -> None:
    stripes = np.zeros((64, 64, 64), np.float32)
    stripes[::2] = 100
    fine = Grid(name="fine", shape=stripes.shape, affine=np.eye(4))
    coarse = Grid(name="coarse", shape=(10, 10, 10), affine=np.diag([6.0, 6, 6, 1]))
    inside = on_grid(Volume(grid=fine, values=stripes), coarse)[1:-1, 1:-1, 1:-1]
    assert np.abs(inside - 50).max() < 1, "every second voxel would be 100 or 0 without smoothing"


@settings(max_examples=60, deadline=None)
@given(
    axes=st.sampled_from(list(permutations(range(3)))),
    signs=st.sampled_from(list(product((1, -1), repeat=3))),
    angles=st.tuples(*[st.floats(-20, 20)] * 3),
)
def test_the_canonical_view_runs_to_right_anterior_superior(
    axes: tuple[int, ...], signs: tuple[int, ...], angles: tuple[float, ...]
) -> None:
    directions = phantoms.rotation(*angles) @ (np.eye(3)[:, axes] * signs)
    shape = (3, 4, 5)
    affine = phantoms.affine_of(shape, (1.0, 2.0, 3.0), directions)
    grid = Grid(name="any", shape=shape, affine=affine)
    turned = grid.orientation.grid(grid)
    assert (np.diag(turned.affine)[:3] > 0).all()
    assert np.linalg.det(turned.affine[:3, :3]) > 0
    points = world(shape, affine)  # every voxel keeps its place
    viewed = grid.orientation.view(points)
    assert viewed.shape[:3] == turned.shape
    np.testing.assert_allclose(viewed, world(turned.shape, turned.affine), atol=1e-9)
    assert np.shares_memory(viewed, points)


def test_share_covered() -> None:
    grid = Grid(name="a", shape=(10, 10, 10), affine=np.eye(4))
    half, far = np.eye(4), np.eye(4)
    half[0, 3], far[0, 3] = 5, 10
    assert share_covered(grid, grid) == 1
    assert share_covered(grid, Grid(name="b", shape=(10, 10, 10), affine=half)) == 0.5
    assert share_covered(grid, Grid(name="c", shape=(10, 10, 10), affine=far)) == 0


@pytest.mark.parametrize(
    ("affine", "said"),
    [
        (np.diag([1.0, 1, 0, 1]), "singular"),
        (np.array([[1.0, 2, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "singular"),
        (np.diag([1.0, np.nan, 1, 1]), "NaN"),
    ],
)
def test_no_grid(affine: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Grid(name="bad.nii", shape=(2, 2, 2), affine=affine)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("meter", 1e-3), ("micron", 1e3)])
def test_units_of_length(tmp_path: Path, unit: str, factor: float) -> None:
    import nibabel

    affine = GRIDS["oblique"][1].copy()
    affine[:3] *= factor
    image = nibabel.Nifti1Image(np.ones((3, 4, 5), np.float32), affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_nifti(tmp_path / "a.nii").grid.affine, GRIDS["oblique"][1], rtol=1e-5)


def test_qform_serves_where_there_is_no_sform(tmp_path: Path) -> None:
    affine = GRIDS["oblique"][1]
    path = phantoms.save_nifti(tmp_path / "q.nii", np.ones((3, 4, 5)), affine, sform=0, qform=1)
    np.testing.assert_allclose(read_nifti(path).grid.affine, affine, atol=1e-4)


def test_a_header_without_orientation_is_remarked_on(tmp_path: Path) -> None:
    path = phantoms.save_nifti(tmp_path / "n.nii", np.ones((3, 4, 5)), np.eye(4), sform=0, qform=0)
    assert "left and right are a guess" in read_nifti(path).remarks[0]
    assert read_nifti(save_phantom(tmp_path / "p.nii.gz", "RAS", uptake)).remarks == ()

"""The renderer: the committed pictures are its work, and what it shows obeys the physics it claims."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("scipy", reason="the renderer blurs with SciPy, which the extra `dev` installs")

from samples.anatomy import draw_slice
from samples.catalogue import NAMES, SCENES, photograph, render_pair
from samples.noise import Dice, hash01, noise
from samples.phantoms import PHANTOMS, computed_tomography, magnetic_resonance, uptake
from samples.render import main
from samples.scene import Frames, render
from samples.thermal import band_radiance, sky_temperature
from scipy import integrate, ndimage

from distilfuse.samples import load

Array = NDArray[Any]
SMALL = (160, 120)


@cache
def small(name: str) -> tuple[Frames, Array, Array]:
    """Frames, visible luminance and infrared of a scene at a quarter of the committed size."""
    scene = SCENES[name](0)
    frames = render(scene, *SMALL)
    visible, infrared = photograph(scene, frames, 0)
    return frames, luminance(visible), infrared.astype(float)


def luminance(visible: Array) -> Array:
    return np.asarray(visible @ np.array([0.299, 0.587, 0.114]))


def shrunk(picture: Array, by: int = 4) -> Array:
    h, w = picture.shape[0] // by, picture.shape[1] // by
    return np.asarray(picture[: h * by, : w * by].reshape(h, by, w, by).mean(axis=(1, 3)))


def against_surroundings(picture: Array, mask: Array) -> float:
    """Mean inside a mask less the mean of a border three pixels wide about it."""
    border = ndimage.binary_dilation(mask, iterations=3) & ~ndimage.binary_dilation(mask, iterations=1)
    return float(picture[mask].mean() - picture[border].mean())


# --- determinism ---------------------------------------------------------------------------------


def test_hashed_chance_never_changes() -> None:
    cells = np.array([0, 1, -1, 123456])
    assert hash01(cells, cells + 1, seed=3) == pytest.approx([0.954036, 0.692051, 0.425980, 0.178574], abs=1e-6)
    assert Dice(7).uniform() == pytest.approx(0.10805, abs=1e-5)
    assert Dice(7).normals(3)[2] == pytest.approx(-1.972, abs=1e-3)


def test_hashed_chance_is_even() -> None:
    values = Dice(11).uniforms(20000)
    assert abs(values.mean() - 0.5) < 0.01
    assert abs(values.std() - 12**-0.5) < 0.005
    assert np.histogram(values, bins=20, range=(0.0, 1.0))[0].min() > 880


def test_noise_has_no_seams_between_cells() -> None:
    at = np.stack([np.linspace(-3.0, 3.0, 6001), np.full(6001, 0.37)], axis=1)
    assert np.abs(np.diff(noise(at, seed=5))).max() < 0.003


@pytest.mark.parametrize("name", ["day-road", "spect-mri"])
def test_rendering_twice_gives_the_same_pixels_and_another_seed_gives_others(name: str) -> None:
    size = (64, 48) if name in SCENES else (64, 64)
    first, again, other = (render_pair(name, size=size, seed=seed) for seed in (0, 0, 3))
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a, b)
        assert np.abs(a.astype(int) - c).mean() > 3


@pytest.mark.parametrize("name", PHANTOMS)
def test_a_committed_phantom_is_what_the_renderer_draws(name: str) -> None:
    for drawn, stored in zip(render_pair(name), load(name), strict=True):
        difference = np.abs(drawn.astype(int) - stored)
        # Libraries of mathematics differ in the last bit between machines, which may tip a rounding.
        assert (difference <= 1).mean() > 0.995
        assert difference.mean() < 0.05


@pytest.mark.parametrize("name", SCENES)
def test_a_committed_scene_is_what_the_renderer_draws(name: str) -> None:
    _, visible, infrared = small(name)
    stored_visible, stored_infrared = load(name)
    for drawn, stored in ((visible, luminance(stored_visible)), (infrared, stored_infrared.astype(float))):
        kept = shrunk(stored)
        assert np.corrcoef(drawn.ravel(), kept.ravel())[0, 1] > 0.96
        assert np.abs(drawn - kept).mean() < 8


# --- physics of the scenes -----------------------------------------------------------------------


def test_band_radiance_is_plancks_law_from_8_to_14_micrometres() -> None:
    def exact(celsius: float) -> float:
        kelvin = celsius + 273.15
        return float(integrate.quad(lambda w: 1 / (w**5 * np.expm1(14387.77 / (w * kelvin))), 8.0, 14.0)[0])

    for celsius in (-40.0, 7.0, 36.6, 250.0):
        assert band_radiance(np.array([celsius]))[0] == pytest.approx(exact(celsius) / exact(20.0), rel=5e-3)


def test_the_clear_sky_is_coldest_overhead() -> None:
    sky = sky_temperature(np.array([0.0, 0.1, 0.5, 1.0]), air=20.0, clear=1.0)
    assert np.all(np.diff(sky) < 0)
    assert sky[0] == pytest.approx(18.0)
    assert sky[-1] < -25.0


def test_people_at_night_are_dark_to_the_eye_and_warm_to_the_thermal_camera() -> None:
    frames, visible, infrared = small("night-street")
    people, road, house = (frames.mask(label) for label in ("person", "road", "house"))
    assert people.sum() > 200
    assert frames.temperature[people].mean() > frames.temperature[road].mean() + 5
    assert infrared[people].mean() > infrared[road].mean() + 30
    assert infrared[people].mean() > infrared[house].mean() + 30
    assert visible[people].mean() < 90


def test_the_dark_gable_has_texture_only_in_the_thermal_picture() -> None:
    frames, visible, infrared = small("night-street")
    gable = ndimage.binary_erosion(frames.mask("gable"), iterations=2)
    gable &= np.arange(SMALL[0])[None, :] > SMALL[0] * 0.85  # beyond the reach of the street lamp
    assert gable.sum() > 150
    assert visible[gable].mean() < 10
    assert infrared[gable].std() > 3 * visible[gable].std()


def test_lettering_and_road_marks_show_only_in_the_visible_picture() -> None:
    visible, infrared = load("night-street")
    for sign_or_crossing in (np.s_[196:209, 487:507], np.s_[306:318, 230:370]):
        assert luminance(visible)[sign_or_crossing].std() > 10
        assert luminance(visible)[sign_or_crossing].std() > 3 * infrared[sign_or_crossing].std()


def test_engine_exhaust_and_tyres_of_the_driven_car_are_the_hottest() -> None:
    frames, _, infrared = small("night-street")
    car = frames.mask("car")
    assert frames.temperature[car].max() > 25
    assert infrared[car].max() > infrared[frames.mask("road")].mean() + 90


def test_smoke_hides_people_from_the_eye_but_not_from_the_thermal_camera() -> None:
    frames, visible, infrared = small("smoke-yard")
    people = frames.mask("hidden-person")
    assert people.sum() > 100
    assert abs(against_surroundings(visible, people)) < 15
    assert against_surroundings(infrared, people) > 30


def test_without_smoke_the_same_people_stand_out_to_the_eye() -> None:
    scene = SCENES["smoke-yard"](0)
    clear = render(dataclasses.replace(scene, medium=None), *SMALL)
    visible, infrared = photograph(scene, clear, 0)
    people = clear.mask("hidden-person")
    _, hidden, thermal = small("smoke-yard")
    assert luminance(visible)[people].mean() < hidden[people].mean() - 40
    assert abs(infrared[people].mean() - thermal[people].mean()) < 25


def test_by_day_the_road_is_hot_the_grass_cooler_and_the_sky_cold() -> None:
    frames, _, infrared = small("day-road")
    road, grass, leaves, sky = (frames.mask(label) for label in ("road", "grass", "leaves", "sky"))
    assert 35 < frames.temperature[road].mean() < 60
    assert frames.temperature[road].mean() > frames.temperature[grass].mean() + 8
    assert frames.temperature[road].mean() > frames.temperature[leaves].mean() + 10
    assert infrared[road].mean() > infrared[leaves].mean() + 50
    assert infrared[sky].mean() < 60


def test_shade_on_the_road_is_cooler_but_softer_than_it_looks() -> None:
    frames, visible, infrared = small("day-road")
    road = ndimage.binary_erosion(frames.mask("road"), iterations=2)
    middle = np.median(visible[road])
    shade, sun = road & (visible < 0.75 * middle), road & (visible > middle)
    assert shade.sum() > 100
    assert frames.temperature[sun].mean() > frames.temperature[shade].mean() + 4
    # Heat lags and spreads, so its edges are fainter than those of light, each against its own range.
    edges = [ndimage.gaussian_gradient_magnitude(p, 1.0)[road].mean() / p[road].std() for p in (visible, infrared)]
    assert edges[1] < edges[0]


# --- phantoms ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def head() -> Any:
    return draw_slice(256, 0)


def mean_where(picture: Array, head: Any, tissue: str, share: float = 0.9) -> float:
    inside = shrunk(head.tissue[tissue], 2) > share
    if tissue == "csf":
        inside &= shrunk(head.inside, 2) > 20  # the ventricles, away from the bone's glare
    assert inside.sum() >= 3, tissue
    return float(picture[inside].mean())


def test_the_shares_of_tissue_fill_every_point(head: Any) -> None:
    total = sum(head.tissue.values())
    assert np.abs(total - 1.0).max() < 1e-3
    assert min(float(share.min()) for share in head.tissue.values()) >= -1e-6


def test_ct_shows_bone_and_calcium_brightest_and_fluid_dark(head: Any) -> None:
    ct = computed_tomography(head, 2, 0)
    assert mean_where(ct, head, "bone") > 0.97
    assert mean_where(ct, head, "calcium") > 0.9
    assert mean_where(ct, head, "grey") > mean_where(ct, head, "white") > mean_where(ct, head, "csf") + 0.1


def test_mri_shows_no_bone_and_turns_fluid_from_dark_to_bright(head: Any) -> None:
    t1, t2 = (magnetic_resonance(head, 2, 0, weighting) for weighting in ("T1", "T2"))
    for picture in (t1, t2):
        assert mean_where(picture, head, "bone") < 0.15
        assert mean_where(picture, head, "calcium") < 0.4
    assert mean_where(t1, head, "csf") < mean_where(t1, head, "grey") < mean_where(t1, head, "white")
    assert mean_where(t2, head, "csf") > mean_where(t2, head, "grey") > mean_where(t2, head, "white")
    assert mean_where(t2, head, "oedema") > mean_where(t2, head, "white") + 0.2


def test_the_tracer_gathers_in_the_rim_of_the_tumour_and_in_cortex(head: Any) -> None:
    glucose, perfusion = (uptake(head, 2, 0, tracer) for tracer in ("glucose", "perfusion"))
    assert mean_where(glucose, head, "rim") > mean_where(glucose, head, "grey") + 0.15
    assert mean_where(glucose, head, "deep") > mean_where(glucose, head, "white") + 0.2
    assert mean_where(perfusion, head, "tumour") < mean_where(perfusion, head, "deep") - 0.1


def test_pet_colours_run_from_blue_over_yellow_to_red() -> None:
    pet = load("pet-mri")[0].astype(int)
    mri = load("pet-mri")[1]
    red, green, blue = pet[..., 0], pet[..., 1], pet[..., 2]
    assert ((blue > red + 60) & (blue > 100)).sum() > 1000
    assert ((red > 200) & (green > 170) & (blue < 90)).sum() > 200
    assert ((red > 180) & (green < 70)).sum() > 20
    assert pet[mri < 8].mean() < 12  # nothing is active in the air about the head


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_both_pictures_of_a_scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "new"), "--size", "64x64", "--scene", "ct-mri", "--seed", "2"]) == 0
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["ct-mri_infrared.png", "ct-mri_visible.png"]
    with Image.open(tmp_path / "new" / "ct-mri_visible.png") as picture:
        assert (picture.size, picture.mode) == ((64, 64), "RGB")
    assert "ct-mri: 64x64 in" in capsys.readouterr().out


@pytest.mark.parametrize("size", ["640", "0x5", "axb"])
def test_the_command_refuses_a_bad_size(size: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--size", size])
    assert f"'{size}'" in capsys.readouterr().err


def test_scenes_and_phantoms_are_the_embedded_names() -> None:
    from distilfuse.samples import names

    assert names() == NAMES

"""The sample pairs are rendered and registered exactly: what is found is judged against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from distilfuse import samples
from distilfuse.errors import InputError
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.scaling import to_unit
from distilfuse.imaging.transforms import Matrix, corners, distance, fit, scaling
from distilfuse.imaging.warping import Warper
from distilfuse.workflows.alignment.estimation import STEPS, estimate, trust
from distilfuse.workflows.alignment.views import View

cv2 = pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")

TURNED = np.array([[1.03, -0.05, 12.0], [0.05, 1.03, -20.0], [0, 0, 1]])


def scene(name: str, side: int = 640) -> View:
    visible, infrared = samples.load(name)
    return View(luminance(visible), to_unit(infrared)).reduced(side)


def moved(view: View, warp: Matrix) -> tuple[View, Matrix]:
    """The pair with its infrared picture moved, cut to what has no border, and the true way back."""
    warper = Warper(warp, view.infrared_size, view.infrared_size)
    left, top, _, _ = warper.box
    back = np.linalg.inv(warp) @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    return View(view.visible, np.ascontiguousarray(warper.crop(warper(view.infrared)))), back / back[2, 2]


@pytest.mark.parametrize("name", ["night-street", "smoke-yard", "day-road"])
def test_a_known_similarity_is_found(name: str) -> None:
    view, truth = moved(scene(name), TURNED)
    found = trust(estimate([view]))
    assert distance(found.matrix, truth, view.infrared_size) < 1.0
    assert found.evidence.confidence > 0.7


def test_a_known_homography_is_found_and_chosen() -> None:
    view = scene("day-road")
    places = corners(view.infrared_size)
    view, truth = moved(view, fit("homography", places, places + np.array([[14, 8], [-10, 12], [-16, -4], [9, -13]])))
    found = trust(estimate([view]))
    assert found.model == "homography"
    assert distance(found.matrix, truth, view.infrared_size) < 1.0
    stiff = trust(estimate([view], model="similarity"))
    assert stiff.model == "similarity"
    np.testing.assert_allclose(stiff.matrix[0, 0], stiff.matrix[1, 1], rtol=1e-9)
    assert distance(stiff.matrix, truth, view.infrared_size) > distance(found.matrix, truth, view.infrared_size)


def test_a_small_thermal_picture_beside_a_large_visible_one() -> None:
    view, truth = moved(scene("night-street"), TURNED)
    large = cv2.resize(view.visible, (1280, 960), interpolation=cv2.INTER_CUBIC)
    width, height = view.infrared_size
    small = cv2.resize(view.infrared, (160, round(160 * height / width)), interpolation=cv2.INTER_AREA)
    pair = View(np.clip(large, 0, 1), small)
    truth = scaling((640, 480), (1280, 960)) @ truth @ scaling(pair.infrared_size, (width, height))
    found = trust(estimate([pair]))
    assert distance(found.matrix, truth, pair.infrared_size) < 6.0, "1.5 pixels of the infrared's own"


def test_polarity_does_not_matter() -> None:
    view, truth = moved(scene("day-road", 320), TURNED)
    found = trust(estimate([View(view.visible, 1 - view.infrared)], model="similarity"))
    assert distance(found.matrix, truth, view.infrared_size) < 1.0


def test_pairs_of_one_rig_speak_together() -> None:
    pairs, truths = zip(*(moved(scene(name, 320), TURNED) for name in ("night-street", "day-road")), strict=True)
    found = trust(estimate(pairs, model="similarity"))
    assert distance(found.matrix, truths[0], pairs[0].infrared_size) < 1.0
    alone = trust(estimate(pairs[:1], model="similarity"))
    assert found.evidence.patches > alone.evidence.patches


def test_the_matrix_is_for_the_sizes_asked_for() -> None:
    view, truth = moved(scene("day-road", 320), TURNED)
    sizes = (1280, 960), (view.infrared_size[0] * 4, view.infrared_size[1] * 4)
    found = trust(estimate([view], sizes=sizes, model="similarity"))
    truth = scaling((320, 240), (1280, 960)) @ truth @ scaling(sizes[1], view.infrared_size)
    assert distance(found.matrix, truth, sizes[1]) < 4.0, "one pixel of the pictures looked at"


def test_pictures_of_two_scenes_are_refused() -> None:
    view = View(scene("night-street", 320).visible, scene("smoke-yard", 320).infrared)
    found = estimate([view])
    assert found is None or found.evidence.confidence < 0.2
    with pytest.raises(
        InputError, match=r"not to be trusted \(confidence 0\.\d\d, 0\.4 is needed\), because .*--points"
    ):
        trust(found)


def test_noise_is_refused() -> None:
    rng = np.random.default_rng(3)
    found = estimate([View(*(rng.uniform(0, 1, (96, 128)).astype(np.float32) for _ in range(2)))])
    assert found is None or found.evidence.confidence < 0.2


@pytest.mark.parametrize("flat", ["visible", "infrared"])
def test_a_flat_picture_is_refused(flat: str) -> None:
    view, grey = scene("day-road", 128), np.full((96, 128), 0.5, np.float32)
    found = estimate([View(grey, view.infrared) if flat == "visible" else View(view.visible, grey)])
    with pytest.raises(InputError, match=r"no edges in common|not to be trusted"):
        trust(found)


def test_pictures_that_are_too_small() -> None:
    view = scene("day-road")
    with pytest.raises(InputError, match="less than 32 pixels"):
        estimate([View(view.visible, view.infrared[:20, :30])])


def test_progress_goes_forward_to_the_end() -> None:
    told: list[int] = []
    estimate([scene("day-road", 128)], advance=told.append)
    assert told == sorted(told)
    assert told[-1] == STEPS

"""What every registered metric owes, whoever wrote it: its card, clean arguments, clear errors, no surprise values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from distilfuse.errors import InputError, MissingDependencyError
from distilfuse.metrics import METRICS
from distilfuse.metrics.registry import DEFINITIONS

Textured = Callable[..., np.ndarray]

# Large enough for the metric: the fewest pixels a side that it takes, and some more.
SHAPES = {"NIQE": (194, 201), "MS-SSIM": (166, 171)}
USUAL = (48, 57)
# Those that keep the picture's own unit: the power of the scale that they follow.
POWERS = {"SD": 1, "SF": 1, "AG": 1, "MSE": 2}
# Qabf: angles jump at +-90 degrees, where the rounding of 0..1 decides. The libraries for the other two use float32.
LOOSE = {"Qabf": 1e-3, "NIQE": 1e-5, "BRISQUE": 1e-5}
WITH_SOURCES = [name for name, card in METRICS.items() if card.inputs != "fused"]


def compute(name: str, *pictures: np.ndarray, data_range: float = 255.0, **options: bool) -> float:
    """Any metric of visible, infrared and fused picture; one source of it for ``each``."""
    definition = DEFINITIONS[name]
    used = {"fused": pictures[2:], "each": pictures[1:], "both": pictures}[definition.inputs]
    try:
        return definition.compute(*used, data_range=data_range, **options)
    except MissingDependencyError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def trio(name: str, textured: Textured) -> tuple[np.ndarray, ...]:
    shape = SHAPES.get(name, USUAL)
    visible, infrared = textured(1, shape), textured(2, shape)
    return visible, infrared, np.maximum(visible, infrared)


@pytest.mark.parametrize("name", METRICS)
def test_the_card_is_filled_in(name: str) -> None:
    card = METRICS[name]
    assert card.name == name
    assert card.inputs in ("fused", "each", "both")
    assert card.arrow in "↑↓"
    for field in dataclasses.fields(card):
        text = getattr(card, field.name)
        if isinstance(text, str) and field.name != "unit":
            assert text, field.name
            assert "@@" not in text, field.name
            assert text == text.strip()
    for field in (card.measures, card.gamed_by, card.in_the_wild, card.source):
        assert field.endswith("."), "a sentence"
    assert any(character.isdigit() for character in card.in_the_wild), "the size of the difference is missing"


@pytest.mark.parametrize("name", METRICS)
def test_gives_a_plain_number_and_leaves_its_arguments_alone(name: str, trio: tuple[np.ndarray, ...]) -> None:
    pictures = [picture.astype(np.float64) for picture in trio]
    before = [picture.copy() for picture in pictures]
    found = compute(name, *pictures)
    assert type(found) is float
    assert math.isfinite(found)
    for picture, copy in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(picture, copy)
    assert compute(name, *pictures) == found


@pytest.mark.parametrize("name", METRICS)
def test_types_and_ranges_agree(name: str, trio: tuple[np.ndarray, ...]) -> None:
    options = {"equal_edge_quirk": False} if name == "Qabf" else {}
    power = POWERS.get(name, 0)
    found = compute(name, *trio, **options)
    floats = [picture.astype(np.float64) for picture in trio]
    assert compute(name, *floats, **options) == pytest.approx(found, rel=1e-6)
    near = LOOSE.get(name, 1e-9)
    unit = compute(name, *(picture / 255 for picture in floats), data_range=1, **options)
    assert unit * 255**power == pytest.approx(found, rel=near)
    words = compute(name, *(picture.astype(np.uint16) * 257 for picture in trio), data_range=65535, **options)
    assert words / 257**power == pytest.approx(found, rel=near)


@pytest.mark.parametrize("name", METRICS)
def test_refuses_values_out_of_range(name: str, trio: tuple[np.ndarray, ...]) -> None:
    floats = [picture / 255 for picture in trio]
    spoilt = [trio[2].astype(float), floats[2] - 1, np.where(trio[2] > 100, np.nan, floats[2])]
    for fused in spoilt:
        with pytest.raises(InputError, match=r"do not lie in 0\.\.1"):
            compute(name, floats[0], floats[1], fused, data_range=1)
    for data_range in (0.0, -255.0, math.nan, math.inf):
        with pytest.raises(InputError, match="data_range must be positive"):
            compute(name, *trio, data_range=data_range)


@pytest.mark.parametrize("name", METRICS)
def test_refuses_other_shapes_and_types(name: str, trio: tuple[np.ndarray, ...]) -> None:
    visible, infrared, fused = trio
    for wrong, message in (
        (np.stack(trio, axis=2), "takes grey HxW pictures"),
        (fused[0], "takes grey HxW pictures"),
        (fused.astype(np.int64), "not int64"),
    ):
        with pytest.raises(InputError, match=message):
            compute(name, visible, infrared, wrong)
    if name in WITH_SOURCES:
        with pytest.raises(InputError, match=r"differ in size, \d+x\d+ and \d+x\d+ pixels"):
            compute(name, visible, infrared[:, 1:], fused)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3), (40, 41), (16, 200)])
@pytest.mark.parametrize("name", METRICS)
def test_tiny_pictures_have_a_value_or_a_clear_error(name: str, shape: tuple[int, int], textured: Textured) -> None:
    pictures = [textured(seed, shape) if min(shape) > 1 else np.full(shape, 40 * seed, np.uint8) for seed in (1, 2, 3)]
    try:
        assert type(compute(name, *pictures)) is float
    except InputError as error:
        assert "at least" in str(error)  # noqa: PT017  # either outcome is right


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("name", METRICS)
def test_constant_pictures_cause_no_crash(name: str, level: int) -> None:
    flat = np.full(SHAPES.get(name, USUAL), level, np.uint8)
    found = compute(name, flat, flat, flat)
    assert not math.isinf(found) or name == "PSNR"
    compute(name, np.full_like(flat, 200), flat, np.full_like(flat, 90))


@pytest.mark.parametrize("name", WITH_SOURCES)
def test_noise_is_no_improvement_on_identity(name: str, trio: tuple[np.ndarray, ...]) -> None:
    image = trio[0]
    noise = np.random.default_rng(5).normal(0, 25, image.shape)
    noisy = (image + noise).clip(0, 255).astype(np.uint8)
    options = {"equal_edge_quirk": False} if name == "Qabf" else {}
    same, worse = compute(name, image, image, image, **options), compute(name, image, image, noisy, **options)
    if name == "SCD":
        assert math.isnan(same), "nothing is left of a picture without itself"
    elif METRICS[name].higher_is_better:
        assert worse < same
    else:
        assert worse > same


@pytest.mark.parametrize("name", [name for name, card in METRICS.items() if card.inputs == "both"])
def test_sources_may_change_places(name: str, trio: tuple[np.ndarray, ...]) -> None:
    visible, infrared, fused = trio
    assert compute(name, infrared, visible, fused) == pytest.approx(compute(name, visible, infrared, fused), rel=1e-9)

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from distilfuse.datasets.pairs import Pair
from distilfuse.errors import InputError
from distilfuse.training.augmentation import AugmentationConfig
from distilfuse.training.crops import Batch, CropBatches

PLAIN = AugmentationConfig(dark=0, dim_infrared=0, faint_noise=0, grey=0, degraded=0, second=0)
KEYS = ("visible", "infrared", "clean_visible", "clean_infrared")


def coordinates(height: int = 40, width: int = 56, blue: int = 0) -> Pair:
    """Red says the row, green the column, and infrared repeats red: every crop tells where it comes from."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    visible = np.stack([rows, columns, np.full_like(rows, blue)], axis=2)
    return Pair(f"coordinates/{blue}", visible, rows)


def noise(seed: int, height: int = 40, width: int = 56) -> Pair:
    rng = np.random.default_rng(seed)
    return Pair(
        f"noise/{seed}",
        rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        rng.integers(0, 256, (height, width), dtype=np.uint8),
    )


def batches(
    pairs: Sequence[Pair],
    *,
    weights: Sequence[float] | None = None,
    size: int = 16,
    batch: int = 4,
    length: int = 100,
    augmentation: AugmentationConfig = PLAIN,
    seed: int = 3407,
    grain: float | None = None,
) -> CropBatches:
    return CropBatches(
        pairs,
        weights=weights or [1.0] * len(pairs),
        size=size,
        batch=batch,
        batches=length,
        augmentation=augmentation,
        seed=seed,
        grain=grain,
    )


def is_same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(first[key], second[key]) for key in KEYS)  # type: ignore[literal-required]


def levels(image: torch.Tensor) -> np.ndarray:
    return torch.round(image * 255).numpy().astype(int)


def test_shapes_types_and_range() -> None:
    data = batches([noise(1), noise(2)], batch=3, augmentation=AugmentationConfig(degraded=1))
    assert len(data) == 100
    batch = data[0]
    assert set(batch) == set(KEYS)
    for key in KEYS:
        tensor = batch[key]  # type: ignore[literal-required]
        assert tensor.shape == (3, 1 if key.endswith("infrared") else 3, 16, 16)
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()
        assert 0 <= tensor.min() <= tensor.max() <= 1
        torch.testing.assert_close(torch.round(tensor * 255) / 255, tensor, rtol=0, atol=1e-6)


# --- a pure function of seed and number ---------------------------------------------------------


def test_the_same_number_gives_the_same_batch_in_any_order() -> None:
    pairs = [noise(1), noise(2), noise(3, 30, 90)]
    first, second = (batches(pairs, augmentation=AugmentationConfig()) for _ in range(2))
    forth = [first[k] for k in range(6)]
    back = [second[k] for k in reversed(range(6))][::-1]
    assert all(is_same(a, b) for a, b in zip(forth, back, strict=True))
    assert is_same(first[3], first[3])


def test_other_numbers_and_seeds_give_other_batches() -> None:
    pairs = [noise(1), noise(2)]
    data, other = (batches(pairs, augmentation=AugmentationConfig(), seed=seed) for seed in (3407, 3408))
    crops = [data[k]["clean_visible"] for k in range(5)]
    for k in range(5):
        for other_k in range(k):
            assert not torch.equal(crops[k], crops[other_k])
    assert not torch.equal(data[0]["clean_visible"], other[0]["clean_visible"])


def test_how_long_the_run_is_changes_no_batch() -> None:
    pairs = [noise(1), noise(2)]
    assert is_same(batches(pairs, length=10)[7], batches(pairs, length=1000)[7])


def test_the_global_generators_play_no_part() -> None:
    data = batches([noise(1)], augmentation=AugmentationConfig())
    torch.manual_seed(0)
    np.random.seed(0)
    first = data[2]
    torch.manual_seed(1)
    np.random.seed(1)
    assert is_same(first, data[2])


# --- targets and inputs -------------------------------------------------------------------------


def test_without_degradation_inputs_are_the_targets() -> None:
    data = batches([noise(1), noise(2)], augmentation=AugmentationConfig(degraded=0))
    for k in range(5):
        assert torch.equal(data[k]["visible"], data[k]["clean_visible"])
        assert torch.equal(data[k]["infrared"], data[k]["clean_infrared"])


def test_degradation_touches_the_inputs_and_never_the_targets() -> None:
    # One crop a batch: its target is drawn before anything is degraded.
    both = AugmentationConfig(degraded=1, second=1, kinds={"visible_noise": 1.0, "ir_noise": 1.0})
    plain = AugmentationConfig(degraded=0)
    for k in range(5):
        bad = batches([noise(1)], batch=1, augmentation=both)[k]
        good = batches([noise(1)], batch=1, augmentation=plain)[k]
        assert torch.equal(bad["clean_visible"], good["clean_visible"])
        assert torch.equal(bad["clean_infrared"], good["clean_infrared"])
        assert not torch.equal(bad["visible"], bad["clean_visible"])
        assert not torch.equal(bad["infrared"], bad["clean_infrared"])


# --- two takes of a scene -----------------------------------------------------------------------


def test_takes_are_the_inputs_with_a_grain_of_their_own() -> None:
    data = batches([noise(1), noise(2)], batch=5, grain=8.0)
    for k in range(5):
        batch = data[k]
        for name, channels in (("visible", 3), ("infrared", 1)):
            takes = batch[f"{name}_takes"]  # type: ignore[literal-required]
            assert takes.shape == (4, channels, 16, 16)
            inputs = batch[name][:2]  # type: ignore[literal-required]
            first, second = takes.chunk(2)
            assert not torch.equal(first, second)
            for take in (first, second):
                assert float((take - inputs).abs().mean()) < 8 / 255
                assert 0 <= float(take.min()) <= float(take.max()) <= 1


def test_takes_change_nothing_else() -> None:
    pairs, config = [noise(1), noise(2)], AugmentationConfig()
    with_takes, without = (batches(pairs, augmentation=config, grain=grain) for grain in (8.0, None))
    assert all(is_same(with_takes[k], without[k]) for k in range(4))
    assert "visible_takes" not in without[0]
    assert torch.equal(with_takes[3]["visible_takes"], with_takes[3]["visible_takes"])


# --- crops --------------------------------------------------------------------------------------


def test_crops_are_windows_of_the_picture_turned_and_mirrored() -> None:
    data = batches([coordinates()], batch=8)
    ways, corners = set(), set()
    for k in range(25):
        for crop in levels(data[k]["clean_visible"]):
            rows, columns = crop[0], crop[1]
            top, left = rows.min(), columns.min()
            window_rows, window_columns = np.mgrid[top : top + 16, left : left + 16]
            matching = [
                (turns, mirror)
                for turns in range(4)
                for mirror in (False, True)
                if np.array_equal(rows, turned(window_rows, turns, mirror))
                and np.array_equal(columns, turned(window_columns, turns, mirror))
            ]
            assert len(matching) == 1
            ways.add(matching[0])
            corners.add((top, left))
    assert len(ways) == 8
    # 200 draws: all of the picture is reached, from the first row and column to the last.
    assert {top for top, _ in corners} == set(range(40 - 16 + 1))
    assert {0, 56 - 16} <= {left for _, left in corners}


def turned(image: np.ndarray, turns: int, mirror: bool) -> np.ndarray:
    image = np.rot90(image, turns)
    return image[:, ::-1] if mirror else image


def test_visible_and_infrared_are_cut_and_turned_alike() -> None:
    data = batches([coordinates()])
    for k in range(10):
        batch = data[k]
        assert torch.equal(batch["clean_visible"][:, 0], batch["clean_infrared"][:, 0])


@pytest.mark.parametrize("shape", [(10, 56), (40, 9), (5, 7), (1, 1)])
def test_pictures_smaller_than_the_crop_are_mirrored_outwards(shape: tuple[int, int]) -> None:
    data = batches([coordinates(*shape)], size=16)
    batch = data[0]
    assert batch["visible"].shape == (4, 3, 16, 16)
    assert torch.equal(batch["clean_visible"][:, 0], batch["clean_infrared"][:, 0])
    for crop in levels(batch["clean_visible"]):
        for channel, side in zip(crop[:2], shape, strict=True):
            assert channel.max() < side
            # Mirrored with the edge repeated: neighbours differ by at most one row or column.
            assert max(np.abs(np.diff(channel, axis=0)).max(), np.abs(np.diff(channel, axis=1)).max()) <= 1
            if side <= 16:
                assert set(np.unique(channel)) == set(range(side)), "nothing of the picture is lost"


def test_a_picture_of_exactly_the_crop_is_taken_whole() -> None:
    crops = levels(batches([coordinates(16, 16)])[0]["clean_visible"])
    for crop in crops:
        assert sorted(zip(crop[0].flat, crop[1].flat, strict=True)) == [(y, x) for y in range(16) for x in range(16)]


# --- which pairs --------------------------------------------------------------------------------


def test_pairs_are_drawn_by_their_weights() -> None:
    pairs = [coordinates(blue=blue) for blue in (10, 20, 30)]
    data = batches(pairs, weights=[3.0, 0.0, 1.0], batch=50, size=2)
    drawn = np.concatenate([levels(data[k]["clean_visible"])[:, 2, 0, 0] for k in range(12)])
    assert set(drawn) == {10, 30}
    # 600 draws: standard error 1.8 %
    assert np.mean(drawn == 10) == pytest.approx(0.75, abs=0.06)


def test_no_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="There are no training pairs"):
        batches([])

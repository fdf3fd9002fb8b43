from __future__ import annotations

import json
import struct
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.datasets.pairs import load_pairs, split_stems
from distilfuse.errors import ConfigError, InputError

COUNTS = {
    # original train and test lists
    "roadscene": (171, 50),
    "llvip": (44, 0),
    "msrs": (0, 73),
    "tno": (0, 21),
    "ct-mri": (160, 24),
    "pet-mri": (245, 24),
    "spect-mri": (333, 24),
}
TRAINED = [name for name, (train, _) in COUNTS.items() if train]
TESTED = [name for name, (_, test) in COUNTS.items() if test]


@pytest.fixture(scope="module")
def original() -> dict[str, dict[str, list[str]]]:
    text = resources.files("distilfuse.datasets").joinpath("splits.json").read_text("utf-8")
    return json.loads(text)


# --- split lists --------------------------------------------------------------------------------


def test_the_lists_are_the_published_ones(original: dict[str, dict[str, list[str]]]) -> None:
    counts = {name: (len(lists.get("train", [])), len(lists.get("test", []))) for name, lists in original.items()}
    assert counts == COUNTS
    for lists in original.values():
        for stems in lists.values():
            assert len(set(stems)) == len(stems)


def test_the_lists_are_those_beside_the_pictures(shared_data: Path, original: dict[str, dict[str, list[str]]]) -> None:
    assert json.loads((shared_data / "splits.json").read_text("utf-8")) == original


@pytest.mark.parametrize("dataset", TRAINED)
def test_train_and_validation_share_the_original_training_list(
    dataset: str, original: dict[str, dict[str, list[str]]]
) -> None:
    train, validation = split_stems(dataset, "train"), split_stems(dataset, "validation")
    assert set(train).isdisjoint(validation)
    assert sorted(train + validation) == sorted(original[dataset]["train"])
    # Every ninth, from the fifth on, spread over the list and not its end
    assert validation == original[dataset]["train"][4::9]


@pytest.mark.parametrize("dataset", TESTED)
def test_nothing_is_trained_or_chosen_on_test(dataset: str, original: dict[str, dict[str, list[str]]]) -> None:
    test = split_stems(dataset, "test")
    assert test == original[dataset]["test"]
    if dataset in TRAINED:
        assert set(test).isdisjoint(split_stems(dataset, "train"))
        assert set(test).isdisjoint(split_stems(dataset, "validation"))


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("dataset", ["msrs", "tno"])
def test_msrs_and_tno_stay_zero_shot(dataset: str, split: str) -> None:
    with pytest.raises(ConfigError, match=f"'{dataset}' has no '{split}' split: it is for test only"):
        split_stems(dataset, split)


def test_a_set_without_test_list_has_none() -> None:
    with pytest.raises(ConfigError, match="'llvip' has no 'test' split: it is for train only"):
        split_stems("llvip", "test")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="no split list for data set 'road': choose from ct-mri, llvip"):
        split_stems("road", "train")
    with pytest.raises(ConfigError, match="Unknown split 'val': choose from train, validation, test"):
        split_stems("roadscene", "val")


# --- reading ------------------------------------------------------------------------------------

STEMS = split_stems("llvip", "validation")


def rendered(k: int, shape: tuple[int, int] = (12, 18)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return rng.integers(0, 256, (*shape, 3), dtype=np.uint8), rng.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the pairs of LLVIP's validation list, made of noise."""
    for folder in ("vi", "ir"):
        (tmp_path / "llvip" / folder).mkdir(parents=True)
    for k, stem in enumerate(STEMS):
        visible, infrared = rendered(k)
        Image.fromarray(visible).save(tmp_path / f"llvip/vi/{stem}.png")
        Image.fromarray(infrared).save(tmp_path / f"llvip/ir/{stem}.bmp")
    return tmp_path


def test_pairs_come_in_the_lists_order_with_their_pixels(root: Path) -> None:
    pairs = load_pairs(root, "llvip", "validation")
    assert [pair.name for pair in pairs] == [f"llvip/{stem}" for stem in STEMS]
    for k, pair in enumerate(pairs):
        visible, infrared = rendered(k)
        np.testing.assert_array_equal(pair.visible, visible)
        np.testing.assert_array_equal(pair.infrared, infrared)
        assert pair.visible.dtype == pair.infrared.dtype == np.uint8


def test_grey_visible_and_colour_infrared_are_brought_into_form(root: Path) -> None:
    grey = rendered(0)[1]
    Image.fromarray(grey).save(root / f"llvip/vi/{STEMS[0]}.png")
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(root / f"llvip/ir/{STEMS[0]}.bmp")
    pair = load_pairs(root, "llvip", "validation")[0]
    np.testing.assert_array_equal(pair.visible, np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(pair.infrared, grey)


def test_reduce_averages_cells(root: Path) -> None:
    pairs = load_pairs(root, "llvip", "validation", reduce=3)
    visible, infrared = rendered(0)
    cells = infrared.reshape(4, 3, 6, 3).astype(float).mean((1, 3))
    assert pairs[0].infrared.shape == (4, 6)
    np.testing.assert_allclose(pairs[0].infrared, cells, atol=0.6)  # Pillow's rounding is off by a hair
    cells = visible.reshape(4, 3, 6, 3, 3).astype(float).mean((1, 3))
    assert pairs[0].visible.shape == (4, 6, 3)
    np.testing.assert_allclose(pairs[0].visible, cells, atol=0.6)  # Pillow's rounding is off by a hair


def test_a_missing_picture_is_named(root: Path) -> None:
    (root / f"llvip/ir/{STEMS[2]}.bmp").unlink()
    with pytest.raises(InputError, match=rf"There is no picture .*ir.{STEMS[2]} .*check the path of the data set"):
        load_pairs(root, "llvip", "validation")
    (root / f"llvip/vi/{STEMS[1]}.png").unlink()
    with pytest.raises(InputError, match=rf"There is no picture .*vi.{STEMS[1]} "):
        load_pairs(root, "llvip", "validation")


def test_a_data_set_that_is_not_there(root: Path) -> None:
    with pytest.raises(InputError, match="elsewhere does not exist: check the path of the data set"):
        load_pairs(root / "elsewhere", "llvip", "validation")
    with pytest.raises(InputError, match=r"holds no roadscene in a layout that is known \(crop_LR_visible and crop"):
        load_pairs(root / "llvip" / "vi", "roadscene", "validation")


@pytest.mark.parametrize("reduce", [1, 2])
def test_two_sizes_in_a_pair_are_refused(root: Path, reduce: int) -> None:
    # 18 and 17 columns are nine cells of two, both: the difference must not vanish in reducing.
    Image.fromarray(rendered(1, (12, 17))[1]).save(root / f"llvip/ir/{STEMS[1]}.bmp")
    with pytest.raises(InputError, match=f"llvip/{STEMS[1]} differs in size, 18x12 and 17x12 pixels"):
        load_pairs(root, "llvip", "validation", reduce=reduce)


def truncated(png: bytes) -> bytes:
    return png[: len(png) // 2]


def garbage(png: bytes) -> bytes:
    return b"not a picture at all"


def empty(png: bytes) -> bytes:
    return b""


def huge(png: bytes) -> bytes:
    """A bitmap whose header claims 200 000 pixels a side: Pillow's DecompressionBombError is no OSError."""
    header = struct.pack("<IiiHHIIiiII", 40, 200_000, 200_000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


@pytest.mark.parametrize("damage", [truncated, garbage, empty, huge])
def test_a_damaged_picture_is_named(root: Path, damage: object) -> None:
    path = root / f"llvip/vi/{STEMS[3]}.png"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(InputError, match=f"{STEMS[3]}.png cannot be read .*: fetch the data set again"):
        load_pairs(root, "llvip", "validation")


def test_medical_pairs_take_the_places_of_visible_and_infrared(tmp_path: Path) -> None:
    stems = split_stems("ct-mri", "test")
    for folder in ("a", "b"):
        (tmp_path / "ct-mri" / "test" / folder).mkdir(parents=True)
    for k, stem in enumerate(stems):
        Image.fromarray(rendered(k)[1]).save(tmp_path / f"ct-mri/test/a/{stem}.png")
        Image.fromarray(rendered(k + 50)[0]).save(tmp_path / f"ct-mri/test/b/{stem}.png")
    pairs = load_pairs(tmp_path, "ct-mri", "test")
    assert [pair.name for pair in pairs] == [f"ct-mri/{stem}" for stem in stems]
    np.testing.assert_array_equal(pairs[0].visible, np.repeat(rendered(0)[1][..., None], 3, axis=2))
    np.testing.assert_array_equal(pairs[0].infrared, np.asarray(Image.fromarray(rendered(50)[0]).convert("L")))


def test_a_set_of_ones_own_is_a_folder_of_which_every_ninth_pair_is_for_validation(root: Path) -> None:
    (root / "llvip").rename(root / "toy")
    names = [f"toy/{stem}" for stem in sorted(STEMS)]
    assert [pair.name for pair in load_pairs(root, "toy", "validation")] == names[4::9]
    assert [pair.name for pair in load_pairs(root, "toy", "train")] == [n for n in names if n not in names[4::9]]
    with pytest.raises(ConfigError, match="There is no split list for data set 'toy'"):
        load_pairs(root, "toy", "test")
    with pytest.raises(ConfigError, match="Unknown split 'dev'"):
        load_pairs(root, "toy", "dev")


@pytest.mark.parametrize("dataset", ["ct-mri", "pet-mri", "spect-mri"])
def test_reads_real_medical_pairs(shared_data: Path, dataset: str) -> None:
    pairs = load_pairs(shared_data, dataset, "test")
    assert len(pairs) == 24
    for pair in pairs:
        assert pair.visible.shape == (256, 256, 3)
        assert pair.infrared.shape == (256, 256)
    coloured = any((pair.visible[..., 0] != pair.visible[..., 2]).any() for pair in pairs)
    assert coloured == (dataset != "ct-mri")


def test_reads_the_real_pairs(shared_data: Path) -> None:
    pairs = load_pairs(shared_data, "tno", "test")
    assert len(pairs) == 21
    for pair in pairs:
        assert pair.visible.shape == (*pair.infrared.shape, 3)
        assert pair.visible.std() > 1
        assert pair.infrared.std() > 1

"""Layouts of the archives as unpacked, on trees of tiny pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from distilfuse.datasets.catalogue import DATASETS, find_dataset
from distilfuse.datasets.layouts import find_layout
from distilfuse.datasets.pairs import find_pairs
from distilfuse.datasets.splits import split_stems
from distilfuse.errors import ConfigError, InputError


def plant(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 3)).save(path)
    return root


def both(first: str, second: str, names: Iterable[str], suffix: str = ".png") -> list[str]:
    return [f"{folder}/{name}{suffix}" for folder in (first, second) for name in names]


def found(name: str, root: Path, split: str | None = None) -> list[tuple[str, str, str]]:
    return [
        (pair.name, pair.visible.relative_to(root).as_posix(), pair.infrared.relative_to(root).as_posix())
        for pair in find_pairs(name, root, split)
    ]


# --- each archive -------------------------------------------------------------------------------


def test_msrs_as_cloned(tmp_path: Path) -> None:
    root = tmp_path / "MSRS-main"
    plant(root, *both("train/vi", "train/ir", ["00001D"]), *both("test/vi", "test/ir", ["00004N", "00008N"]))
    plant(root, "detection/vi/1.png", "detection/ir/1.png")
    layout = find_layout(find_dataset("msrs"), root)
    assert layout.splits == ("train", "test", "detection")
    assert layout.boxes is None
    (root / "detection/labels").mkdir()
    assert layout.boxes == root / "detection/labels"
    # The official test set is larger than our list, and taken whole where its folder tells it apart.
    assert [name for name, _, _ in found("msrs", root, "test")] == ["00004N", "00008N"]
    assert found("msrs", root, "train") == [("00001D", "train/vi/00001D.png", "train/ir/00001D.png")]
    assert len(found("msrs", root)) == 4


def test_m3fd_as_unpacked(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        *both("M3FD_Fusion/Vis", "M3FD_Fusion/Ir", ["00000", "00001"]),
        *both("M3FD_Detection/vis", "M3FD_Detection/ir", ["00000"]),
    )
    (root / "M3FD_Detection/Annotation").mkdir()
    layout = find_layout(find_dataset("m3fd"), root)
    assert layout.splits == ("fusion", "detection")
    assert layout.boxes == root / "M3FD_Detection/Annotation"
    assert found("m3fd", root, "fusion")[1] == ("00001", "M3FD_Fusion/Vis/00001.png", "M3FD_Fusion/Ir/00001.png")
    assert len(found("m3fd", root, "detection")) == 1


def test_one_archive_of_m3fd_alone(tmp_path: Path) -> None:
    root = plant(tmp_path / "M3FD_Fusion", *both("Vis", "Ir", ["00000"]))
    assert found("m3fd", root) == [("00000", "Vis/00000.png", "Ir/00000.png")]
    assert find_layout(find_dataset("m3fd"), tmp_path).splits == ("fusion",)
    with pytest.raises(ConfigError, match=r"'m3fd' has no 'test' split in .*: leave the split out"):
        find_pairs("m3fd", root, "test")


def test_roadscene_as_cloned(tmp_path: Path) -> None:
    stems = split_stems("roadscene", "test")
    root = tmp_path / "RoadScene-master"
    plant(root, *both("crop_LR_visible", "cropinfrared", stems, ".jpg"), "crop_HR_visible/FLIR_00211.jpg")
    for folder in (root, tmp_path):
        assert [pair.name for pair in find_pairs("roadscene", folder, "test")] == stems
        assert find_pairs("roadscene", folder)[0].visible.parent.name == "crop_LR_visible"
    with pytest.raises(InputError, match="There is no picture"):
        find_pairs("roadscene", root, "train")


def test_llvip_as_unpacked(tmp_path: Path) -> None:
    root = tmp_path / "LLVIP"
    plant(root, *both("visible/train", "infrared/train", ["010001", "010002"], ".jpg"))
    plant(root, *both("visible/test", "infrared/test", ["190001"], ".jpg"))
    (root / "Annotations").mkdir()
    layout = find_layout(find_dataset("llvip"), root)
    assert (layout.splits, layout.boxes) == (("train", "test"), root / "Annotations")
    assert found("llvip", root, "test") == [("190001", "visible/test/190001.jpg", "infrared/test/190001.jpg")]
    assert len(found("llvip", root)) == 3


def test_harvard_repository(tmp_path: Path) -> None:
    """It holds all slices in one place, and split folders in another; either serves."""
    root = tmp_path / "Havard-Medical-Image-Fusion-Datasets-main"
    test, train = split_stems("pet-mri", "test"), split_stems("pet-mri", "train")[:3]
    plant(root, *both("PET-MRI/PET", "PET-MRI/MRI", [*test, *train]))
    assert [pair.name for pair in find_pairs("harvard-pet-mri", tmp_path, "test")] == test
    assert len(find_pairs("harvard-pet-mri", root)) == 27
    plant(root, *both("MyDatasets/PET-MRI/test/PET", "MyDatasets/PET-MRI/test/MRI", test))
    plant(root, *both("MyDatasets/PET-MRI/train/PET", "MyDatasets/PET-MRI/train/MRI", train))
    split = root / "MyDatasets" / "PET-MRI"
    assert find_layout(find_dataset("pet-mri"), split).splits == ("train", "test")
    assert [pair.name for pair in find_pairs("pet-mri", root / "MyDatasets", "test")] == test
    with pytest.raises(InputError, match="holds no harvard-ct-mri in a layout that is known"):
        find_pairs("harvard-ct-mri", root)


def test_our_medical_folders(tmp_path: Path) -> None:
    test = split_stems("spect-mri", "test")
    plant(tmp_path / "spect-mri", *both("test/a", "test/b", test))
    assert [pair.name for pair in find_pairs("harvard-spect-mri", tmp_path, "test")] == test
    with pytest.raises(InputError, match=r"There is no folder .*train"):
        find_pairs("harvard-spect-mri", tmp_path, "train")


def test_tno_archive_by_scene(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "TNO_Image_Fusion_Dataset",
        "Athena_images/bunker/IR_Bunker.bmp",
        "Athena_images/bunker/EO_Bunker.bmp",
        "Athena_images/2_men_in_front_of_house/IR_meting003_g.bmp",
        "Athena_images/2_men_in_front_of_house/VIS_meting003_r.bmp",
        "DHV_images/bench/IR_37rad.bmp",
        "DHV_images/bench/VIS_37dhvR.bmp",
        "DHV_images/Fire_sequence/part_1/thermal/RAD0001.bmp",
        "DHV_images/Fire_sequence/part_1/thermal/RAD0002.bmp",
        "DHV_images/Fire_sequence/part_1/dhv/DHV0001.bmp",
        "DHV_images/Fire_sequence/part_1/dhv/DHV0003.bmp",
        "FEL_images/Nato_camp_sequence/thermal/1800i.bmp",
        "FEL_images/Nato_camp_sequence/thermal/1801i.bmp",
        "FEL_images/Nato_camp_sequence/visual/1800v.bmp",
        "FEL_images/Nato_camp_sequence/visual/1801v.bmp",
        "Triclobs_images/Reek/IR.bmp",
        "Triclobs_images/Reek/NIR.bmp",
        "Triclobs_images/Reek/Vis.bmp",
        "tank/LWIR.tif",
        "tank/Vis.tif",
    )
    pairs = {name: (visible, infrared) for name, visible, infrared in found("tno", root)}
    assert sorted(pairs) == [
        "Athena_images-2_men_in_front_of_house",
        "Athena_images-bunker",
        "DHV_images-Fire_sequence-part_1-0001",
        "DHV_images-bench",
        "FEL_images-Nato_camp_sequence-1800",
        "FEL_images-Nato_camp_sequence-1801",
        "Triclobs_images-Reek",
        "tank",
    ]
    assert pairs["Athena_images-bunker"][0] == "Athena_images/bunker/EO_Bunker.bmp"
    assert pairs["Triclobs_images-Reek"] == ("Triclobs_images/Reek/Vis.bmp", "Triclobs_images/Reek/IR.bmp")
    for visible, infrared in pairs.values():
        assert not Path(visible).name.lower().startswith(("ir", "lwir", "nir", "rad"))
        assert not Path(infrared).name.lower().startswith(("vis", "eo", "nir", "dhv"))
    assert len(find_pairs("tno", tmp_path)) == 8
    with pytest.raises(InputError, match=r"The list names numbered pairs such as 01, but .* folders by scene"):
        find_pairs("tno", root, "test")


@pytest.mark.parametrize(("first", "second"), [("vi", "ir"), ("Vis", "Ir"), ("visible", "thermal"), ("RGB", "IR")])
@pytest.mark.parametrize("name", ["tno", "msrs", "folder"])
def test_flat_copies(tmp_path: Path, name: str, first: str, second: str) -> None:
    plant(tmp_path, *both(first, second, ["01", "02"], ".bmp"))
    assert found(name, tmp_path) == [(n, f"{first}/{n}.bmp", f"{second}/{n}.bmp") for n in ("01", "02")]


# --- where it lies, and what is not there -------------------------------------------------------


@pytest.mark.parametrize("above", ["", "MSRS", "msrs", "data/MSRS-main/MSRS-main"])
def test_the_folder_or_one_that_holds_it(tmp_path: Path, above: str) -> None:
    plant(tmp_path / above, *both("test/vi", "test/ir", ["00004N"]))
    assert len(find_pairs("msrs", tmp_path / "data" if above.startswith("data") else tmp_path, "test")) == 1


def test_a_named_folder_goes_before_the_folder_itself(tmp_path: Path) -> None:
    plant(tmp_path, *both("vi", "ir", ["other"]))
    plant(tmp_path / "tno", *both("vi", "ir", ["01"]))
    assert [name for name, _, _ in found("tno", tmp_path)] == ["01"]


def test_a_pair_may_have_two_suffixes_and_endings(tmp_path: Path) -> None:
    plant(tmp_path, "vi/01.png", "ir/01.bmp", "vi/02_vis.png", "ir/02_ir.png", "vi/03.png")
    assert [name for name, _, _ in found("folder", tmp_path)] == ["01", "02_vis"]


def test_what_holds_no_known_layout_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, *both("left", "right", ["01"]))
    with pytest.raises(InputError, match=r"holds no m3fd .*m3fd_\(fusion\|detection\)/vis and .*: check the path"):
        find_pairs("m3fd", tmp_path)
    with pytest.raises(InputError, match="does not exist: check the path"):
        find_pairs("m3fd", tmp_path / "nowhere")
    with pytest.raises(InputError, match="is not a folder"):
        find_pairs("m3fd", tmp_path / "left/01.png")


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data set named 'mrs': choose from msrs, m3fd, roadscene"):
        find_pairs("mrs", tmp_path)


def test_validation_is_the_lists_in_any_layout(tmp_path: Path) -> None:
    stems = split_stems("llvip", "validation")
    plant(tmp_path / "LLVIP", *both("visible/train", "infrared/train", [*stems, "999999"], ".jpg"))
    assert [pair.name for pair in find_pairs("llvip", tmp_path, "validation")] == stems
    assert len(find_pairs("llvip", tmp_path, "train")) == len(stems) + 1


@pytest.mark.parametrize("name", ["msrs", "roadscene", "llvip", "tno", "ct-mri", "pet-mri", "spect-mri"])
def test_finds_the_real_sets(shared_data: Path, name: str) -> None:
    record = find_dataset(name)
    numbers = {"msrs": 73, "roadscene": 221, "llvip": 44, "tno": 21}
    assert len(find_pairs(name, shared_data)) == numbers.get(name, sum(record.pairs.values()))


def test_every_layout_is_two_folders_and_tells_its_splits() -> None:
    for record in DATASETS.values():
        for layout in record.layouts:
            assert bool(layout.splits) == ("{split}" in layout.visible) == ("{split}" in layout.infrared)
            assert layout.scenes or layout.visible != layout.infrared

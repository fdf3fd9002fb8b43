from __future__ import annotations

from pathlib import Path

import pytest

from distilfuse.errors import InputError
from distilfuse.imaging.pairs import list_pictures, match, match_folders


def names(pairs: object) -> list[tuple[str, str]]:
    return [(pair.visible.name, pair.infrared.name) for pair in pairs]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("visible", "infrared"),
    [
        ("001.png", "001.png"),
        ("001.jpg", "001.TIFF"),
        ("001_vis.png", "001_ir.png"),
        ("001_VIS.png", "001_IR.png"),
        ("001-visible.png", "001-thermal.png"),
        ("VIS_001.png", "IR_001.png"),
        ("rgb-001.png", "thermal-001.png"),
        ("DJI_20240101_0003_W.JPG", "DJI_20240101_0003_T.JPG"),
        ("001_vi.png", "001.png"),
        ("001.png", "001_ir.png"),
        ("scene.visible.png", "scene.infrared.png"),
        ("scene t.png", "scene t.png"),
    ],
)
def test_one_scene(visible: str, infrared: str) -> None:
    found = match([Path(visible), Path("other.png")], [Path("another.png"), Path(infrared)])
    assert names(found.pairs) == [(visible, infrared)]
    assert found.pairs[0].name == Path(visible).stem
    assert [path.name for path in found.unmatched_visible] == ["other.png"]
    assert [path.name for path in found.unmatched_infrared] == ["another.png"]


@pytest.mark.parametrize(
    ("visible", "infrared"),
    [
        ("001.png", "002.png"),
        ("1.png", "01.png"),
        ("001ir.png", "001.png"),
        ("001_ir.png", "001_vis.png"),  # the folders were swapped: better no pair than fusing upside down
        ("vis.png", "ir.png"),  # nothing is left that could be equal
    ],
)
def test_not_one_scene(visible: str, infrared: str) -> None:
    found = match([Path(visible)], [Path(infrared)])
    assert found.pairs == ()
    assert (len(found.unmatched_visible), len(found.unmatched_infrared)) == (1, 1)


def test_a_missing_file_shifts_nothing() -> None:
    visible = [Path(f"v/{k:03}.png") for k in range(10)]
    infrared = [Path(f"i/{k:03}.png") for k in range(10) if k != 4]
    found = match(visible, infrared)
    assert all(pair.visible.stem == pair.infrared.stem for pair in found.pairs)
    assert [path.name for path in found.unmatched_visible] == ["004.png"]


def test_equal_stems_come_before_words() -> None:
    found = match([Path("a.png"), Path("a_vis.png")], [Path("a.png"), Path("a_ir.png")])
    assert names(found.pairs) == [("a.png", "a.png"), ("a_vis.png", "a_ir.png")]


def test_files_that_claim_one_name_are_reported_and_not_paired() -> None:
    found = match([Path("a.png"), Path("a.jpg"), Path("b.png")], [Path("a.png"), Path("b.png")])
    assert names(found.pairs) == [("b.png", "b.png")]
    assert found.ambiguous == ((Path("a.png"), Path("a.jpg"), Path("a.png")),)
    assert found.unmatched_visible == found.unmatched_infrared == ()


def fill(folder: Path, *files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in files:
        (folder / name).write_bytes(b"")
    return folder


def test_folders(tmp_path: Path) -> None:
    visible = fill(tmp_path / "v", "b_vis.png", "a_vis.png", "notes.txt", ".a_vis.png")
    (visible / "folder.png").mkdir()
    infrared = fill(tmp_path / "i", "a_ir.png", "b_ir.png", "Thumbs.db")
    assert [pair.name for pair in match_folders(visible, infrared).pairs] == ["a_vis", "b_vis"]


def test_both_kinds_in_one_folder(tmp_path: Path) -> None:
    folder = fill(tmp_path / "both", "a_W.jpg", "a_T.jpg", "b.png", "b_ir.png", "c_T.png")
    found = match_folders(folder, folder)
    assert names(found.pairs) == [("a_W.jpg", "a_T.jpg"), ("b.png", "b_ir.png")]
    assert [path.name for path in found.unmatched_infrared] == ["c_T.png"]


def test_listing_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: name a folder with pictures"):
        list_pictures(tmp_path / "missing")
    with pytest.raises(InputError, match="is not a folder"):
        list_pictures(fill(tmp_path, "file.png") / "file.png")
    with pytest.raises(InputError, match="holds no pictures"):
        list_pictures(fill(tmp_path / "empty", "notes.txt"))

"""Lists of pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from distilfuse.errors import InputError
from distilfuse.workflows.listing import read_list


def test_names_are_relative_to_the_list_or_to_folders(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("visible,infrared,output,mask\nv/a.png,i/a.png,x/f,\nv/b.png,i/b.png,,m.png\n")
    first, second = read_list(path)
    assert (first.visible, first.infrared) == (tmp_path / "v/a.png", tmp_path / "i/a.png")
    assert (first.output, first.mask) == (Path("x/f"), None)
    assert (second.output, second.mask) == (None, tmp_path / "m.png")
    first, _ = read_list(path, visible=Path("/vis"), infrared=Path("/ir"))
    assert (first.visible, first.infrared) == (Path("/vis/v/a.png"), Path("/ir/i/a.png"))


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators_bom_and_quotes(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f'\ufeffInfrared{mark} Visible\n"i{mark}1.png"{mark}v.png\n', encoding="utf-8")
    (row,) = read_list(path)
    assert (row.visible.name, row.infrared.name) == ("v.png", f"i{mark}1.png")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must name visible and infrared"),
        ("a,b\nx,y\n", "begins with the columns a, b"),
        ("visible,infrared,place\nx,y,z\n", "must name visible and infrared"),
        ("visible,infrared\n", "lists no pairs"),
        ("visible,infrared\nx,\n", "line 2 names no infrared picture"),
        ("visible,infrared\n,y\n", "line 2 names no visible picture"),
        ("visible,infrared\nx,y,z\n", "line 2 has more cells"),
        ("visible,infrared,output\nx,y,../z\n", "leaves the output folder"),
        ("visible,infrared,output\nx,y,/z\n", "leaves the output folder"),
        ("visible,infrared,output\nx,y,z\nv,w,z\n", "line 3 has the output z, as has line 2"),
    ],
)
def test_what_is_no_list_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_list(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_list(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00visible")
    with pytest.raises(InputError, match="cannot be read"):
        read_list(tmp_path / "bytes.csv")

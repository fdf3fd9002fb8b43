from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distilfuse.errors import DistilfuseError, InputError
from distilfuse.workflows.bulk.manifest import BulkPair, read_manifest

OUT = "/out"


def manifest(tmp_path: Path, text: str, name: str = "m.csv") -> str:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return str(path)


def test_csv(tmp_path: Path) -> None:
    text = "\ufeffVisible; infrared ;output\nv/a.jpg;/i/a.png;\ns3://b/v/b.tif;gs://c/b;deep/b\nc;d;s3://b/c.png\n"
    assert read_manifest(manifest(tmp_path, text), OUT) == [
        BulkPair("a.png", str(tmp_path / "v/a.jpg"), "/i/a.png", "/out/a.png"),
        BulkPair("deep/b.png", "s3://b/v/b.tif", "gs://c/b", "/out/deep/b.png"),
        BulkPair("s3://b/c.png", str(tmp_path / "c"), str(tmp_path / "d"), "s3://b/c.png"),
    ]


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"visible": "v/a\u2028.tif", "infrared": "i/a.tif"}, {"visible": "b", "infrared": "c", "output": "d.png"}]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    first, second = read_manifest(manifest(tmp_path, text, "m.jsonl"), "s3://bucket/out")
    assert first == BulkPair(
        "a\u2028.tif", str(tmp_path / "v/a\u2028.tif"), str(tmp_path / "i/a.tif"), "s3://bucket/out/a\u2028.tif"
    )
    assert second.output == "s3://bucket/out/d.png"


def test_remote_names_are_relative_to_the_manifest() -> None:
    fsspec.filesystem("memory").pipe_file("/lists/m.csv", b"visible,infrared\nv/a.png,../i/a.png\n")
    (pair,) = read_manifest("memory://lists/m.csv", "memory://out")
    assert pair == BulkPair("a.png", "memory://lists/v/a.png", "memory://i/a.png", "memory://out/a.png")


@given(
    names=st.lists(
        st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="/\\\0"), min_size=1).filter(
            lambda name: name == name.strip() and name not in (".", "..") and "://" not in name
        ),
        min_size=1,
        max_size=5,
        unique=True,
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_comes_through_both_formats(tmp_path: Path, names: list[str]) -> None:
    rows = [{"visible": f"v/{name}", "infrared": f"i/{name}", "output": f"o/{name}.png"} for name in names]
    quoted = [",".join('"' + value.replace('"', '""') + '"' for value in row.values()) for row in rows]
    tables = (
        manifest(tmp_path, "\n".join(["visible,infrared,output", *quoted]) + "\n"),
        manifest(tmp_path, "\n".join(map(json.dumps, rows)), "m.jsonl"),
    )
    expected = [
        BulkPair(f"o/{name}.png", str(tmp_path / "v" / name), str(tmp_path / "i" / name), f"/out/o/{name}.png")
        for name in names
    ]
    for table in tables:
        assert read_manifest(table, OUT) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with the columns (none): its first line must name visible and infrared"),
        ("visible,output\na,b\n", "begins with the columns visible, output: its first line must name"),
        ("visible,infrared,ouput\na,b,c\n", "begins with the columns visible, infrared, ouput: its first line"),
        ("visible,infrared\n", "lists no pairs: add a line for each."),
        ("visible,infrared\na,b,c\n", "line 2 has more cells than there are columns"),
        ("visible,infrared\na,b\n,b\n", "line 3 names no visible picture: fill it in."),
        ("visible,infrared\na,\n", "line 2 names no infrared picture: fill it in."),
        ("visible,infrared\nx/a.png,b\ny/a.jpg,c\n", "line 3 has the output a.png, as has line 2: name outputs in"),
        ("visible,infrared,output\na,b,../c.png\n", "line 2 has the output ../c.png, which leaves the output folder"),
        (
            "visible,infrared,output\na,b,c.gif\n",
            "line 2 has the output c.gif, which cannot be written: end it in .png",
        ),
        ("visible,infrared,output\n/out/a.png,b,a.png\n", "/out/a.png, which is one of the pictures to be fused"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_manifest(manifest(tmp_path, text), OUT)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "m.csv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"visible": "a", "infrared"', "line 1 is no JSON ("),
        ('{"visible": "a", "infrared": 3}', "line 1 is no object of strings"),
        ('["a", "b"]', "line 1 is no object of strings"),
        ('{"visible": "a"}', "line 1 has the keys visible: it must have visible and infrared"),
        ("\n\n", "lists no pairs"),
    ],
)
def test_bad_json_lines(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=r"m\.jsonl") as caught:
        read_manifest(manifest(tmp_path, text, "m.jsonl"), OUT)
    assert said in str(caught.value)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv does not exist: check the name\.$"):
        read_manifest(str(tmp_path / "none.csv"), OUT)
    with pytest.raises(InputError, match="is a folder where a file is needed"):
        read_manifest(str(tmp_path), OUT)
    (tmp_path / "m.csv").write_bytes(b"visible,infrared\n\xff\xfe,b\n")
    with pytest.raises(DistilfuseError, match="not UTF-8 text"):
        read_manifest(str(tmp_path / "m.csv"), OUT)

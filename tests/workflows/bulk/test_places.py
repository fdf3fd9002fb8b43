from __future__ import annotations

from pathlib import Path

import pytest

from distilfuse.workflows.bulk.places import absolute, folder_of, name_of, scheme, server_of


@pytest.mark.parametrize(
    ("place", "beside", "full"),
    [
        ("a.png", "s3://bucket/in", "s3://bucket/in/a.png"),
        ("../v/a.png", "s3://bucket/in", "s3://bucket/v/a.png"),
        ("a.png", "/data", "/data/a.png"),
        ("../v/./a.png", "/data/in", "/data/v/a.png"),
        ("/else/a.png", "/data", "/else/a.png"),
        ("/else/a.png", "s3://bucket/in", "/else/a.png"),
        ("gs://b/a.png", "s3://bucket/in", "gs://b/a.png"),
        ("file:///data/a%20b.png", "s3://bucket/in", "/data/a b.png"),
        ("memory://a.png", "", "memory://a.png"),
    ],
)
def test_absolute(place: str, beside: str, full: str) -> None:
    assert absolute(place, beside) == full


def test_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("a.png") == str(tmp_path / "a.png")


def test_parts() -> None:
    assert scheme("S3://bucket/a") == "s3"
    assert scheme("C:/a.png") == scheme("/a://b") == ""
    assert folder_of("s3://bucket/in/a.png") == "s3://bucket/in"
    assert folder_of("/data/a.png") == "/data"
    assert name_of("https://host/in/a.png?token=x/y") == "a.png"
    assert name_of("s3://bucket/a?b.png") == "a?b.png"
    assert server_of("s3://bucket/in/a.png") == "s3://bucket"
    assert server_of("/data/a.png") == ""

"""``distilfuse annotate``: captions of a folder's pairs, continued where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.cli.main import main


@pytest.fixture
def road(tmp_path: Path) -> Path:
    """Three made pairs, one of them dark, and a visible picture without counterpart."""
    rng = np.random.default_rng(0)
    for folder in ("vi", "ir"):
        (tmp_path / folder).mkdir()
    for name, light in (("a", 1.0), ("b", 0.08), ("c", 1.0)):
        coarse = (rng.integers(90, 256, (12, 16, 3)) * light).astype(np.uint8)
        Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC).save(tmp_path / "vi" / f"{name}.png")
        Image.fromarray(rng.integers(0, 256, (12, 16), np.uint8)).resize((96, 72)).save(tmp_path / "ir" / f"{name}.png")
    Image.fromarray(coarse).save(tmp_path / "vi" / "lone.png")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, road: Path, *words: object) -> int:
    command = ["distilfuse", "annotate", road / "vi", road / "ir", "-o", road / "captions.jsonl", *words]
    monkeypatch.setattr("sys.argv", [str(word) for word in command])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def captions(road: Path) -> dict[str, dict[str, object]]:
    lines = (road / "captions.jsonl").read_text("utf-8").splitlines()
    return {json.loads(line)["pair"]: json.loads(line) for line in lines}


def test_statistics_describe_what_is_there(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, road, "--set", "road") == 0
    said = capsys.readouterr()
    assert "lone" in said.out + said.err
    found = captions(road)
    assert sorted(found) == ["road/a", "road/b", "road/c"]
    kinds = {pair: {event["type"] for event in caption["events"]} for pair, caption in found.items()}  # type: ignore[attr-defined]
    assert "low_light" in kinds["road/b"]
    assert "low_light" not in kinds["road/a"]


def test_a_second_call_continues(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (road / "ir" / "c.png").rename(road / "later.png")
    run(monkeypatch, road)
    before = (road / "captions.jsonl").read_bytes()
    (road / "later.png").rename(road / "ir" / "c.png")
    assert run(monkeypatch, road) == 0
    after = (road / "captions.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == before.count(b"\n") + 1


def test_a_damaged_pair_is_named_and_the_others_are_done(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (road / "vi" / "b.png").write_bytes(b"no picture")
    assert run(monkeypatch, road, "--set", "road") == 1
    assert "b.png" in capsys.readouterr().err
    assert sorted(captions(road)) == ["road/a", "road/c"]


def test_captions_of_another_annotator_are_not_continued(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, road)
    path = road / "captions.jsonl"
    path.write_text(path.read_text("utf-8").replace("statistics-1", "somebody"), "utf-8")
    capsys.readouterr()
    assert run(monkeypatch, road) == 2
    assert "somebody" in capsys.readouterr().err


def test_agreement_with_a_file(road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, road)
    (road / "copy.jsonl").write_bytes((road / "captions.jsonl").read_bytes())
    (road / "captions.jsonl").unlink()
    capsys.readouterr()
    assert run(monkeypatch, road, "--against", road / "copy.jsonl") == 0
    assert "1.00" in capsys.readouterr().out

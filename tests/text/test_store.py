from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from distilfuse.errors import ConfigError, InputError, OutputError
from distilfuse.text.events import Event, PairCaption
from distilfuse.text.store import CaptionStore, from_line, read_captions, to_line


def caption(pair: str, *, by: str = "qwen:x", prompt: str = "0123", words: str = "It is dark.") -> PairCaption:
    event = Event(type="low_light", modality="A", severity=0.5, description=words)
    return PairCaption(pair=pair, events=(event,), scene="A road.", annotator=by, prompt=prompt, problems=("Odd.",))


def store(path: Path, **other: object) -> CaptionStore:
    return CaptionStore(path, **{"annotator": "qwen:x", "prompt": "0123", **other})  # type: ignore[arg-type]


def write(path: Path, *pairs: str) -> None:
    with store(path).opened() as opened:
        for pair in pairs:
            opened.add(caption(pair))


def test_a_line_holds_everything_with_its_version() -> None:
    line = to_line(caption("a/1"))
    assert json.loads(line) == {
        "schema": 1,
        "pair": "a/1",
        "events": [{"type": "low_light", "modality": "A", "severity": 0.5, "description": "It is dark."}],
        "scene": "A road.",
        "annotator": "qwen:x",
        "prompt": "0123",
        "problems": ["Odd."],
    }
    assert from_line(line, "x") == caption("a/1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("3", "is no JSON object"),
        ('{"schema": 2, "pair": "a/1"}', "has schema 2, this version of distilfuse reads 1"),
        ('{"pair": "a/1", "mood": 1}', "unknown key 'mood'"),
        ('{"events": []}', "does not name its pair"),
        ('{"pair": 3}', "'pair' that is no text"),
        ('{"pair": "a/1", "scene": 3}', "'scene' that is no text"),
        ('{"pair": "a/1", "events": {}}', "'events' that is no list"),
        ('{"pair": "a/1", "events": [{"type": "haze"}]}', "An event is an object with type, modality"),
        (
            '{"pair": "a/1", "events": [{"type": "haze", "modality": "C", "severity": 1, "description": ""}]}',
            "modality is A, B or both",
        ),
    ],
)
def test_reading_is_strict_and_names_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(to_line(caption("a/1")) + "\n\n" + line + "\n", "utf-8")
    with pytest.raises(InputError, match=message) as raised:
        read_captions(path)
    assert str(raised.value).startswith(f"Line 3 of {path}")
    with pytest.raises(InputError, match=message):
        store(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        read_captions(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"pair": "a/\xff"}\n')
    with pytest.raises(InputError, match=r"Line 1 of .*latin\.jsonl is no UTF-8"):
        read_captions(tmp_path / "latin.jsonl")


def test_what_was_added_is_done(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.jsonl"
    write(path, "a/1", "a/2")
    assert list(store(path).captions) == ["a/1", "a/2"]
    write(path, "a/3")
    assert path.read_text("utf-8").count("\n") == 3
    assert read_captions(path)["a/3"] == caption("a/3")


def test_a_caption_is_on_disk_when_add_returns(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with store(path).opened() as opened:
        opened.add(caption("a/1"))
        assert read_captions(path) == {"a/1": caption("a/1")}


@pytest.mark.parametrize("words", ["Two\u2028lines\x85.", "Half \ud800 a pair.", "暗い\n\r\x00"])
def test_any_sentence_comes_back(tmp_path: Path, words: str) -> None:
    path = tmp_path / "c.jsonl"
    with store(path).opened() as opened:
        opened.add(caption("a/1", words=words))
    assert read_captions(path) == {"a/1": caption("a/1", words=words)}


def test_a_torn_last_line_is_dropped_wherever_it_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write(path, "a/1")
    first = path.read_bytes()
    whole = (to_line(caption("a/2", words="暗い。")) + "\n").encode()
    for end in range(1, len(whole) - 1):  # in the middle of a character as well
        path.write_bytes(first + whole[:end])
        opened = store(path)
        assert opened.dropped
        assert list(opened.captions) == ["a/1"]
    write(path, "a/3")
    assert list(read_captions(path)) == ["a/1", "a/3"]


def test_a_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write(path, "a/1", "a/2")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert not store(path).dropped
    write(path, "a/3")
    assert list(read_captions(path)) == ["a/1", "a/2", "a/3"]


@pytest.mark.parametrize("other", [{"annotator": "statistics-1"}, {"prompt": "4567"}])
def test_what_another_wrote_is_not_continued_but_overwritten(tmp_path: Path, other: dict[str, str]) -> None:
    path = tmp_path / "c.jsonl"
    write(path, "a/1", "a/2")
    with pytest.raises(ConfigError, match=r"holds captions by qwen:x \(prompt 0123\), not by .*--overwrite"):
        store(path, **other)
    again = store(path, **other, overwrite=True)
    assert again.captions == {}
    assert len(read_captions(path)) == 2  # nothing is lost before the first caption can be written
    with again.opened():
        again.add(caption("a/9", by=again.annotator, prompt=again.prompt))
    assert list(read_captions(path)) == ["a/9"]


HOLDER = """
import sys
from pathlib import Path
from distilfuse.text.store import CaptionStore
with CaptionStore(Path(sys.argv[1]), annotator="qwen:x", prompt="0123").opened():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="file locks of POSIX systems only")
    path = tmp_path / "c.jsonl"
    mine = store(path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="Another process is writing"), mine.opened():
            pass
        other.communicate("")
    write(path, "a/1")  # as the other process might have, after this one had read the file
    with mine.opened():
        assert list(mine.captions) == ["a/1"]
        mine.add(caption("a/2"))
    assert list(read_captions(path)) == ["a/1", "a/2"]


def test_errors_of_the_work_in_between_are_not_taken_for_the_stores(tmp_path: Path) -> None:
    def work() -> None:
        with store(tmp_path / "c.jsonl").opened():
            raise ConnectionError("elsewhere")

    with pytest.raises(ConnectionError, match="elsewhere"):
        work()
    with pytest.raises(OutputError, match="cannot be written"), store(tmp_path).opened():
        pass

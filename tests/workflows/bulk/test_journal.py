from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.workflows.bulk.files import Stamp
from distilfuse.workflows.bulk.journal import Found, Journal
from distilfuse.workflows.bulk.records import Record, Source

RECORD = Record(
    name="a.png",
    state="fused",
    visible=Source("s3://b/v\u2028.png", Stamp(3, "etag"), "12"),
    infrared=Source("/i.png", None),
    settings="ab",
    output="/out/a.png",
    warnings=("one", "two"),
    finished=1.5,
)


@pytest.fixture(params=["local", "memory"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    MemoryFileSystem.store.clear()
    return str(tmp_path / "out") if request.param == "local" else "memory://out"


def test_a_record_comes_back() -> None:
    line = RECORD.to_line()
    assert "\n" not in line
    assert Record.from_line(line) == RECORD


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_record_is_one_line(name: str, error: str, seconds: float) -> None:
    record = dataclasses.replace(RECORD, name=name, error=error, seconds=seconds)
    assert record.to_line().count("\n") == 0
    assert Record.from_line(record.to_line()) == record


@pytest.mark.parametrize("cut", range(0, 200, 17))
def test_a_line_cut_short_is_no_record(cut: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json or of ours
        Record.from_line(RECORD.to_line()[:cut])


def test_a_chunk_from_begin_to_end(output: str) -> None:
    chunk = Journal(output).chunk("run-000003")
    other = dataclasses.replace(RECORD, name="b.png")
    assert chunk.finished() is None
    assert chunk.begin() == (1, {}, set())
    chunk.add(4, RECORD)
    assert chunk.begin() == (2, {4: RECORD}, set())
    chunk.try_alone(5)
    assert chunk.begin() == (3, {4: RECORD}, {5})
    assert Journal(output).chunk("run-000004").begin() == (1, {}, set())
    chunk.finish([RECORD, other])
    assert chunk.finished() == [RECORD, other]
    found = Journal(output).read()
    assert list(found.records.values()) == [RECORD, other]
    assert found.loose


def test_the_newest_record_counts(output: str) -> None:
    journal = Journal(output)
    newer = dataclasses.replace(RECORD, state="failed", finished=2.5)
    journal.chunk("b").add(0, newer)
    journal.gather([RECORD], ended=False)  # removes the part, so it is added again
    journal.chunk("b").add(0, newer)
    journal.chunk("a").finish([dataclasses.replace(RECORD, finished=0.5)])
    assert journal.read().records == {"a.png": newer}


def test_what_nobody_wrote_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.gather([RECORD], ended=True)
    done = tmp_path / "_distilfuse" / "done.jsonl"
    done.write_bytes(done.read_bytes() + b'{"name": "b.png", "sta\n\xff\n{}\n[]\n3\n' + RECORD.to_line().encode()[:70])
    (tmp_path / "_distilfuse" / "claims").mkdir()
    (tmp_path / "_distilfuse" / "claims" / "x.json").write_bytes(b"{")
    found = journal.read()
    assert list(found.records.values()) == [RECORD]
    assert found.claimed == set()


def test_claims_are_taken_over_and_end(output: str) -> None:
    journal = Journal(output)
    assert journal.read() == Found()
    journal.claim("one", ["/out/a.png"], Found())
    journal.claim("two", ["/out/b.png"], journal.read())
    journal.gather([], ended=False)
    found = journal.read()
    assert list(found.claims) == [f"{output}/_distilfuse/claims/two.json"]
    assert found.claimed == {"/out/a.png", "/out/b.png"}
    journal.gather([], ended=True)
    assert journal.read() == Found()

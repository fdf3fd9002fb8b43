from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.errors import DistilfuseError, ModelError
from distilfuse.workflows.bulk.journal import Journal
from distilfuse.workflows.bulk.manifest import BulkPair, read_manifest
from distilfuse.workflows.bulk.planning import LARGEST_CHUNK, Chunk, Task, plan_bulk, split
from distilfuse.workflows.bulk.running import fuse_bulk
from distilfuse.workflows.bulk.worker import Work, Worker
from distilfuse.workflows.treatment import Treatment
from distilfuse.zoo import find_model

Make = Callable[..., Any]


@pytest.fixture
def work(model: str, tmp_path: Path) -> Work:
    record, _ = find_model(model)
    return Work(model, record.sha256, "onnxruntime", 1, Treatment(), "settings", str(tmp_path / "out"))


@pytest.fixture
def chunk(make_pairs: Make, make_manifest: Make, work: Work) -> Chunk:
    pairs = read_manifest(str(make_manifest(make_pairs(5))), work.output)
    return Chunk("run-000000", tuple(map(Task, pairs)))


@given(st.integers(0, 500), st.integers(1, 50))
def test_every_task_is_in_one_chunk(count: int, workers: int) -> None:
    tasks = [Task(BulkPair(f"{index}.png", "v", "i", "o")) for index in range(count)]
    chunks = split(tasks, "run", workers)
    assert [task for part in chunks for task in part.tasks] == tasks
    assert len({part.name for part in chunks}) == len(chunks)
    assert all(0 < len(part.tasks) <= LARGEST_CHUNK for part in chunks)


def test_a_worker_goes_on_where_another_died(work: Work, chunk: Chunk) -> None:
    worker, out = Worker(work), Path(work.output)
    dying = worker.run(chunk)
    before = [next(dying), next(dying)]
    dying.close()
    written = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    recorded = Journal(work.output).read().records
    assert [record.name for record in before] == ["000.png", "001.png"]
    after = list(Worker(work).run(chunk))
    assert sorted(record.name for record in after) == [f"{index:03d}.png" for index in range(5)]
    assert {name: (out / name).stat().st_mtime_ns for name in recorded} == {name: written[name] for name in recorded}
    assert list(Worker(work).run(chunk)) == sorted(after, key=lambda record: record.name), "as it was, and not again"


def test_a_pair_that_kills_its_workers_is_found_and_left_out(work: Work, chunk: Chunk) -> None:
    # Three workers have died, the third of them with number 1 alone at work.
    journal = Journal(work.output).chunk(chunk.name)
    for _ in range(3):
        journal.begin()
    journal.try_alone(1)
    records = {record.name: record for record in Worker(work).run(chunk)}
    assert [records[name].state for name in sorted(records)] == ["fused", "failed", "fused", "fused", "fused"]
    assert records["001.png"].error == (
        "A worker died at this pair each time: is there memory for it? --retry-failed tries it again."
    )
    assert not (Path(work.output) / "001.png").exists()


def test_nothing_is_left_in_the_scratch_folder(
    work: Work, chunk: Chunk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    worker = Worker(work)
    passing = worker.run(chunk)
    next(passing)
    assert len(list(scratch.iterdir())) == 1
    passing.close()
    assert list(scratch.iterdir()) == []
    list(worker.run(chunk))
    assert list(scratch.iterdir()) == []


def test_another_model_than_that_of_the_run(work: Work) -> None:
    with pytest.raises(ModelError, match="is another model than where the run was started"):
        Worker(Work(work.model, "0" * 64, "onnxruntime", 1, work.treatment, "settings", work.output))


def test_pairs_without_a_result_are_missed(work: Work, make_pairs: Make, make_manifest: Make) -> None:
    pairs = read_manifest(str(make_manifest(make_pairs(4))), work.output)
    plan = plan_bulk(pairs, work.output, work.settings)
    worker = Worker(work)

    def forgetful(chunks: Any) -> Any:
        for chunk in chunks[1:]:
            yield from worker.run(chunk)
            yield from worker.run(chunk)  # a record that comes twice is told once

    passing = fuse_bulk(plan, forgetful, workers=1)
    told = []
    with pytest.raises(DistilfuseError, match=r"^1 of 4 pairs got no result \(such as 000\.png\): run the"):
        told.extend(record.name for record in passing)
    again = plan_bulk(pairs, work.output, work.settings)
    assert [task.pair.name for task in again.tasks] == ["000.png"]

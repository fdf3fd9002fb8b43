"""A cluster of two workers on this machine, and what a kill does to a run on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from distilfuse.errors import DistilfuseError, MissingDependencyError, OutputError
from distilfuse.workflows.bulk.manifest import read_manifest
from distilfuse.workflows.bulk.on_ray import RayWorker, _record, cluster, on_cluster, ray_data
from distilfuse.workflows.bulk.planning import Chunk, plan_bulk, split
from distilfuse.workflows.bulk.records import content_digest
from distilfuse.workflows.bulk.worker import Work
from distilfuse.workflows.treatment import Treatment
from distilfuse.zoo import find_model

Run = Callable[..., int]
Make = Callable[..., Any]
Done = Callable[[Path], list[dict[str, Any]]]
Start = Callable[..., subprocess.Popen[str]]
Loose = Callable[[Path], dict[str, dict[str, Any]]]

WAIT = 240.0
"""Seconds: a cluster takes long to start on a busy machine."""

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray (extra bulk) is not installed")
kills = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed as Unix does it")


def wait_for(condition: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def own(complaints: str) -> list[str]:
    """What the command says; the C++ parts of Ray say things of their own, which begin with a date in brackets."""
    return [line for line in complaints.splitlines() if not line.startswith("[")]


def process_of(record: dict[str, Any]) -> int:
    return int(record["worker"].rpartition(":")[2])


def times(out: Path, names: Any) -> dict[str, int]:
    return {name: (out / name).stat().st_mtime_ns for name in names}


def check(out: Path, pairs: list[tuple[Path, Path]], records: list[dict[str, Any]]) -> None:
    names = [visible.name for visible, _ in pairs]
    assert sorted(record["name"] for record in records) == names, "each pair once"
    assert sorted(path.name for path in out.iterdir()) == sorted([*names, "_distilfuse"])
    assert [path.name for path in (out / "_distilfuse").iterdir()] == ["done.jsonl"]
    for record in records:
        assert record["state"] == "fused"
        assert record["digest"] == content_digest((out / record["name"]).read_bytes())


@needs_ray
@pytest.mark.slow
@kills
def test_a_worker_is_killed_in_the_middle(
    start: Start, loose: Loose, done: Done, run: Run, make_pairs: Make, make_manifest: Make, tmp_path: Path
) -> None:
    pairs, out = make_pairs(80, (300, 400)), tmp_path / "out"
    manifest = make_manifest(pairs)
    running = start(manifest, "-o", out, "--ray", "local", "--workers", "2")
    wait_for(
        lambda: len(loose(out)) >= 12 and len({process_of(record) for record in loose(out).values()}) == 2, running
    )
    victim = process_of(max(loose(out).values(), key=lambda record: record["finished"]))
    os.kill(victim, signal.SIGKILL)
    before = loose(out)
    made = times(out, before)
    assert len(before) < 80, "killed in the middle"
    said, complaints = running.communicate(timeout=WAIT)
    assert (running.returncode, own(complaints)) == (0, [])
    assert f"{out}: 80 of 80 pairs fused in " in said
    records = done(out)
    check(out, pairs, records)
    assert times(out, before) == made, "nothing that was written down is made twice"
    by = {record["name"]: process_of(record) for record in records}
    assert victim in by.values()
    assert len(set(by.values())) == 3, "another worker took its place"
    assert run(manifest, "-o", tmp_path / "alone") == 0
    assert [(tmp_path / "alone" / name).read_bytes() for name in by] == [(out / name).read_bytes() for name in by]


@needs_ray
@pytest.mark.slow
@kills
def test_the_whole_run_is_killed_in_the_middle(
    start: Start, loose: Loose, done: Done, make_pairs: Make, make_manifest: Make, tmp_path: Path
) -> None:
    pairs, out = make_pairs(60, (300, 400)), tmp_path / "out"
    arguments = make_manifest(pairs), "-o", out, "--ray", "local", "--workers", "2"
    running = start(*arguments)
    wait_for(lambda: len(loose(out)) >= 10, running)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    processes = {process_of(record) for record in loose(out).values()}
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < deadline, "workers outlive their cluster"
        time.sleep(0.1)
    before = loose(out)
    made = times(out, before)
    assert len(before) < 60, "killed in the middle"
    again = start(*arguments)
    said, complaints = again.communicate(timeout=WAIT)
    assert again.returncode == 0, complaints
    assert own(complaints) == [f"{len(before)} of 60 are finished already"]
    assert f"{60 - len(before)} of {60 - len(before)} pairs fused" in said
    records = done(out)
    check(out, pairs, records)
    assert times(out, before) == made, "nothing is made twice"
    assert {record["name"]: record for record in records if record["name"] in before} == before


@needs_ray
@pytest.mark.slow
def test_failures_and_faults_end_in_sentences(
    start: Start, make_pairs: Make, make_manifest: Make, tmp_path: Path
) -> None:
    pairs, out = make_pairs(6), tmp_path / "out"
    pairs[2][0].write_bytes(b"no picture")
    running = start(make_manifest(pairs), "-o", out, "--ray", "local", "--workers", "2")
    said, complaints = running.communicate(timeout=WAIT)
    assert running.returncode == 1
    assert "5 of 6 pairs fused" in said
    assert own(complaints) == [
        f"002.png failed: {pairs[2][0]} is not a picture that can be read: convert it to PNG.",
        "1 of 6 pairs failed: 002.png",
    ]


@needs_ray
@pytest.mark.slow
def test_a_defect_in_a_worker_ends_in_one_sentence(
    make_pairs: Make, make_manifest: Make, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "180")
    chunks, work = chunks_and_work(make_manifest(make_pairs(1)), tmp_path / "out", model)
    monkeypatch.setattr(Chunk, "to_json", lambda chunk: "{")
    with (
        cluster("local", cpus=1) as cpus,
        pytest.raises(DistilfuseError, match=r"^The Ray cluster gave up \(") as caught,
    ):
        list(on_cluster(work, 1)(chunks))
    assert cpus == 1
    assert str(caught.value).endswith("): what is done is kept, so run the same command again.")
    assert "\n" not in str(caught.value)


@needs_ray
@pytest.mark.slow
@kills
def test_ctrl_c_ends_quietly_and_keeps_what_is_done(
    start: Start, loose: Loose, make_pairs: Make, make_manifest: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    running = start(make_manifest(make_pairs(60, (300, 400))), "-o", out, "--ray", "local", "--workers", "2")
    wait_for(lambda: len(loose(out)) >= 1, running)
    os.kill(running.pid, signal.SIGINT)
    said, complaints = running.communicate(timeout=WAIT)
    assert (running.returncode, said) == (130, "")
    assert "Traceback" not in complaints, complaints
    assert 1 <= len(loose(out)) < 60


@needs_ray
def test_no_cluster_answers() -> None:
    with (
        pytest.raises(DistilfuseError, match=r"^No Ray cluster answers at nonsense \(.*\): start one"),
        cluster("nonsense", cpus=1),
    ):
        pass


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[bulk\]'$"):
        ray_data()


def chunks_and_work(manifest: Path, out: Path, model: str) -> tuple[list[Chunk], Work]:
    plan = plan_bulk(read_manifest(str(manifest), str(out)), str(out), "settings")
    record, _ = find_model(model)
    return split(plan.tasks, "run", 1), Work(model, record.sha256, "onnxruntime", 1, Treatment(), "settings", str(out))


def test_what_ray_calls(make_pairs: Make, make_manifest: Make, model: str, tmp_path: Path) -> None:
    chunks, work = chunks_and_work(make_manifest(make_pairs(3)), tmp_path / "out", model)
    assert [Chunk.from_json(chunk.to_json()) for chunk in chunks] == chunks
    worker = RayWorker(work)
    for _ in range(2):  # a result that got lost is asked for again
        lines = [batch["line"] for batch in worker({"chunk": [chunks[0].to_json()]})]
        assert [[_record(line).name for line in batch] for batch in lines] == [["000.png"]]


def test_faults_come_back_with_their_class(make_pairs: Make, make_manifest: Make, model: str, tmp_path: Path) -> None:
    chunks, work = chunks_and_work(make_manifest(make_pairs(1)), tmp_path / "out", model)
    (tmp_path / "out").write_bytes(b"no folder")
    ((line,),) = [batch["line"] for batch in RayWorker(work)({"chunk": [chunks[0].to_json()]})]
    with pytest.raises(OutputError, match="cannot be made"):
        _record(line)

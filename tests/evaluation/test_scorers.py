from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import DistilfuseError, InputError
from distilfuse.evaluation.methods import baseline
from distilfuse.evaluation.scorers import score_processes
from distilfuse.evaluation.scoring import Plan, collect, run
from distilfuse.imaging.pairs import Pair
from distilfuse.metrics import score

PICTURES = tuple(np.random.default_rng(k).integers(0, 256, (48, 64), np.uint8) for k in range(3))


def test_a_table_is_the_same_from_threads_and_from_processes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pairs = []
    for k in range(12):
        for folder in ("vi", "ir"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (48, 64), np.uint8)).save(tmp_path / folder / f"{k:02d}.png")
        pairs.append(Pair(f"{k:02d}", tmp_path / "vi" / f"{k:02d}.png", tmp_path / "ir" / f"{k:02d}.png"))
    pairs[5].infrared.write_bytes(b"no picture")
    plan = Plan(
        dataset="set",
        pairs=tuple(pairs),
        methods=(baseline("max"), baseline("mean")),
        protocol="paper",
        metrics=("EN", "Qabf", "SSIM"),
    )
    threads, _ = collect(plan, run(plan, jobs=2))
    processes, _ = collect(plan, run(plan, jobs=2, processes=True))
    assert len(processes.rows) == 24
    for one, other in zip(threads.rows, processes.rows, strict=True):
        assert (one.method, one.name, one.problem) == (other.method, other.name, other.problem)
        np.testing.assert_array_equal(list(one.values.values()), list(other.values.values()))


def test_errors_cross_over_and_a_lost_process_is_named() -> None:
    with score_processes(1) as elsewhere:
        assert elsewhere(*PICTURES, metrics=("EN", "SD")) == score(*PICTURES, metrics=("EN", "SD"))
        with pytest.raises(InputError, match="differ in size"):
            elsewhere(PICTURES[0][1:], *PICTURES[1:])
        (child,) = [int(pid) for pid in _children() if _is_worker(pid)]
        os.kill(child, signal.SIGINT)  # Ctrl-C reaches the whole group; the parent decides what follows
        assert elsewhere(*PICTURES, metrics=("EN",)) == score(*PICTURES, metrics=("EN",))
        os.kill(child, signal.SIGKILL)
        time.sleep(0.5)  # until the pool has noticed
        with pytest.raises(DistilfuseError, match="fewer --jobs"):
            elsewhere(*PICTURES, metrics=("EN",))


def test_it_may_be_called_from_several_threads() -> None:
    found: list[float] = []
    with score_processes(2) as elsewhere:
        threads = [
            threading.Thread(target=lambda: found.append(elsewhere(*PICTURES, metrics=("EN",))["EN"])) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [score(*PICTURES, metrics=("EN",))["EN"]] * 6


def _children() -> list[str]:
    path = Path(f"/proc/{os.getpid()}/task")
    if not path.is_dir():
        pytest.skip("processes are looked up in /proc, which this system lacks")
    return [pid for task in path.iterdir() for pid in (task / "children").read_text().split()]


def _is_worker(pid: str) -> bool:
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()

"""What a speed run measures, in which order, and how two runs are compared."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import ConfigError, InputError, OutputError
from distilfuse.evaluation.speed import (
    Case,
    Report,
    Rival,
    check_report,
    plan,
    read_report,
    slower_cases,
    timing,
    write_report,
)
from distilfuse.evaluation.speed.cases import Runner, open_runner, pair
from distilfuse.evaluation.speed.machine import Peaks, describe_machine, measure_peaks
from distilfuse.evaluation.speed.report import COLUMNS, row, share_of
from distilfuse.evaluation.speed.timing import Measured, measure, peak_memory

CASE = Case(method="nano-ivif", backend="onnxruntime", width=64, height=48, threads=1)


def runner(name: str, run: Callable[[], object], network: Callable[[], object] | None = None) -> Runner:
    case = Case(method=name, backend="numpy", width=8, height=8, threads=1)
    return Runner(case=case, device="CPU", run=run, network=network, flop=2e9 if network else None)


def result(name: str, milliseconds: float, *, quality: float | None = None, **size: int) -> Measured:
    return Measured(
        case=Case(method=name, backend="onnxruntime", threads=2, **({"width": 64, "height": 48} | size)),
        device="CPU",
        rounds=5,
        least=0.9 * milliseconds,
        median=milliseconds,
        spread=0.02,
        network_least=0.7 * milliseconds,
        network_median=0.8 * milliseconds,
        flop=4e9,
        loading=0.1,
        quality={} if quality is None else {"roadscene": quality, "msrs": quality},
    )


def test_every_model_meets_every_backend_size_thread_and_batch_and_rivals_the_first_size() -> None:
    rival = Rival(backend="torch", open=lambda threads: lambda visible, infrared: None)
    cases = plan(
        models=["a", "b"],
        backends=["onnxruntime", "openvino"],
        sizes=["64x48", "32x32"],
        threads=[1, 2],
        batches=[1, 4],
        rivals={"other": rival},
        baselines=True,
    )
    ours = [case for case in cases if case.method in "ab"]
    assert len(ours) == len(set(ours)) == 2 * 2 * 2 * 2 * 2
    assert {(case.method, case.backend, case.batch) for case in cases if case not in ours} == {
        ("max", "numpy", 1),
        ("laplacian", "numpy", 1),
        ("other", "torch", 1),
    }
    assert [(case.size, case.threads) for case in cases if case.method == "other"] == [("64x48", 1), ("64x48", 2)]


@pytest.mark.parametrize("size", ["640", "640x", "0x5", "640x480x3", "wide"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(ConfigError, match="like 640x480"):
        plan(models=["a"], backends=["b"], sizes=[size], threads=None, batches=[1], rivals={}, baselines=False)


def test_cases_take_turns() -> None:
    calls: list[str] = []
    measured = measure([runner(name, lambda name=name: calls.append(name)) for name in "ab"], rounds=3)  # type: ignore[misc]
    assert "".join(calls) == "aabb" + "aabb" * 3  # warm-up, then two calls a turn of which the second is timed
    assert [entry.rounds for entry in measured] == [3, 3]
    assert all(entry.least <= entry.median for entry in measured)


def test_what_is_slow_is_called_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(timing, "_seconds", lambda run: run() or 6.0)
    (entry,) = measure([runner("a", lambda: calls.append("a"))], rounds=9)
    assert (len(calls), entry.rounds, entry.median, entry.spread) == (1, 1, 6000.0, 0.0)


def test_arithmetic_a_second_is_of_the_network_alone_and_beside_the_peak() -> None:
    entry = result("a", 10.0)
    assert entry.fps == pytest.approx(100.0)
    assert entry.gflops == pytest.approx(500.0)  # 4 GFLOP in 8 ms
    assert share_of(entry, [Peaks(2, 1000.0, 10.0)]) == pytest.approx(0.5)
    assert share_of(entry, [Peaks(1, 1000.0, 10.0)]) is None
    assert dict(zip(COLUMNS, row(entry, [Peaks(2, 1000.0, 10.0)]), strict=True))["of peak"] == "50%"


def test_a_case_that_lost_against_the_others_is_found_on_a_slower_machine_too() -> None:
    before = Report(measured=[result(name, 10.0) for name in "abcd"], peaks=[], cold={}).cases()
    same = Report(measured=[result(name, 25.0) for name in "abcd"], peaks=[], cold={}).cases()
    assert slower_cases(before, same) == []
    worse = Report(measured=[result(name, 25.0 if name != "c" else 40.0) for name in "abcd"], peaks=[], cold={}).cases()
    ((what, times),) = slower_cases(before, worse)
    assert what.startswith("c on onnxruntime, 64x48")
    assert times == pytest.approx(1.6 / 1.6**0.25)
    with pytest.raises(ConfigError, match="fewer than three"):
        slower_cases(before, worse[:2])


def test_a_report_is_written_whole_and_read_again(tmp_path: Path) -> None:
    report = Report(
        measured=[result("a", 10.0, quality=0.7), result("b", 30.0, quality=0.8), result("c", 3.0)],
        peaks=[Peaks(2, 1000.0, 10.0)],
        cold={"a": (0.3, 0.4)},
    )
    path = tmp_path / "bench.json"
    check_report(path, overwrite=False)
    write_report(path, report)
    data = read_report(path)
    assert data["cases"] == report.cases()
    assert data["peaks"] == [{"threads": 2, "gflops": 1000.0, "copy_gbs": 10.0}]
    assert data["cold_start"]["a"] == {"least_s": 0.3, "median_s": 0.4}
    assert data["cases"][0]["share_of_peak"] == 0.5
    assert {"commit", "machine", "versions", "date"} <= data.keys()
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match="--overwrite"):
        check_report(path, overwrite=False)
    check_report(path, overwrite=True)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 0, "cases": []}', '{"schema": 1}'])
def test_a_file_that_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bench\.json"):
        read_report(path)


def test_a_model_runs_whole_and_alone_in_batches_too() -> None:
    for batch in (1, 2):
        opened = open_runner(dataclasses.replace(CASE, batch=batch), {})
        assert np.shape(opened.run()) == (batch, 48, 64, 3)
        assert opened.network is not None
        opened.network()
        assert opened.flop is not None
        assert 2e3 < opened.flop / (64 * 48 * batch) < 30e3  # FLOP a pixel
    visible, infrared = pair(64, 48)
    assert (visible.shape, infrared.shape) == ((48, 64, 3), (48, 64))


def test_what_the_machine_can_do_and_what_a_process_needs() -> None:
    peaks = measure_peaks(1)
    assert peaks.threads == 1
    assert 1 < peaks.gflops < 1e5
    assert 0.1 < peaks.copy_gbs < 1e4
    assert describe_machine()["usable_cpus"] >= 1
    used = peak_memory(CASE)
    assert used is None or 30 < used < 1000
    json.dumps(describe_machine())

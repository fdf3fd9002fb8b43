from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import DistilfuseError, ModelError
from distilfuse.runtime import choice, open_backend, probe
from distilfuse.runtime.cache import cache_folder

ALL = ("onnxruntime", "openvino", "cuda")


class Clock:
    """Stands until something takes its time."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Pretended:
    """A backend that takes as long as it is told."""

    threads = 2
    device = "CPU"
    chosen = ""

    def __init__(self, name: str, clock: Clock, seconds: Iterator[float]) -> None:
        self.name = name
        self._clock, self._seconds = clock, seconds
        self.shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def run(self, visible: np.ndarray, infrared: np.ndarray) -> np.ndarray:
        self.shapes.append((visible.shape, infrared.shape))
        self._clock.now += next(self._seconds)
        return visible


class Bench:
    """Chooses among pretended backends."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.loaded: list[str] = []
        self.backends: dict[str, Pretended] = {}
        self.times: dict[str, float | list[float]] = {}
        self.broken: set[str] = set()

    def load(self, name: str) -> Pretended:
        self.loaded.append(name)
        if name in self.broken:
            raise DistilfuseError(f"{name} is broken.")
        times = self.times[name]

        def seconds() -> Iterator[float]:
            given = times if isinstance(times, list) else [10 * times, times]  # the first call pays for warming up
            yield from given
            while True:
                yield given[-1]

        self.backends[name] = Pretended(name, self.clock, seconds())
        return self.backends[name]

    def choose(self, *, weights: bytes = b"model", threads: int = 2, channels: int = 1, multiple: int = 8) -> Pretended:
        self.loaded.clear()
        return probe.fastest(
            list(self.times), self.load, weights, threads=threads, channels=channels, multiple=multiple
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path))
    clock = Clock()
    monkeypatch.setattr(probe, "time", clock)
    return Bench(clock)


def test_the_fastest_is_taken_and_it_is_said(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01, "cuda": 0.015}
    backend = bench.choose()
    assert (backend.name, backend.chosen) == ("openvino", "fastest of 3")
    assert bench.loaded == list(ALL)
    assert bench.clock.now < 1.5


def test_a_gain_within_the_noise_is_none(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.020, "openvino": 0.019}
    assert bench.choose().name == "onnxruntime"


def test_one_slow_call_decides_nothing(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": [0.3, 0.01, 0.2, 0.3, 0.2]}
    assert bench.choose().name == "openvino"


def test_slow_networks_are_called_once(bench: Bench) -> None:
    bench.times = {"onnxruntime": [5.0], "openvino": [3.0]}
    assert bench.choose().name == "openvino"
    assert [len(backend.shapes) for backend in bench.backends.values()] == [1, 1]


def test_the_pair_is_one_that_the_network_takes(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.choose(channels=3, multiple=64)
    assert set(bench.backends["openvino"].shapes) == {((1, 3, 512, 640), (1, 1, 512, 640))}


def test_the_choice_is_kept(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.choose()
    backend = bench.choose()
    assert bench.loaded == ["openvino"]
    assert (backend.name, backend.chosen, backend.shapes) == ("openvino", "fastest of 2", [])


@pytest.mark.parametrize("change", ["weights", "threads", "processor", "version", "candidates"])
def test_it_is_kept_for_what_it_was_measured_with(change: str, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.choose()
    other: dict[str, object] = {}
    if change == "weights":
        other["weights"] = b"another"
    elif change == "threads":
        other["threads"] = 1
    elif change == "processor":
        monkeypatch.setattr(probe, "cpu_name", lambda: "another")
    elif change == "version":
        monkeypatch.setattr(probe, "version", lambda package: "99")
    else:
        bench.times["cuda"] = 0.001
    bench.choose(**other)  # type: ignore[arg-type]
    assert bench.loaded == list(bench.times)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"backend": "abacus", "of": 2}', '{"backend": "openvino"}'])
def test_a_damaged_choice_is_made_again(content: str, bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.choose()
    (file,) = (cache_folder() / "backends").iterdir()
    file.write_text(content, encoding="utf-8")
    assert bench.choose().name == "openvino"
    assert bench.loaded == ["onnxruntime", "openvino"]
    assert json.loads(file.read_text(encoding="utf-8"))["backend"] == "openvino"


def test_a_cache_that_cannot_be_written_is_no_error(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path / "file"))
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    for _ in range(2):
        assert bench.choose().name == "openvino"
        assert bench.loaded == ["onnxruntime", "openvino"]


def test_what_cannot_be_loaded_is_no_candidate(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.broken = {"openvino"}
    backend = bench.choose()
    assert (backend.name, backend.chosen) == ("onnxruntime", "")
    assert len(backend.shapes) == 1, "there is nothing to compare it with"
    assert bench.choose().name == "onnxruntime"
    assert bench.loaded == ["onnxruntime"]


def test_a_choice_that_broke_since_is_made_again(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.choose()
    bench.broken = {"openvino"}
    assert bench.choose().name == "onnxruntime"


def test_where_nothing_loads_the_first_error_counts(bench: Bench) -> None:
    bench.times = {"onnxruntime": 0.02, "openvino": 0.01}
    bench.broken = {"onnxruntime", "openvino"}
    with pytest.raises(DistilfuseError, match="onnxruntime is broken"):
        bench.choose()


def test_where_one_is_installed_nothing_is_measured(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **settings: object) -> None:
        raise AssertionError

    found = choice.find_spec
    monkeypatch.setattr(choice, "find_spec", lambda name: None if name == "openvino" else found(name))
    monkeypatch.setattr(choice, "nvidia_cards", lambda: [])
    monkeypatch.setattr(probe, "fastest", refuse)
    backend = open_backend("auto", (project / "tests/assets/maximum-luminance.onnx").read_bytes(), threads=1)
    assert (backend.name, backend.chosen) == ("onnxruntime", "")


@pytest.mark.parametrize(("built", "cards"), [(True, ["Card"]), (True, []), (False, ["Card"])])
def test_cuda_takes_part_where_there_is_a_card(
    built: bool, cards: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def fastest(names: list[str], load: Callable[[str], object], *arguments: object, **settings: object) -> object:
        asked.append(names)
        return load(names[0])

    monkeypatch.setattr(choice, "_provided", lambda name: built)
    monkeypatch.setattr(choice, "nvidia_cards", lambda: cards)
    monkeypatch.setattr(probe, "fastest", fastest)
    open_backend("auto", (project / "tests/assets/maximum-luminance.onnx").read_bytes())
    assert (any("cuda" in names for names in asked)) == (built and bool(cards))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot load the model"):
        open_backend("auto", b"no model at all")


def test_real_backends(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path))
    monkeypatch.setattr(choice, "nvidia_cards", lambda: [])
    weights = (project / "tests/assets/maximum-luminance.onnx").read_bytes()
    backend = open_backend("auto", weights, threads=1, multiple=4)
    assert backend.name in ("onnxruntime", "openvino")
    assert backend.chosen == "fastest of 2"
    (file,) = (tmp_path / "backends").iterdir()
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["backend"], kept["of"], sorted(kept["seconds"])) == (backend.name, 2, ["onnxruntime", "openvino"])
    assert open_backend("auto", weights, threads=1, multiple=4).name == backend.name

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from distilfuse.errors import ConfigError, DistilfuseError, MissingDependencyError, ModelError
from distilfuse.runtime import (
    BACKENDS,
    INSTALL,
    check_threads,
    find_devices,
    onnxruntime_backend,
    open_backend,
    usable_cpus,
)
from distilfuse.runtime.providers import PROVIDERS

HERE = [name for name in BACKENDS if not name.startswith("torch") and find_devices(name)]
ABSENT = [name for name in PROVIDERS if PROVIDERS[name].name not in onnxruntime.get_available_providers()]


@pytest.fixture(scope="module")
def weights(project: Path) -> bytes:
    return (project / "tests" / "assets" / "maximum-luminance.onnx").read_bytes()


def pair(height: int = 8, width: int = 12, count: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (count, 1, height, width)
    return rng.random(shape, dtype=np.float32), rng.random(shape, dtype=np.float32)


def test_the_default_backend_is_here() -> None:
    assert "onnxruntime" in HERE
    assert BACKENDS[0] == "onnxruntime"


@pytest.mark.parametrize("name", HERE)
def test_runs_any_size_and_says_where(name: str, weights: bytes) -> None:
    backend = open_backend(name, weights, threads=1)
    assert backend.name == name
    assert backend.threads == 1
    assert backend.device.split()[0] in ("CPU", "CUDA")
    for height, width, count in ((4, 4, 1), (8, 12, 1), (16, 4, 3)):
        visible, infrared = pair(height, width, count)
        fused = backend.run(visible, infrared)
        assert fused.dtype == np.float32
        np.testing.assert_allclose(fused, np.maximum(visible, infrared), atol=1e-6)


@pytest.mark.parametrize("name", HERE)
def test_results_are_kept_when_the_backend_runs_again(name: str, weights: bytes) -> None:
    backend = open_backend(name, weights)
    first = backend.run(*pair(seed=1))
    copy = first.copy()
    backend.run(*pair(seed=2))
    np.testing.assert_array_equal(first, copy)


@pytest.mark.parametrize("name", HERE)
def test_several_threads_may_call_at_once(name: str, weights: bytes) -> None:
    backend = open_backend(name, weights, threads=1)
    pairs = [pair(32, 32, seed=k) for k in range(40)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda both: backend.run(*both), pairs))
    for (visible, infrared), fused in zip(pairs, results, strict=True):
        np.testing.assert_allclose(fused, np.maximum(visible, infrared), atol=1e-6)


@pytest.mark.parametrize("name", HERE)
def test_what_is_no_model_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="cannot load the model") as caught:
        open_backend(name, b"no model at all")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", HERE)
def test_a_failing_run_names_the_size(name: str, weights: bytes) -> None:
    with pytest.raises(ModelError, match="failed on a 7x5 pair") as caught:
        open_backend(name, weights).run(*pair(5, 7))
    assert "\n" not in str(caught.value)


def test_unknown_backends_name_the_known_ones(weights: bytes) -> None:
    for name in ("tpu", "cuda:1", "openvino:int8", ""):
        with pytest.raises(ConfigError, match=f"no backend named '{name}': choose auto, onnxruntime, openvino, cuda"):
            open_backend(name, weights)


@pytest.mark.parametrize("threads", [0, -3, 1.5, "2", True])
def test_impossible_threads_are_refused(threads: object) -> None:
    with pytest.raises(ConfigError, match="threads must be a whole number from 1 up"):
        check_threads(threads)


def test_threads_default_to_the_usable_cpus() -> None:
    assert check_threads(None) == usable_cpus() >= 1
    assert check_threads(3) == 3


def test_missing_openvino_gives_the_install_line(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[openvino\]'"):
        open_backend("openvino", weights)
    assert find_devices("openvino") is None


def test_bfloat16_is_near_where_the_cpu_has_it_and_refused_elsewhere(weights: bytes) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    from distilfuse.runtime.openvino_backend import openvino_core

    if "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        backend = open_backend("openvino:bf16", weights, threads=1)
        assert backend.name == "openvino:bf16"
        plain = open_backend("openvino", weights, threads=1).run(*pair(48, 64))
        assert np.abs(backend.run(*pair(48, 64)) - plain).mean() < 0.01
        return
    with pytest.raises(DistilfuseError, match=r"cannot compute in bfloat16 .*use the backend 'openvino'"):
        open_backend("openvino:bf16", weights, threads=1)


@pytest.mark.parametrize("able", [False, True])
def test_bfloat16_is_what_openvino_is_asked_for(able: bool, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the CPU of this machine has."""
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    from distilfuse.runtime import openvino_backend

    real, asked = openvino_backend.openvino_core(), []

    class Core:
        def get_property(self, device: str, name: str) -> object:
            if name == "OPTIMIZATION_CAPABILITIES":
                return ["FP32", *(["BF16"] if able else [])]
            return real.get_property(device, name)

        def read_model(self, model: bytes) -> object:
            return real.read_model(model=model)

        def compile_model(self, model: object, device: str, settings: dict[str, object]) -> object:
            asked.append(settings["INFERENCE_PRECISION_HINT"])
            return real.compile_model(model, device, settings | {"INFERENCE_PRECISION_HINT": "f32"})

    monkeypatch.setattr(openvino_backend, "openvino_core", Core)
    open_backend("openvino", weights, threads=1).run(*pair())
    if able:
        open_backend("openvino:bf16", weights, threads=1).run(*pair())
        assert asked == ["f32", "bf16"]
        return
    with pytest.raises(DistilfuseError, match="cannot compute in bfloat16"):
        open_backend("openvino:bf16", weights, threads=1)
    assert asked == ["f32"]


def test_openvino_is_not_touched_by_the_default(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> object:
        assert not name.startswith("openvino")
        return plain(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    open_backend("onnxruntime", weights).run(*pair())


@pytest.mark.parametrize("name", sorted(PROVIDERS.keys() - {"onnxruntime"}))
def test_missing_providers_give_their_install_line(name: str, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(MissingDependencyError) as caught:
        open_backend(name, weights)
    assert str(caught.value) == f"The backend '{name}' is not installed: {INSTALL[name]}"
    assert find_devices(name) is None


@pytest.mark.parametrize("name", ABSENT)
def test_no_silent_fallback_to_the_cpu(name: str, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime itself warns, drops the provider and goes on."""
    provider = PROVIDERS[name]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [provider.name, "CPUExecutionProvider"])
    with (
        pytest.warns(UserWarning, match=provider.name),
        pytest.raises(DistilfuseError, match=f"no usable {provider.device} device: check .*the backend 'onnxruntime'"),
    ):
        open_backend(name, weights)


class Recorded:
    """A session of ONNX Runtime with every provider that it is asked for."""

    def __init__(self, weights: bytes, options: onnxruntime.SessionOptions, providers: list, **kinds: int) -> None:
        self.options, self.kinds, self.asked = options, kinds, providers
        self.inside = 0
        self.most = 0

    def get_providers(self) -> list[str]:
        return [provider if isinstance(provider, str) else provider[0] for provider in self.asked]

    def disable_fallback(self) -> None:
        self.kinds["disabled"] = 1

    def get_inputs(self) -> list[object]:
        return [
            SimpleNamespace(name=name, shape=["batch", 1, "8*rows", "8*columns"]) for name in ("visible", "infrared")
        ]

    def run(self, names: list[str] | None, pair: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.01)
        self.inside -= 1
        return [pair["visible"]]


@pytest.mark.parametrize("name", sorted(PROVIDERS.keys() - {"onnxruntime"}))
def test_what_a_session_is_asked_for(
    name: str, weights: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path))
    available = [provider.name for provider in PROVIDERS.values()]
    fake = SimpleNamespace(
        InferenceSession=Recorded,
        SessionOptions=onnxruntime.SessionOptions,
        get_available_providers=lambda: available,
    )
    monkeypatch.setattr(onnxruntime_backend, "ort", fake)
    backend = open_backend(name, weights, threads=3)
    session = backend._session
    assert session.kinds == {"enable_fallback": 0, "disabled": 1}
    assert session.options.intra_op_num_threads == 3
    assert session.options.enable_mem_pattern == (name != "directml")
    assert session.options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert session.get_providers()[0] == PROVIDERS[name].name
    assert session.get_providers()[-1] == "CPUExecutionProvider"
    if name == "tensorrt":
        assert session.asked[0][1]["trt_engine_cache_path"] == str(tmp_path / "tensorrt")
        assert (tmp_path / "tensorrt").is_dir()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: backend.run(*pair(seed=seed)), range(12)))
    assert (session.most == 1) == (name == "directml")


@pytest.mark.parametrize("ends", [True, False])
def test_threads_never_spin_without_end(ends: bool, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        onnxruntime_backend, "_SPIN_ENDS", ends
    )  # as of releases that can say how long, and earlier ones
    options = open_backend("onnxruntime", weights)._session.get_session_options()  # type: ignore[attr-defined]
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == ("1" if ends else "0")
    assert 0 < int(options.get_session_config_entry("session.intra_op.spin_duration_us")) < 1000


@pytest.mark.parametrize("name", [name for name in ("onnxruntime", "openvino") if name in HERE])
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted by /proc")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_affinity_are_honoured(name: str, threads: int, project: Path) -> None:
    """In a process that may use one CPU only: no thread leaves it, and no more are made than asked for."""
    cpu = max(os.sched_getaffinity(0))
    path = str(project / "src/distilfuse/zoo/models/nano-ivif.onnx")
    code = f"""
import os, re
from pathlib import Path
os.sched_setaffinity(0, {{{cpu}}})
import numpy as np
from distilfuse.runtime import open_backend
def tasks():
    found = {{}}
    for task in Path("/proc/self/task").iterdir():
        allowed = re.search(r"Cpus_allowed_list:\\s*(\\S+)", (task / "status").read_text()).group(1)
        used = sum(int(ticks) for ticks in (task / "stat").read_text().rpartition(")")[2].split()[11:13])
        found[task.name] = allowed, used
    return found
backend = open_backend({name!r}, Path({path!r}).read_bytes(), threads={threads})
before = tasks()
plane = np.zeros((1, 1, 480, 640), np.float32)
for _ in range(8): backend.run(plane, plane)
after = tasks()
busy = sum(used - before.get(task, (0, 0))[1] > 2 for task, (_, used) in after.items())
print(sorted({{allowed for allowed, _ in after.values()}}), busy)
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    allowed, _, busy = done.stdout.strip().rpartition(" ")
    assert allowed == f"['{cpu}']"
    assert 1 <= int(busy) <= threads


def test_openvino_settles_on_the_first_size_that_comes_twice(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    from distilfuse.runtime import openvino_backend

    real, compiled = openvino_backend.openvino_core(), []

    class Core:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def compile_model(self, model: Any, device: str, settings: dict[str, object]) -> object:
            compiled.append(str(model.input("visible").partial_shape))
            return real.compile_model(model, device, settings)

    monkeypatch.setattr(openvino_backend, "openvino_core", Core)
    backend = open_backend("openvino", weights, threads=1)
    for height, width, count in (
        (4, 8, 1),
        (8, 12, 1),
        (4, 8, 1),
        (8, 12, 1),
        (8, 12, 1),
        (4, 8, 2),
        (4, 8, 2),
        (8, 12, 1),
    ):
        visible, infrared = pair(height, width, count)
        np.testing.assert_allclose(backend.run(visible, infrared), np.maximum(visible, infrared), atol=1e-6)
    assert compiled == ["[?,1,?,?]", "[1,1,8,12]", "[?,1,?,?]"]


def test_a_model_given_up_in_another_thread_leaves_signals_alone(project: Path) -> None:
    """OpenVINO lends its first thread a signal stack; without care it goes with the last model, and a signal kills."""
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    path = str(project / "tests" / "assets" / "maximum-luminance.onnx")
    code = f"""
import gc, os, signal, threading
from pathlib import Path
from distilfuse.runtime import open_backend
signal.signal(signal.SIGUSR1, lambda number, frame: print("handled"))
held = [open_backend("openvino", Path({path!r}).read_bytes(), threads=1)]
thread = threading.Thread(target=lambda: (held.clear(), gc.collect()))
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGUSR1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "handled"), done.stderr


@pytest.mark.parametrize("damage", ["none", "empty", "cut", "changed", "unwritable"])
def test_openvino_survives_a_damaged_cache(
    damage: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    weights = (project / "src/distilfuse/zoo/models/nano-ivif.onnx").read_bytes()
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path))
    if damage == "unwritable":
        (tmp_path / "openvino").write_bytes(b"")
    first = open_backend("openvino", weights, threads=1).run(*pair(48, 64))
    if damage != "unwritable":
        (kept,) = (path for path in (tmp_path / "openvino").rglob("*") if path.is_file())
        content = kept.read_bytes()
        cut, changed = content[: len(content) // 2], bytes(64) + content[64:]
        kept.write_bytes({"none": content, "empty": b"", "cut": cut, "changed": changed}[damage])
    np.testing.assert_allclose(open_backend("openvino", weights, threads=1).run(*pair(48, 64)), first, atol=1e-6)
